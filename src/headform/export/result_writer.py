"""Writer of the folder that `headform reconstruct` writes: each photo's result appears whole, and nobody else's is lost.

A photo is known by its absolute path. Its line in the manifest and the name of its folder are its own, in this run and in
later ones; another photo of the same name gets another folder. The lines of all photos of a run are there from its
beginning, as not reached, so that neither a kill nor a full disk can leave a photo unnamed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

from headform.errors import HeadformError, ResourceError
from headform.export._manifest_table import ManifestTable
from headform.export.folder_names import TakenNames, face_names, is_of, stem_of
from headform.export.manifest import MANIFEST, NOT_REACHED, Entry, ErrorEntry, FaceEntry, absolute
from headform.export.result_folder import PARAMETERS
from headform.io.folder_lock import FolderLock
from headform.io.folder_swap import PATIENCE_S, clear_stages, stage, swap

_UNREACHED = "a later run ended before this photo's turn; the result is an earlier one"
_UNWRITTEN = "the result of a later run could not be written; this is an earlier one"


@runtime_checkable
class Verdict(Protocol):
    """As much of a reconstruction as its line tells."""

    @property
    def status(self) -> str:
        """Verdict: ``ok`` or a doubt."""

    @property
    def confidence(self) -> float:
        """Confidence from 0 to 1."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons for the doubt."""


