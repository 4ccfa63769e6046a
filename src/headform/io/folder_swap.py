"""Results appear together: a finished folder takes the place of an older one, or finished files their places in a folder.

What is finished lies in a hidden folder on the same file system until then, so that a full disk or a kill while it is
written leaves everything as it was.
"""

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from headform.errors import ResourceError
from headform.io.atomic import sync_folder, write_bytes
from headform.io.folder_lock import LOCK, FolderLock

STAGE = ".headform-"
"""Beginning of the names of the hidden folders."""
PATIENCE_S = 60.0
"""Time to wait for another process that puts results into a folder, seconds: it holds it for some milliseconds."""
_ASIDE = ".aside"
"""Ending of an older folder's name while its place is empty, for the moment of an exchange in two steps."""
_HERE = -100  # AT_FDCWD: paths are relative to the working directory
_EXCHANGE = 2  # RENAME_EXCHANGE of Linux


def swap(staged: Path, place: Path) -> None:
    """Put a finished folder into its place; what was there takes the place of the finished one.

    In one step where the system can exchange two names, else in three, after which `clear_stages` mends what a kill between
    them leaves.

    Args:
        staged: Finished folder, in a folder that `stage` has made.
        place: Destination on the same file system; need not exist.

    Raises:
        OSError: From the system; nothing has changed then.
    """
    if not os.path.lexists(place):
        os.rename(staged, place)
    elif not _exchange(staged, place):
        aside = staged.with_name(place.name + _ASIDE)
        os.rename(place, aside)
        try:
            os.rename(staged, place)
        except OSError:
            os.rename(aside, place)
            raise
        os.rename(aside, staged)
    sync_folder(place.parent)


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Path]:
    """Make a hidden folder in `folder`, held by this process and removed at the end of the context.

    Raises:
        ResourceError: `write_failed`.
    """
    try:
        made = Path(tempfile.mkdtemp(prefix=STAGE, dir=folder))
    except OSError as error:
        what = f"cannot write here: {(error.strerror or str(error)).lower()}"
        raise ResourceError("write_failed", what, str(folder), "choose a writable folder with free space") from error
    lock = FolderLock(made)
    try:
        lock.acquire()
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        lock.release()


def clear_stages(folder: Path) -> None:
    """Remove the hidden folders of processes that were killed, and put back what they had moved aside.

    Raises:
        OSError: When `folder` cannot be listed.
    """
    for name in os.listdir(folder):
        left = folder / name
        if not name.startswith(STAGE) or left.is_symlink() or not left.is_dir():
            continue
        lock = FolderLock(left)
        try:
            lock.acquire()
        except ResourceError:  # of a process that lives, or not ours to remove
            continue
        try:
            for old in left.glob(f"*{_ASIDE}"):
                place = folder / old.name.removesuffix(_ASIDE)
                if not os.path.lexists(place):
                    os.rename(old, place)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            lock.release()


def write_together(folder: Path, files: Mapping[str, bytes], *, stale: Iterable[str] = ()) -> None:
    """Write files into a folder, which is made where it is missing: on a full disk none of them, else all.

    Args:
        folder: Destination.
        files: Contents by name.
        stale: Names of files to remove unless they are written.

    Raises:
        ResourceError: `write_failed`; `folder_in_use` while another process writes there for more than a minute.
    """
    with FolderLock(folder, wait_s=PATIENCE_S, nested=True), stage(folder) as staged:
        for name, data in files.items():
            write_bytes(staged / name, data)
        publish(staged, folder, stale=stale)


def publish(staged: Path, folder: Path, *, stale: Iterable[str] = (), last: str = "") -> None:
    """Move finished files from a hidden folder into `folder`, and remove what they replace.

    Links are replaced, not followed.

    Args:
        staged: Folder of the finished files, in `folder`.
        folder: Destination.
        stale: Names of files to remove unless they are among the finished ones.
        last: File that vouches for the others and is moved after them.

    Raises:
        ResourceError: `write_failed`.
    """
    names = sorted((path.name for path in staged.iterdir() if path.name != LOCK), key=lambda name: (name == last, name))
    try:
        for name in names:
            if name == last:
                sync_folder(folder)
            os.replace(staged / name, folder / name)
        for name in set(stale) - set(names):
            if not (folder / name).is_dir():
                (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        what = f"cannot write here: {(error.strerror or str(error)).lower()}"
        raise ResourceError("write_failed", what, str(folder), "choose a writable folder with free space") from error


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    answer: int = rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE)
    return answer == 0
