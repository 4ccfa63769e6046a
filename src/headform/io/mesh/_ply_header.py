"""Header of a PLY file: elements, their properties and the encoding."""

from dataclasses import dataclass
from typing import Literal

from headform.errors import InputError

Encoding = Literal["ascii", "binary_little_endian", "binary_big_endian"]

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
"""Numpy type codes without byte order, by PLY's name."""

_MAX_HEADER = 1 << 20


@dataclass(frozen=True)
class Property:
    """Property of an element: a number, or a list of numbers preceded by its length.

    Attributes:
        name: Name in the file.
        kind: numpy code of the number, or of a list's items.
        length_kind: numpy code of a list's length; empty for a single number.
    """

    name: str
    kind: str
    length_kind: str = ""


@dataclass(frozen=True)
class Element:
    """A table of the file: `count` rows of `properties`."""

    name: str
    count: int
    properties: tuple[Property, ...]


@dataclass(frozen=True)
class Header:
    """Parsed header; the body begins at byte `size`, on line `lines` + 1. `comments` are without the word."""

    encoding: Encoding
    elements: tuple[Element, ...]
    size: int
    lines: int
    comments: tuple[str, ...] = ()


def parse_header(data: bytes, *, name: str) -> Header:
    """Read the header at the start of a PLY file.

    Args:
        data: Content of the file.
        name: Name of the file, for error messages.

    Returns:
        The header.

    Raises:
        InputError: `mesh_format`, with the line, when it is not a PLY header.
    """

    def fail(what: str, number: int) -> InputError:
        return InputError("mesh_format", what, f"{name!a}, line {number}")

    encoding: Encoding | None = None
    elements: list[tuple[str, int, list[Property]]] = []
    comments: list[str] = []
    position, number = 0, 0
    while True:
        end = data.find(b"\n", position, _MAX_HEADER)
        number += 1
        if end < 0:
            raise fail("the header does not end ('end_header' is missing)", number)
        words = data[position:end].decode("latin-1").split()
        start, position = position, end + 1
        if number == 1:
            if words != ["ply"]:
                raise fail("the file does not begin with 'ply'", number)
            continue
        match words:
            case ["comment", *_]:
                comments.append(data[start:end].decode("utf-8", "backslashreplace").strip()[len("comment") :].strip())
            case [] | ["obj_info", *_]:
                pass
            case ["format", ("ascii" | "binary_little_endian" | "binary_big_endian") as kind, _]:
                encoding = kind  # type: ignore[assignment]  # narrowed by the pattern
            case ["element", title, count] if count.isdecimal() and len(count) <= 18:
                elements.append((title, int(count), []))
            case ["property", kind, title] if kind in TYPES and elements:
                elements[-1][2].append(Property(title, TYPES[kind]))
            case ["property", "list", length, kind, title] if (
                kind in TYPES and TYPES.get(length, "f")[0] in "iu" and elements
            ):
                elements[-1][2].append(Property(title, TYPES[kind], TYPES[length]))
            case ["end_header"]:
                break
            case _:
                raise fail(f"cannot understand the header line {' '.join(words)[:80]!a}", number)
    if encoding is None:
        raise fail("the header names no format", number)
    tables = tuple(Element(title, count, tuple(items)) for title, count, items in elements)
    return Header(encoding, tables, position, number, tuple(comments))
