"""Detection of JPEG files whose data end before the picture does.

libjpeg fills what it cannot decode with the last known color, and Pillow does not notice. Whether a flat lower part was
coded or filled is told by decoding the data up to their first end mark without that mark: the decoder then waits for more
where data are missing, and leaves the rows below as they were.

H rows, W columns, C channels.
"""

import contextlib
import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image, JpegImagePlugin

_TAIL = 16
"""Fraction of the height, as its reciprocal, that must be of one color to be looked at more closely."""
_WAITING_ROWS = 34
"""Rows that the decoder holds back at the end of sound data: two rows of blocks of 16, and two for the upsampling."""
_BARE = frozenset((0x00, *range(0xD0, 0xD8)))  # stuffing and restart marks, which are part of the data


def is_filled_below(picture: Image.Image, data: bytes) -> bool:
    """Return whether the lower part of a decoded JPEG is a fill of the decoder, not data.

    Args:
        picture: picture as decoded from `data`, at full size.
        data: file.
    """
    whole = np.asarray(picture)
    tail = whole[-max(len(whole) // _TAIL, 1) :]
    if not (tail == tail[-1, -1]).all():
        return False
    end = _end_of_first_scan(data)
    if end is None:
        return False
    partial = JpegImagePlugin.JpegImageFile(io.BytesIO(data[:end]))
    with contextlib.suppress(OSError):  # truncated, as it should be
        partial.load()
    partial.tile = []  # the rows that were decoded, and no more
    return len(whole) - _rows(np.asarray(partial), whole) > _WAITING_ROWS


def _rows(partial: UInt8[np.ndarray, "H W *C"], whole: UInt8[np.ndarray, "H W *C"]) -> int:
    """Count the rows from the top that are the same in both."""
    same = (partial == whole).reshape(len(whole), -1).all(1)
    return len(whole) if same.all() else int(np.argmin(same))


def _end_of_first_scan(data: bytes) -> int | None:
    """Position of the mark that ends the first scan; None where other scans follow, or where there is no scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    at = data.find(b"\xff", at + 2)
    while 0 <= at < len(data) - 1:
        mark = data[at + 1]
        if mark in (0xC4, 0xDA, 0xDB):  # tables or pixels of a further scan
            return None
        if mark not in _BARE and mark != 0xFF:
            return at
        at = data.find(b"\xff", at + (1 if mark == 0xFF else 2))
    return None
