"""Values of MATLAB's Level 5 format out of a stream of its data elements.

N dimensions of an array. Layout: "MAT-File Format" (The MathWorks), "Level 5 MAT-File Format": every element is a tag
(type and number of bytes) and its bytes padded to eight; an array is an element of elements: flags, dimensions, name,
content.

Nothing but numbers, text, cells and structures is built. Every byte of an array, and a flat charge for every array, is taken
from a budget before memory is asked for.
"""

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from headform.io.mat_stream import Budget, MatDamagedError, MatRefusedError, Source

MATRIX, COMPRESSED = 14, 15
_STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
_TEXT = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
_NUMERIC = {
    6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8",
}  # fmt: skip
_CELL, _STRUCT, _CHAR, _OPAQUE = 1, 2, 4, 17
_REFUSED = {3: "an object", 5: "a sparse array", 16: "a function", _OPAQUE: "an object"}
_LOGICAL, _COMPLEX = 0x02, 0x08
_CHARGE = 512
_DEEPEST = 24


@dataclass(frozen=True)
class ArrayHeader:
    """What a file says of one array before its content.

    Attributes:
        name: Of the variable; empty inside cells and structures.
        kind: MATLAB's class number.
        flags: Its flags (logical, complex).
        shape: Its dimensions.
    """

    name: str
    kind: int
    flags: int
    shape: tuple[int, ...]


