"""Write a file so that a reader sees the old bytes or the new ones, never a part."""

import contextlib
import os
import tempfile
from pathlib import Path

from headform.errors import ResourceError


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` through a temporary neighbor, `fsync` and rename.

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


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Raises:
        ResourceError: `write_failed`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot make the folder: {error.strerror or error}"
        fix = "choose a folder that may be written and has room"
        raise ResourceError("write_failed", what, str(folder), fix) from error


def check_place(path: Path | None) -> None:
    """Refuse at once a file that `write_bytes` could not write after hours of work; None is no file.

    Raises:
        ResourceError: `write_failed`.
    """
    if path is None:
        return
    what, reason = "cannot write here", "this is a folder" if path.is_dir() else ""
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        fix = "choose a file in a folder that exists, may be written and has room"
        raise ResourceError("write_failed", f"{what}: {reason}", str(path), fix)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
