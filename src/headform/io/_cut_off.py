"""Cut-off checks of files by the sizes that they state themselves; headers alone are read. Nothing here raises."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from headform.io.npz_file import BROKEN, NPY_MAGIC, ZIP_MAGIC, ArrayFileError, read_header

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MAT_HEADER = 128
_MOST_ELEMENTS = 10_000
_MOST_HEADER = 1 << 22
"""Largest JSON header of a safetensors file that is looked into, bytes."""


def missing_bytes(path: Path, start: bytes, size: int) -> int:
    """Return how many bytes of a file are missing at least, 0 where nothing shows that any are.

    Args:
        path: A regular file.
        start: Its first bytes, 600 or more of them where the file has as many.
        size: Its size, bytes.
    """
    try:
        for fits, measure in _MEASURES:
            if fits(start):
                return max(0, measure(path, start) - size)
    except (OSError, ValueError, LookupError, struct.error, ArrayFileError, *BROKEN):
        return 0
    return 0


def is_whole_pickle(path: Path, size: int) -> bool:
    """Return whether a pickle ends as pickles do, with a full stop; blanks behind it come from copies as text."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, size - 16))
            return file.read(16).rstrip(b"\r\n \0\x1a").endswith(b".")
    except OSError:
        return True


def _hdf5(path: Path, start: bytes) -> int:
    """Return the end-of-file address of the superblock, of versions 0 to 3 with addresses of 8 bytes."""
    base = start.find(HDF5_MAGIC)
    version = start[base + 8]
    if version in (0, 1) and start[base + 13] == 8:
        return int(struct.unpack_from("<Q", start, base + (40 if version == 0 else 44))[0])
    if version in (2, 3) and start[base + 9] == 8:
        return int(struct.unpack_from("<Q", start, base + 28)[0])
    return 0


def _matlab(path: Path, start: bytes) -> int:
    """Return where the last of a Level 5 file's elements should end."""
    order = ">" if start[126:128] == b"MI" else "<"
    at, end = _MAT_HEADER, path.stat().st_size
    with path.open("rb") as file:
        for _ in range(_MOST_ELEMENTS):
            if at >= end:
                break
            file.seek(at)
            tag = file.read(8)
            if len(tag) < 8:
                return at + 8
            at += 8 + int(struct.unpack(order + "II", tag)[1])
    return at


def _npy(path: Path, start: bytes) -> int:
    with path.open("rb") as file:
        header = read_header(file)
    return 0 if header.dtype.hasobject else header.length + header.nbytes


def _zip(path: Path, start: bytes) -> int:
    """Return one byte more than there is if the table at the end of an archive is missing."""
    return 0 if zipfile.is_zipfile(path) else path.stat().st_size + 1


def _safetensors(path: Path, start: bytes) -> int:
    length = int.from_bytes(start[:8], "little")
    if length > _MOST_HEADER:
        return 0
    if path.stat().st_size < 8 + length:
        return 8 + length
    with path.open("rb") as file:
        file.seek(8)
        table = json.loads(file.read(length))
    ends = [entry["data_offsets"][1] for name, entry in table.items() if name != "__metadata__"]
    return 8 + length + max(ends, default=0)


_MEASURES: tuple[tuple[Callable[[bytes], bool], Callable[[Path, bytes], int]], ...] = (
    (lambda start: start.startswith(b"MATLAB 5"), _matlab),
    (lambda start: HDF5_MAGIC in start, _hdf5),
    (lambda start: start.startswith(NPY_MAGIC), _npy),
    (lambda start: start.startswith(ZIP_MAGIC), _zip),
    (lambda start: start[8:9] == b"{" and start[:8].endswith(b"\0\0\0"), _safetensors),
)