class Elements:
    """Reads the elements of one variable.

    Args:
        source: Stands behind the tag of the variable's array.
        order: ``<`` or ``>``.
        budget: Of the whole file.
    """

    def __init__(self, source: Source, order: str, budget: Budget) -> None:
        self._source = source
        self._order = order
        self._budget = budget

    def header(self) -> ArrayHeader:
        """Flags, dimensions and name.

        Raises:
            MatDamagedError: They are not there or make no sense.
        """
        flags = self._small(6, 5)
        word = struct.unpack(f"{self._order}I", flags[:4])[0] if len(flags) >= 4 else 0
        if word & 0xFF == _OPAQUE:  # has no dimensions
            return ArrayHeader(self._small(1, 2, 16).decode("latin-1"), _OPAQUE, 0, ())
        dims = self._small(5, 6)
        count = len(dims) // 4
        shape = struct.unpack(f"{self._order}{count}i", dims[: 4 * count])
        if not 2 <= count <= 32 or any(n < 0 for n in shape) or math.prod(shape) > 1 << 48:
            raise MatDamagedError(f"an array of impossible shape {shape!r:.80}")
        name = self._small(1, 2, 16)
        return ArrayHeader(name.decode("latin-1"), word & 0xFF, word >> 8 & 0xFF, shape)

    def value(self, header: ArrayHeader, path: str, depth: int = 0) -> Any:
        """What follows a header.

        Args:
            header: As `header` gave it.
            path: Where it stands in the file, for messages.
            depth: Of cells and structures around it.

        Returns:
            An array (native byte order, MATLAB's class, column-major); text; a list of the items of a cell, column by
            column; a dictionary of a structure's fields, or a list of them for an array of structures that is not of size 1.

        Raises:
            MatDamagedError: The content does not fit the header.
            MatRefusedError: It is not plain data, too deep or too large.
        """
        if header.kind in _REFUSED:
            raise MatRefusedError(f"`{path}` is {_REFUSED[header.kind]}; only plain data is read")
        if depth > _DEEPEST:
            raise MatRefusedError(f"`{path}` is nested deeper than {_DEEPEST}")
        count = math.prod(header.shape)
        if header.kind == _CELL:
            self._budget.spend(count * _CHARGE, f"`{path}`: {count} cells")
            return [self._nested(f"{path}/{k}", depth) for k in range(count)]
        if header.kind == _STRUCT:
            return self._structure(count, path, depth)
        if header.kind == _CHAR:
            return self._text(header, path)
        if header.kind not in _NUMERIC:
            raise MatDamagedError(f"`{path}` is of an unknown class {header.kind}")
        return self._numeric(header, path)

    def _nested(self, path: str, depth: int) -> Any:
        kind, length = self._tag()[:2]
        if kind != MATRIX:
            raise MatDamagedError(f"`{path}` is no array")
        if length == 0:  # how an empty cell or field may be written
            return np.zeros((0, 0))
        header = self.header()
        return self.value(header, path, depth + 1)

    def _structure(self, count: int, path: str, depth: int) -> Any:
        longest = self._small(5, 6)
        width = struct.unpack(f"{self._order}i", longest[:4])[0] if len(longest) >= 4 else 0
        names = self._small(1, 2, 16)
        if not 0 < width <= 4096 and names:
            raise MatDamagedError(f"`{path}` has field names {width} bytes long")
        fields = [
            names[at : at + width].split(b"\0")[0].decode("latin-1") for at in range(0, len(names), max(width, 1))
        ]
        self._budget.spend(count * max(len(fields), 1) * _CHARGE, f"`{path}`: {count} structures")
        items = [{field: self._nested(f"{path}/{field}", depth) for field in fields} for _ in range(count)]
        return items[0] if count == 1 else items

    def _text(self, header: ArrayHeader, path: str) -> Any:
        kind, length, small = self._tag()
        self._budget.spend(4 * length + _CHARGE, f"text `{path}`")
        data = self._bytes(length, small).tobytes()
        if kind in _TEXT:
            codec = _TEXT[kind] if kind == 16 else _TEXT[kind] + self._endian
        elif kind in (1, 2):
            codec = "latin-1"
        elif kind in (3, 4):
            codec = f"utf-16{self._endian}"
        else:
            raise MatDamagedError(f"`{path}` is text of type {kind}")
        text = data.decode(codec, errors="replace")
        rows = header.shape[0] if text else 0
        if rows <= 1:
            return text
        if len(text) % rows:
            raise MatDamagedError(f"`{path}` has {len(text)} characters in {rows} rows")
        self._budget.spend(rows * _CHARGE, f"text `{path}`: {rows} rows")
        return [text[k::rows] for k in range(rows)]

    def _numeric(self, header: ArrayHeader, path: str) -> npt.NDArray[Any]:
        dtype = np.dtype(_NUMERIC[header.kind])
        real = self._part(header, dtype, path)
        if header.flags & _COMPLEX:
            imaginary = self._part(header, dtype, path)
            self._budget.spend(32 * real.size, f"complex `{path}`")
            return real + 1j * imaginary
        return real.astype(bool) if header.flags & _LOGICAL else real

    def _part(self, header: ArrayHeader, dtype: np.dtype[Any], path: str) -> npt.NDArray[Any]:
        """The numbers of an array, which are stored in the smallest type that holds them."""
        count = math.prod(header.shape)
        kind, length, small = self._tag()
        if kind not in _STORED:
            raise MatDamagedError(f"`{path}` is stored as type {kind}")
        stored = np.dtype(self._order + _STORED[kind])
        if length != count * stored.itemsize:
            raise MatDamagedError(f"`{path}` has {length} bytes for {count} numbers")
        cost = length + (0 if stored == dtype else count * dtype.itemsize)
        self._budget.spend(cost + _CHARGE, f"`{path}`: {header.shape}")
        flat = self._bytes(length, small).view(stored)
        return flat.astype(dtype, copy=False).reshape(header.shape, order="F")

    def _bytes(self, length: int, small: bytes | None) -> npt.NDArray[np.uint8]:
        """The bytes of an element and over its padding; the caller has paid for them."""
        if small is not None:
            return np.frombuffer(small, np.uint8)[:length].copy()
        data = np.empty(length, np.uint8)
        self._source.fill(data.data)
        self._source.skip(-length % 8)
        return data

    def _small(self, *kinds: int) -> bytes:
        """An element that is short by nature."""
        kind, length, small = self._tag()
        if kind not in kinds:
            raise MatDamagedError(f"an element of type {kind} where {kinds[0]} was expected")
        if small is not None:
            return small[:length]
        data = self._source.take(length)
        self._source.skip(-length % 8)
        return data

    def _tag(self) -> tuple[int, int, bytes | None]:
        """Type and length of the next element, and its four bytes if it is a small one."""
        tag = self._source.take(8)
        first, second = struct.unpack(f"{self._order}II", tag)
        if first >> 16:
            if first >> 16 > 4:
                raise MatDamagedError("a small element of more than four bytes")
            return first & 0xFFFF, first >> 16, tag[4:]
        return first, second, None

    @property
    def _endian(self) -> str:
        return "-le" if self._order == "<" else "-be"
