"""Little-endian binary archives of the C++ library cereal, as eos writes its models: a bounded reader.

R rows, C columns, N items. Layout (cereal's BinaryArchive and eos's Eigen matrices): numbers as they are; a vector or
map is a u64 count and its items; a text is a u64 count and its bytes; a matrix is i32 rows, i32 columns and float32
column by column; an optional is one byte, 1 for nothing, and the value; a variant is an i32 index and the value.

Every count is checked against the bytes that remain before anything is allocated.
"""

import struct

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError

_HINT = "the file is truncated or not an eos model; get it again"


class Archive:
    """Position in the bytes of an archive; each method reads on from there.

    Every method raises:
        WeightsError: ``weights_damaged`` when the bytes end before the value or cannot be one.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self._data, self._where, self._at = data, where, 0

    @property
    def remaining(self) -> int:
        """Number of bytes not read yet."""
        return len(self._data) - self._at

    def number(self, code: str, name: str) -> int:
        """Read an integer; `code` as in the module struct, such as ``I`` for u32 and ``Q`` for u64."""
        raw = self._take(struct.calcsize("<" + code), name)
        return int(struct.unpack("<" + code, raw)[0])

    def count(self, name: str, item_bytes: int) -> int:
        """Read a u64 count of items of at least `item_bytes` each, all of which must be there."""
        count = self.number("Q", name)
        self._check_room(count, item_bytes, name, "items")
        return count

    def text(self, name: str) -> str:
        """Read a UTF-8 text."""
        raw = self._take(self.count(name, 1), name)
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise self.damaged(f"`{name}` is not text") from error

    def matrix(self, name: str) -> Float[np.ndarray, "R C"]:
        """Read a float32 matrix."""
        rows, columns = self.number("i", name), self.number("i", name)
        if min(rows, columns) < 0:
            raise self.damaged(f"`{name}` claims {rows} x {columns} numbers")
        return self.block("<f4", rows * columns, name).reshape(columns, rows).T

    def triples(self, name: str) -> Int[np.ndarray, "N 3"]:
        """Read a vector of three i32 each."""
        return self.block("<i4", 3 * self.count(name, 12), name).reshape(-1, 3)

    def pairs(self, name: str) -> Float[np.ndarray, "N 2"]:
        """Read a vector of two float64 each."""
        return self.block("<f8", 2 * self.count(name, 16), name).reshape(-1, 2)

    def block(self, dtype: str, count: int, name: str) -> np.ndarray:
        """Read `count` numbers of a little-endian numpy type such as ``<f8``, as a vector."""
        size = np.dtype(dtype).itemsize
        self._check_room(count, size, name, "numbers")
        return np.frombuffer(self._take(count * size, name), dtype)

    def absent(self, name: str) -> bool:
        """Read the mark in front of an optional value, and return whether there is none."""
        mark = self.number("B", name)
        if mark > 1:
            raise self.damaged(f"`{name}` is marked {mark}, expected 0 or 1")
        return mark == 1

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self.remaining:
            raise self.damaged(f"{self.remaining} bytes after the end of the model")

    def damaged(self, what: str) -> WeightsError:
        """Return the error to raise for this archive."""
        return WeightsError("weights_damaged", what, self._where, _HINT)

    def _check_room(self, count: int, size: int, name: str, items: str) -> None:
        if count * size > self.remaining:
            raise self.damaged(f"`{name}` claims {count} {items}, {self.remaining} bytes are left for them")

    def _take(self, size: int, name: str) -> bytes:
        if size > self.remaining:
            raise self.damaged(f"the file ends within `{name}`")
        self._at += size
        return self._data[self._at - size : self._at]
