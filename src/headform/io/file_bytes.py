"""Bytes of a weights or mesh file, with typed errors before anything large is allocated."""

import stat
from pathlib import Path

from headform.errors import InputError, WeightsError

MAX_BYTES = 1 << 30
"""Largest mesh file that is read, bytes; a scan of 10 million triangles stays below it."""


def read_bytes(path: Path | str, *, max_bytes: int = MAX_BYTES, fix: str = "") -> bytes:
    """Read a regular file of weights.

    Args:
        path: Path of the file.
        max_bytes: Largest accepted file, bytes.
        fix: Advice for the error message.

    Raises:
        WeightsError: `weights_missing` when it is absent, not readable or not a regular file
            (so that a FIFO or a device never blocks); `weights_damaged` when it is too large.
    """
    path, where = Path(path), repr(str(path))
    size = check_regular(path, fix=fix)
    if size > max_bytes:
        what = f"{size} bytes are more than the limit of {max_bytes}"
        raise WeightsError("weights_damaged", what, where)
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError("weights_missing", f"cannot read the weights: {_reason(error)}", where, fix) from error


def read_mesh_bytes(path: Path | str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a regular file of a mesh.

    Args:
        path: Path of the file.
        max_bytes: Largest accepted file, bytes.

    Raises:
        InputError: `mesh_unreadable` when it is absent, not a regular file, or may not be read; `mesh_too_large`;
            `mesh_empty` at 0 bytes.
    """
    path, where = Path(path), ascii(str(path))
    try:
        size = regular_size(path)
        if size is not None and size <= max_bytes:
            data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError("mesh_unreadable", f"cannot read the mesh: {_reason(error)}", where) from error
    if size is None:
        raise InputError("mesh_unreadable", "not a regular file", where)
    if size > max_bytes:
        what = f"the mesh file has {size} bytes, the limit is {max_bytes}"
        raise InputError("mesh_too_large", what, where, "simplify it first")
    if not data:
        raise InputError("mesh_empty", "the mesh file has 0 bytes", where)
    return data


def check_regular(path: Path, *, fix: str = "") -> int:
    """Return the size of a file, after checking that it is a regular file.

    Raises:
        WeightsError: `weights_missing` when it is absent or no regular file.
    """
    try:
        size = regular_size(path)
    except (OSError, ValueError) as error:
        raise WeightsError(
            "weights_missing", f"cannot read the weights: {_reason(error)}", repr(str(path)), fix
        ) from error
    if size is None:
        raise WeightsError("weights_missing", "not a regular file", repr(str(path)), fix)
    return size


def regular_size(path: Path) -> int | None:
    """Return the size of a regular file, None for anything else; OSError if absent, ValueError for a NUL in the name."""
    info = path.stat()
    return info.st_size if stat.S_ISREG(info.st_mode) else None


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first bytes of a regular file; none of anything else. Never raises."""
    try:
        if regular_size(path) is None:
            return b""
        with path.open("rb") as file:
            return file.read(count)
    except (OSError, ValueError):
        return b""


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
