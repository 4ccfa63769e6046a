"""A mesh file's bytes, or a typed refusal before anything large is allocated."""

import stat
from pathlib import Path

from headform.errors import HeadformError, InputError

MAX_BYTES = 1 << 30
"""Largest mesh file that is read; a scan of 10 million triangles stays below it."""


def read_bytes(path: str | Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Everything in a regular file.

    Args:
        path: The file.
        max_bytes: Refuse a larger one.

    Returns:
        Its content.

    Raises:
        InputError: `mesh_unreadable` when it is absent, not a regular file (so that a FIFO or a
            device never blocks), or may not be read; `mesh_too_large`; `mesh_empty` at 0 bytes.
    """
    path = Path(path)
    shown = ascii(str(path))
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise InputError("mesh_unreadable", "not a regular file", shown)
        if info.st_size > max_bytes:
            raise InputError(
                "mesh_too_large",
                f"the mesh file has {info.st_size} bytes, the limit is {max_bytes}",
                shown,
                "simplify it first",
            )
        data = path.read_bytes()
    except HeadformError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("mesh_unreadable", f"cannot read the mesh: {reason}", shown) from error
    if not data:
        raise InputError("mesh_empty", "the mesh file has 0 bytes", shown)
    return data
