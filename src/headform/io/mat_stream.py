"""Bytes of a MATLAB file under a budget, plain or inflated piece by piece.

What is inflated is never more than what the reader of the elements asks for, and it asks
only for what the budget allows: a compressed bomb costs its compressed size and one piece.
"""

import zlib
from typing import BinaryIO

_PIECE = 1 << 20


class MatDamagedError(Exception):
    """The bytes are cut or are no MATLAB file; the message says how."""


class MatRefusedError(Exception):
    """The file holds something that is not plain data, or more of it than is allowed."""


class Budget:
    """How many bytes of memory may still be spent on one file.

    Args:
        size: Of all decoded values together.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.left = size

    def spend(self, count: int, what: str) -> None:
        """Take `count` bytes.

        Raises:
            MatRefusedError: There are not as many left.
        """
        if count > self.left:
            raise MatRefusedError(f"{what} of {count} bytes; at most {self.size} are read from one file")
        self.left -= count


class Source:
    """A run of bytes of a file.

    Args:
        file: Stands at the first byte.
        length: How many bytes there are, as the file says.
    """

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def fill(self, target: memoryview) -> None:
        """Fill `target` with the next bytes.

        Raises:
            MatDamagedError: There are not as many.
        """
        done = 0
        while done < len(target):
            piece = self._next(min(len(target) - done, _PIECE))
            if not piece:
                raise MatDamagedError("the file ends within a value")
            target[done : done + len(piece)] = piece
            done += len(piece)

    def take(self, count: int) -> bytes:
        """The next few bytes (names, dimensions, padding)."""
        if count > _PIECE:
            raise MatDamagedError(f"{count} bytes where a few were expected")
        data = bytearray(count)
        self.fill(memoryview(data))
        return bytes(data)

    def skip(self, count: int) -> None:
        """Leave `count` bytes out."""
        while count > 0:
            piece = min(count, _PIECE)
            self.take(piece)
            count -= piece

    def finish(self) -> None:
        """Make sure that nothing is left.

        Raises:
            MatDamagedError: Something is.
        """
        if self._next(1):
            raise MatDamagedError("bytes behind the end of a value")

    def _next(self, most: int) -> bytes:
        data = self._file.read(min(most, self._left))
        self._left -= len(data)
        return data


class Inflated(Source):
    """The same, where the file's bytes are a zlib stream."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        super().__init__(file, length)
        self._inner = zlib.decompressobj()
        self._ready = memoryview(b"")

    def _next(self, most: int) -> bytes:
        if not self._ready:
            self._ready = memoryview(self._inflate())
        piece = self._ready[:most]
        self._ready = self._ready[most:]
        return bytes(piece)

    def _inflate(self) -> bytes:
        """At least one byte and at most one piece, or nothing at the end of the stream."""
        while not self._inner.eof:
            data = self._inner.unconsumed_tail or super()._next(_PIECE)
            try:
                piece = self._inner.decompress(data, _PIECE)
            except zlib.error as error:
                raise MatDamagedError(f"broken compression: {error}") from error
            if piece:
                return piece
            if not data:
                raise MatDamagedError("the file ends within a compressed value")
        return b""
