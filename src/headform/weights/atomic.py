"""Write a file so that a reader sees the old bytes or the new ones, never a part.

No arrays here, hence no letters.
"""

import contextlib
import os
import tempfile
from pathlib import Path

from headform.errors import ResourceError


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` through a temporary neighbour, `fsync` and rename.

    Args:
        path: Destination; its folder must exist.
        data: The whole content.

    Raises:
        ResourceError: `write_failed` when the disk is full or the folder cannot be written; the
            previous file, if any, is then untouched and no temporary file is left.
    """
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        reason = error.strerror or str(error)
        raise ResourceError(
            "write_failed",
            f"cannot write {len(data)} bytes: {reason}",
            str(path),
            "choose a folder that exists, may be written and has room",
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
