"""Places of caches: folders for what can be made again at any time and is kept to save time.

Compiled kernels are code. They are read only from folders in which nobody else can have put them, and a folder in a
shared temporary place is used only if it belongs to this user alone.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

KERNELS = "kernels"
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - a folder inside is used if it is private, see `_fault`
_OTHERS_WRITE = 0o022
"""Permission of group and others to write."""


@dataclass(frozen=True)
class CachePlaces:
    """Folders of one cache.

    Attributes:
        read: Folders that can be read, the preferred one first; an entry may lie in any of them.
        write: Folder for new entries; None if no place can be written.
        passed_over: Places that were tried and not used, each with its reason.
    """

    read: tuple[Path, ...]
    write: Path | None
    passed_over: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True)
class _Candidate:
    """A place to try.

    Attributes:
        folder: The folder.
        named: The user named it in the environment, and may share it with other users.
        inside: Existing folder in which it may be created; None: anywhere.
    """

    folder: Path
    named: bool
    inside: Path | None = None


def cache_root() -> Path | None:
    """Return `$HEADFORM_CACHE`, else `$XDG_CACHE_HOME/headform`, else `~/.cache/headform`; None without a home.

    The folder need not exist.
    """
    for each in _user_candidates(""):
        return each.folder
    return None


def kernel_places() -> CachePlaces:
    """Find the places of compiled kernels; creates the folder for new ones.

    In this order: `$NUMBA_CACHE_DIR`, `$HEADFORM_CACHE`, `$XDG_CACHE_HOME`, `~/.cache`, a private folder in `$TMPDIR`,
    `/tmp` or `/var/tmp`. The first that can be written takes new kernels; those before it are read.
    """
    candidates = []
    if numba := os.environ.get("NUMBA_CACHE_DIR"):
        candidates.append(_Candidate(Path(numba) / f"headform-{KERNELS}", named=True))
    candidates += _user_candidates(KERNELS)
    mine = f"headform-{os.geteuid()}"
    for place in (os.environ.get("TMPDIR"), *_TEMPORARY):
        if place and _is_safe_parent(Path(place)):
            candidates.append(_Candidate(Path(place) / mine / KERNELS, named=False, inside=Path(place)))
    read: list[Path] = []
    passed: list[tuple[Path, str]] = []
    for each in candidates:
        reason = _prepare(each)
        if not reason:
            return CachePlaces((*read, each.folder), each.folder, tuple(passed))
        if each.folder.is_dir() and os.access(each.folder, os.R_OK | os.X_OK) and not _fault(each):
            read.append(each.folder)
        passed.append((each.folder, reason))
    return CachePlaces(tuple(read), None, tuple(passed))


def _user_candidates(part: str) -> list[_Candidate]:
    """Return the places that belong to a user, the preferred one first."""
    found = []
    if named := os.environ.get("HEADFORM_CACHE"):
        found.append(_Candidate(Path(named) / part, named=True))
    shared = os.environ.get("XDG_CACHE_HOME")
    if shared and os.path.isabs(shared):  # the XDG specification says that relative paths are to be ignored
        found.append(_Candidate(Path(shared) / "headform" / part, named=False))
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor an entry in the table of users, as in containers
        return found
    found.append(_Candidate(home / ".cache" / "headform" / part, named=False, inside=home))
    return found


def _prepare(candidate: _Candidate) -> str:
    """Create the folder if needed; return the reason why it cannot take new entries, or nothing."""
    folder, inside = candidate.folder, candidate.inside
    mode = 0o777 if candidate.named else 0o700
    try:
        if not folder.is_dir():
            if inside is not None and not inside.is_dir():
                return f"there is no folder {inside}"
            folder.parent.parent.mkdir(parents=True, exist_ok=True)
            for each in (folder.parent, folder):
                each.mkdir(mode, exist_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    return _fault(candidate) or ("" if os.access(folder, os.W_OK | os.X_OK) else "it cannot be written")


def _fault(candidate: _Candidate) -> str:
    """Return the reason why code in this folder is not to be trusted, or nothing."""
    folder = candidate.folder
    below_shared = candidate.inside is not None and folder.parent.parent == candidate.inside
    try:
        for each in (folder.parent, folder) if below_shared else (folder,):
            found = os.stat(each) if candidate.named else os.lstat(each)
            if not stat.S_ISDIR(found.st_mode):
                return "it is no folder"
            if found.st_mode & (stat.S_IWOTH if candidate.named else _OTHERS_WRITE):
                return "others can write in it"
            if not candidate.named and found.st_uid not in (0, os.geteuid()):
                return "it belongs to another user"
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _is_safe_parent(place: Path) -> bool:
    """Return True if nobody else can rename our folder in this one: it is ours or the system's, private or sticky."""
    try:
        found = os.stat(place)
    except OSError:
        return False
    private = not found.st_mode & _OTHERS_WRITE
    return found.st_uid in (0, os.geteuid()) and (private or bool(found.st_mode & stat.S_ISVTX))
