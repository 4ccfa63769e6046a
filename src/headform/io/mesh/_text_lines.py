"""Lines of a text in bytes, one after the other: a list of all takes fifty times the memory of short ones."""

from collections.abc import Iterator

LONGEST_LINE = 4 << 20
"""Longest line that is taken apart, bytes; a polygon of 100,000 corners stays below it."""
_PIECE = 1 << 20


def lines_of(data: bytes, start: int = 0) -> Iterator[bytes]:
    """Yield the lines after a position, as `bytes.splitlines` does: they end in LF, CR LF or CR."""
    size = len(data)
    while start < size:
        end = _line_end(data, start, size)
        yield from data[start:end].splitlines()
        start = end


def _line_end(data: bytes, start: int, size: int) -> int:
    """Return the end of a piece of whole lines, at least one."""
    length = _PIECE
    while start + length < size:
        end = max(data.rfind(b"\n", start, start + length), data.rfind(b"\r", start, start + length)) + 1
        if end > start:
            return end + 1 if data[end - 1 : end + 1] == b"\r\n" else end
        length *= 2  # so that a line of any length is searched twice over at most
    return size