class ResultFolder:
    """A folder of results, used as a context for the photos of one run; several runs may write into it at once.

    At the end, photos that were not reached but have a result of an earlier run keep it, with a note. A run that is refused
    by an error before anything is recorded leaves the folder as it was.

    Args:
        folder: The folder, made where it is missing.
        photos: Paths as they were named.

    Raises:
        ResourceError: On entry: `write_failed`, `folder_in_use`.
        InputError: On entry: `results_invalid` when the folder holds another kind of manifest.
    """

    def __init__(self, folder: Path, photos: Sequence[Path]) -> None:
        self.folder, self._photos = folder, {absolute(photo): photo for photo in photos}
        self._table = ManifestTable(folder)
        self._begun: set[str] = set()
        self._recorded: set[str] = set()
        self._stack = contextlib.ExitStack()
        self._count = 0

    def __enter__(self) -> "ResultFolder":
        with contextlib.ExitStack() as stack:
            self._opening = stack.enter_context(self._lock())
            self._clear()
            self._table.load()
            self._begin()
            self._stage = self._stack.enter_context(stage(self.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        with contextlib.suppress(HeadformError, OSError), self._lock():
            self._table.load()
            if isinstance(error, HeadformError) and not self._recorded:
                gone = [e.path for e in self._table.entries if e.path in self._begun and e.status == "not_reached"]
                self._table.remove(gone)
            else:
                waiting = self._photos.keys() - self._recorded
                for entry in [e for e in self._table.entries if e.path in waiting and e.status == "ok"]:
                    self._table.replace(_noted(entry, _UNREACHED))
        self._opening.remove_if_empty()

    def stage(self, count: int) -> list[Path]:
        """Make empty folders for the faces of one photo, in which their files are written first.

        Raises:
            ResourceError: `write_failed`.
        """
        self._count += 1
        folders = [self._stage / f"{self._count}_{k}" for k in range(count)]
        with _explained(self.folder):
            for folder in folders:
                folder.mkdir()
        return folders

    def put(
        self, photo: Path, faces: Sequence[tuple[Verdict, Path]], notes: Sequence[str] = (), seconds: float = 0.0
    ) -> Entry:
        """Let the faces of a photo take the place of its earlier result, and write its line.

        Args:
            photo: Path as it was named.
            faces: For each face, from the largest, its verdict and its folder by `stage`.
            notes: Notes on the photo.
            seconds: Time it took.

        Returns:
            The line.

        Raises:
            ResourceError: `write_failed`, `folder_in_use`; the earlier result is as it was then.
        """
        with self._lock(), _explained(self.folder):
            self._table.load()
            name = self._name(photo, len(faces))
            targets = face_names(name, len(faces))
            found = tuple(
                FaceEntry(target, verdict.status, round(verdict.confidence, 4), verdict.reasons)
                for target, (verdict, _) in zip(targets, faces, strict=True)
            )
            entry = Entry(
                input=str(photo),
                status="ok",
                faces=found,
                notes=(*notes, *_naming(photo, name)),
                seconds=round(seconds, 3),
                path=absolute(photo),
                name=name,
            )
            with contextlib.ExitStack() as undo:
                for target, (_, staged) in zip(targets, faces, strict=True):
                    place = self.folder / target
                    back = (swap, staged, place) if os.path.lexists(place) else (os.rename, place, staged)
                    swap(staged, place)
                    undo.callback(*back)
                replaced = self._table.replace(entry)
                undo.pop_all()
            self._remove(replaced, name, but=targets)
        self._recorded.add(entry.path)
        for _, staged in faces:
            shutil.rmtree(staged, ignore_errors=True)
        return entry

    def fail(self, photo: Path, error: HeadformError, notes: Sequence[str] = (), seconds: float = 0.0) -> Entry:
        """Write the line of a photo that failed, and remove its earlier result.

        Where the disk failed, not the photo, an earlier result stays, and its line gets a note.

        Returns:
            The line.

        Raises:
            ResourceError: `write_failed`, `folder_in_use`.
        """
        with self._lock(), _explained(self.folder):
            self._table.load()
            old = self._line(photo)
            if error.code == "write_failed" and old is not None and old.status == "ok":
                entry = _noted(old, _UNWRITTEN)
                self._table.replace(entry)
            else:
                name = "" if old is None else old.name
                entry = Entry(
                    input=str(photo),
                    status="failed",
                    notes=(*notes, *_naming(photo, name)),
                    error=ErrorEntry.of(error),
                    seconds=round(seconds, 3),
                    path=absolute(photo),
                    name=name,
                )
                self._remove(self._table.replace(entry), name)
        self._recorded.add(entry.path)
        return entry

    def _lock(self) -> FolderLock:
        return FolderLock(self.folder, wait_s=PATIENCE_S)

    def _clear(self) -> None:
        """Remove what killed runs left half-written."""
        with _explained(self.folder):
            clear_stages(self.folder)
            for name in os.listdir(self.folder):
                if name.startswith(f".{MANIFEST}."):
                    (self.folder / name).unlink(missing_ok=True)

    def _begin(self) -> None:
        """Give each photo that has none a line and a name."""
        known = {entry.path for entry in self._table.entries}
        taken, begun = self._taken(), []
        for path, photo in self._photos.items():
            if path not in known:
                name = "" if photo.is_dir() else taken.take(stem_of(photo))
                notes = _naming(photo, name)
                begun.append(Entry(str(photo), "not_reached", (), notes, NOT_REACHED, path=path, name=name))
        self._table.extend(begun)
        self._begun = {entry.path for entry in begun}

    def _line(self, photo: Path) -> Entry | None:
        path = absolute(photo)
        return next((entry for entry in self._table.entries if entry.path == path), None)

    def _taken(self) -> TakenNames:
        """Names of other results, and of all else in the folder, which is not ours to replace."""
        listed = (name for e in self._table.entries for name in (e.name, *(face.folder for face in e.faces)) if name)
        with _explained(self.folder):
            return TakenNames((MANIFEST, *listed, *os.listdir(self.folder)))

    def _name(self, photo: Path, count: int) -> str:
        """Return the name by the photo's line, or another one if something that is no result has come to lie there."""
        line = self._line(photo)
        if line is not None and line.name:
            ours = {place.name for place in self._folders([line], line.name)}
            targets = face_names(line.name, count)
            if not any(name not in ours and os.path.lexists(self.folder / name) for name in targets):
                return line.name
        return self._taken().take(stem_of(photo))

    def _folders(self, entries: Sequence[Entry], name: str) -> list[Path]:
        """Folders of a photo's results: those that its lines list, and whole ones of its name that a kill left unlisted."""
        listed = {face.folder for entry in entries for face in entry.faces}
        places = [
            self.folder / found for found in os.listdir(self.folder) if found in listed or (name and is_of(found, name))
        ]
        return [
            place
            for place in places
            if place.is_dir() and not place.is_symlink() and (place.name in listed or (place / PARAMETERS).is_file())
        ]

    def _remove(self, entries: Sequence[Entry], name: str, but: Sequence[str] = ()) -> None:
        """Remove a photo's folders, each at once."""
        for place in self._folders(entries, name):
            if place.name not in but:
                self._count += 1
                gone = self._stage / f"{self._count}_gone"
                os.rename(place, gone)
                shutil.rmtree(gone, ignore_errors=True)


def _naming(photo: Path, name: str) -> tuple[str, ...]:
    """Note for a folder that has not the photo's own name."""
    stem = stem_of(photo)
    if name in ("", stem):
        return ()
    return (f"its folder is {name}: {stem} is taken",)


def _noted(entry: Entry, note: str) -> Entry:
    return replace(entry, notes=(*(old for old in entry.notes if old not in (_UNREACHED, _UNWRITTEN)), note))


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        what = f"cannot write here: {(cause.strerror or str(cause)).lower()}"
        advice = "choose a writable folder on a disk with free space"
        raise ResourceError("write_failed", what, str(folder), advice) from cause
