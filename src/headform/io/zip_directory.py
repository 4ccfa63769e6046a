"""Zip archives, opened only when their table of entries is of a size that memory holds.

Python's `zipfile` makes an object of half a kilobyte for each entry of 46 bytes before anything can be asked.
"""

import os
import struct
import zipfile
from typing import Any

MAX_DIRECTORY = 16 << 20
"""Largest table of entries, bytes: 300,000 entries, for which `zipfile` takes 200 MB."""
_END, _END_BYTES = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_BYTES = b"PK\x06\x07", 20
_COMMENT_BYTES = 1 << 16


def open_archive(file: Any) -> zipfile.ZipFile:
    """Open the archive in a file.

    Raises:
        zipfile.BadZipFile: It is none, or its table of entries is too large.
    """
    size = _directory_bytes(file)
    if size > MAX_DIRECTORY:
        raise zipfile.BadZipFile(f"its table of entries has {size} bytes, the limit is {MAX_DIRECTORY}")
    file.seek(0)
    return zipfile.ZipFile(file)


def _directory_bytes(file: Any) -> int:
    """Return the size of the table of entries as the end of the file states it; 0 where there is no such end."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(length - _COMMENT_BYTES - _END_BYTES - _LOCATOR_BYTES, 0))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_BYTES:
        return 0
    size = int(struct.unpack_from("<I", tail, at + 12)[0])
    before = at - _LOCATOR_BYTES
    if before >= 0 and tail[before : before + 4] == _LOCATOR:  # ZIP64: the real size is in a record of its own
        position = struct.unpack_from("<Q", tail, before + 8)[0]
        if position + 48 <= length:
            file.seek(position)
            size = max(size if size != 0xFFFFFFFF else 0, struct.unpack_from("<Q", file.read(48), 40)[0])
    return size
