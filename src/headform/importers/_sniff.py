"""Cheap inspection of files of unknown kind; nothing here raises."""

import stat
from pathlib import Path

from headform.errors import WeightsError
from headform.io.mat_file import is_hdf5_mat, is_mat, list_mat


def first_bytes(path: Path, count: int = 64) -> bytes:
    """Return the first bytes of a regular file; none of anything else."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return b""


def size_of(path: Path) -> int:
    """Return the size of a regular file in bytes, else -1."""
    try:
        info = path.stat()
    except (OSError, ValueError):
        return -1
    return info.st_size if stat.S_ISREG(info.st_mode) else -1


def mat_keys(path: Path) -> frozenset[str]:
    """Return the names of the variables of a MATLAB file of Level 5; none of anything else."""
    if not is_mat(path) or is_hdf5_mat(path):
        return frozenset()
    try:
        return frozenset(list_mat(path))
    except (WeightsError, OSError, ValueError):
        return frozenset()
