"""Rows of a binary PLY file: all alike, or with lists of different lengths.

N rows of one element, M numbers of all lists of a column.
"""

import struct
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float64, Shaped

from headform.errors import InputError
from headform.io.mesh._ply_header import Element

_MOST_EVEN = 64
"""Longest lists that are tried as rows of one type."""
_PIECE = 1 << 18
_UNEVEN_FACE = 3


@dataclass
class Places:
    """Bytes at which the lists of one property start, and their lengths; a single number is a list of one."""

    starts: Any = field(default_factory=lambda: array("q"))
    lengths: Any = field(default_factory=lambda: array("q"))

    def values(self, data: bytes, kind: np.dtype[Any]) -> Shaped[np.ndarray, " M"]:
        """Return the numbers of all lists, one after the other, in native byte order."""
        raw = np.frombuffer(data, np.uint8)
        starts, lengths = np.array(self.starts, np.int64), np.array(self.lengths, np.int64)
        ends = np.cumsum(lengths)
        values = np.empty(int(ends[-1]) if len(ends) else 0, kind.newbyteorder("="))
        row = 0
        while row < len(starts):  # in pieces: the places of all bytes take more memory than the bytes
            begin = int(ends[row] - lengths[row])
            last = max(int(np.searchsorted(ends, begin + _PIECE)), row + 1)
            part = lengths[row:last]
            within = np.arange(int(part.sum())) - np.repeat(ends[row:last] - part - begin, part)
            first = np.repeat(starts[row:last], part) + within * kind.itemsize
            found = raw[first[:, None] + np.arange(kind.itemsize)]
            values[begin : begin + len(first)] = np.ascontiguousarray(found).view(kind)[:, 0]
            row = last
        return values


def fixed_rows(
    data: bytes, element: Element, offset: int, name: str, order: str, *, read: bool
) -> tuple[list[Float64[np.ndarray, " _"]], int]:
    """Return the columns of an element without lists (none unless `read`), and the end of its rows."""
    size = sum(np.dtype(item.kind).itemsize for item in element.properties)
    _demand(data, element, offset, size * element.count, name)
    end = offset + size * element.count
    if not read:
        return [], end
    table = np.frombuffer(data, np.uint8, size * element.count, offset).reshape(element.count, size)
    columns, at = [], 0
    for item in element.properties:
        kind = np.dtype(order + item.kind)
        raw = np.ascontiguousarray(table[:, at : at + kind.itemsize])
        columns.append(raw.view(kind).reshape(-1).astype(np.float64))
        at += kind.itemsize
    return columns, end


def even_lists(data: bytes, element: Element, offset: int, order: str) -> tuple[Any, int, int] | None:
    """Return rows, length and end of an element whose only list has the same length everywhere: the fast path."""
    lists = [i for i, item in enumerate(element.properties) if item.length_kind]
    if len(lists) != 1 or element.count == 0 or len(element.properties) > _MOST_EVEN:
        return None
    before = sum(np.dtype(item.kind).itemsize for item in element.properties[: lists[0]])
    listed = element.properties[lists[0]]
    size = np.dtype(listed.length_kind).itemsize
    if offset + before + size > len(data):
        return None
    first = np.frombuffer(data, order + listed.length_kind, 1, offset + before)
    length = int(first[0])
    if not 0 <= length <= _MOST_EVEN:
        return None
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
    for i, item in enumerate(element.properties):
        if i == lists[0]:
            fields.append(("length", order + item.length_kind))
            fields.append((str(i), order + item.kind, (length,)))
        else:
            fields.append((str(i), order + item.kind))
    kind = np.dtype(fields)
    if offset + kind.itemsize * element.count > len(data):
        return None
    rows = np.frombuffer(data, kind, element.count, offset)
    if not (rows["length"] == length).all():
        return None
    return rows, length, offset + kind.itemsize * element.count


def list_rows(
    data: bytes, element: Element, offset: int, name: str, order: str, *, read: bool
) -> tuple[list[Places], int]:
    """Return the places of the numbers of each property (none unless `read`), and the end of the rows.

    Raises:
        InputError: `mesh_truncated`; `mesh_format` for a negative length, or a face of fewer than three corners.
    """
    least = sum(np.dtype(item.length_kind or item.kind).itemsize for item in element.properties)
    _demand(data, element, offset, least * element.count, name)
    places = [Places() for _ in element.properties] if read else []
    sinks: list[Places | None] = [*places] if read else [None] * len(element.properties)
    plan = [
        (
            np.dtype(item.kind).itemsize,
            struct.Struct(order + np.dtype(item.length_kind).char) if item.length_kind else None,
            place,
            _UNEVEN_FACE if element.name == "face" and item.name in ("vertex_indices", "vertex_index") else 0,
        )
        for item, place in zip(element.properties, sinks, strict=True)
    ]
    size = len(data)
    for row in range(element.count):
        for item_size, length_of, place, fewest in plan:
            length = 1
            if length_of is not None:
                if offset + length_of.size > size:
                    raise _cut(element, offset, name)
                (length,) = length_of.unpack_from(data, offset)
                offset += length_of.size
                if length < fewest:  # a negative one, or a face that the mesh is refused for: at once, not at the end
                    what = f"a list has the length {length}" if length < 0 else f"a face has {length} corners"
                    where = f"{name!a}, byte {offset}" if length < 0 else f"{name!a}, face {row}"
                    raise InputError("mesh_format", what, where)
            if place is not None:
                place.starts.append(offset)
                place.lengths.append(length)
            offset += length * item_size
            if offset > size:
                raise _cut(element, offset - length * item_size, name)
    return places, offset


def _demand(data: bytes, element: Element, offset: int, size: int, name: str) -> None:
    if size > len(data) - offset:
        raise _cut(element, offset, name)


def _cut(element: Element, offset: int, name: str) -> InputError:
    what = f"{element.count} of {element.name[:60]!a} announced, the file ends before them"
    return InputError("mesh_truncated", what, f"{name!a}, byte {offset}")
