"""Atomic writing of files: a reader sees either the old or the new content."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from headform.errors import ResourceError

_MOST_OF_NAME = 40
"""Characters of a file's name in that of its temporary file, which must not pass the system's limit itself."""
_RANDOM = 8
"""Characters that `tempfile` adds to a name."""


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write `data` to `path` through a temporary file in the same folder, `fsync` and rename.

    Args:
        path: Destination; its folder must exist.
        data: Content of the file.

    Raises:
        ResourceError: `write_failed` when the disk is full or the folder cannot be written; the
            previous file, if any, is then untouched and no temporary file is left.
    """
    path = Path(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:_MOST_OF_NAME]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), 0o644)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ResourceError(
            "write_failed",
            f"cannot write {len(data)} bytes: {reason}",
            str(path),
            "choose an existing, writable folder with enough disk space",
        ) from error


def remove_temporary_files(paths: Iterable[Path]) -> None:
    """Remove what `write_bytes` to these paths left beside them when its process was killed.

    Args:
        paths: Files in folders that this process holds (`headform.io.folder_lock`), so that no other writes there.
    """
    starts: dict[Path, set[str]] = {}
    for path in paths:
        starts.setdefault(path.parent, set()).add(f".{path.name[:_MOST_OF_NAME]}.")
    for folder, names in starts.items():
        for found in folder.glob(".*"):
            if found.name[:-_RANDOM] in names and found.is_file() and not found.is_symlink():
                with contextlib.suppress(OSError):
                    found.unlink()


def make_folder(folder: Path | str) -> None:
    """Create a folder and its parents if they do not exist.

    Raises:
        ResourceError: `write_failed`.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot create the folder: {error.strerror or error}"
        fix = "choose a writable folder with enough disk space"
        raise ResourceError("write_failed", what, str(folder), fix) from error


def check_place(path: Path | None) -> None:
    """Check early, before a long computation, that `write_bytes` can write to a path; None is ignored.

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
        fix = "choose a file in an existing, writable folder with enough disk space"
        raise ResourceError("write_failed", f"{what}: {reason}", str(path), fix)


def remove_old(*paths: Path | None) -> None:
    """Remove files that an earlier run left under the names of this one's, so that a failure leaves none; None is ignored.

    Raises:
        ResourceError: `write_failed`.
    """
    for path in paths:
        if path is None:
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            what = f"cannot replace the file: {error.strerror or error}"
            raise ResourceError("write_failed", what, str(path), "choose another place, or remove it") from error


def sync_folder(folder: Path) -> None:
    """Flush the rename to disk, where the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
