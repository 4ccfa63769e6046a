"""Exclusive use of an output folder by one process.

The lock is the kernel's (`flock` on a hidden file in the folder), so that it ends with its process, however that ends: a
file left by a killed process, by a machine that lost power, or one whose process number is someone else's by now, locks
nothing. Where the file system knows no locks, as some network file systems, the folder is used without one.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path
from types import TracebackType

from headform.errors import ResourceError

LOCK = ".headform.lock"
"""Name of the file in the locked folder."""
_POLL_S = 0.02
"""Pause between two attempts to get a lock that another process holds, seconds."""
_WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
_MAX_OWNER_BYTES = 1000

_held: dict[int, str] = {}
"""Open files that this process has locked, to the folders in which they lie."""


class FolderLock:
    """Exclusive use of a folder while the context lasts, or from `acquire` to `release`.

    The folder is made where it is missing, and removed again if it was made here and is empty in the end.

    Args:
        folder: Folder to lock; a link to a folder is followed.
        wait_s: Time to wait for another process, seconds; 0 refuses at once.
        nested: True to take part in a lock that this process holds on the folder already, where it holds one.

    Attributes:
        made: True where the folder did not exist before.
    """

    def __init__(self, folder: Path | str, *, wait_s: float = 0.0, nested: bool = False) -> None:
        self.folder = Path(folder)
        self.made, self._wait_s, self._nested = False, wait_s, nested
        self._made: list[Path] = []
        self._owner = b""
        self._handle: int | None = None

    def __enter__(self) -> "FolderLock":
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Lock the folder; without effect where this object holds it already.

        Raises:
            ResourceError: `folder_in_use` naming the other process; `write_failed` when the folder cannot be made or
                written.
        """
        if self._handle is not None or (self._nested and os.path.realpath(self.folder) in _held.values()):
            return
        deadline = time.monotonic() + self._wait_s
        try:
            while (handle := self._attempt()) is None:
                if time.monotonic() >= deadline:
                    raise self._in_use()
                time.sleep(_POLL_S)
        except OSError as error:
            self.remove_if_empty()
            what = f"cannot write here: {(error.strerror or str(error)).lower()}"
            raise ResourceError("write_failed", what, str(self.folder), "choose a writable folder") from error
        self._handle = handle
        _held[handle] = os.path.realpath(self.folder)
        owner = {"pid": os.getpid(), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # on a full disk the lock holds without the name of its owner
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(owner).encode(), 0)

    def release(self) -> None:
        """Unlock the folder; without effect where it is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        del _held[handle]
        with contextlib.suppress(OSError):  # the folder may have been taken away meanwhile
            if _is_current(handle, self.folder / LOCK):
                os.unlink(self.folder / LOCK)  # while it is held: whoever opened it sees that it is gone
        os.close(handle)
        self.remove_if_empty()

    def _attempt(self) -> int | None:
        """Return a handle of the locked file, None where another process holds it."""
        path = self.folder / LOCK
        while True:
            self._make()
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            except FileNotFoundError:  # another process has just removed the empty folder
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with contextlib.suppress(OSError):
                    self._owner = os.pread(handle, _MAX_OWNER_BYTES, 0)
                os.close(handle)
                return None
            except OSError as error:
                if error.errno not in _WITHOUT_LOCKS:
                    os.close(handle)
                    raise
            if _is_current(handle, path):
                return handle
            os.close(handle)

    def _make(self) -> None:
        missing = [place for place in (self.folder, *self.folder.parents) if not place.exists()]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._made += [place for place in missing if place not in self._made]
        self.made = bool(self._made)

    def remove_if_empty(self) -> None:
        """Remove the folder, and its parents, as far as they were made here and are empty."""
        with contextlib.suppress(OSError):
            for place in sorted(self._made, key=lambda place: len(place.parts), reverse=True):
                place.rmdir()

    def _in_use(self) -> ResourceError:
        what = "another process is writing into this folder"
        try:
            owner = json.loads(self._owner)
            what = f"process {int(owner['pid'])} is writing into this folder"
            if owner["host"] != socket.gethostname():
                what += f", on the machine {str(owner['host'])[:80]}"
        except (ValueError, LookupError, TypeError, RecursionError):
            pass
        return ResourceError(
            "folder_in_use", what, str(self.folder), "wait until it has ended, or choose another folder"
        )


def _is_current(handle: int, path: Path) -> bool:
    """Compare an open file with what lies under its name now: a lock on a removed file locks nothing."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _close_in_child() -> None:
    """Close what a forked process has inherited, which would hold the lock beyond its owner's life."""
    for handle in _held:
        with contextlib.suppress(OSError):
            os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_close_in_child)
