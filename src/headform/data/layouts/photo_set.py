"""Photos of a data set with the labels of their subjects, as the layout of its owner gives them."""

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headform.errors import InputError
from headform.images.kind import ENDINGS

SUFFIXES = frozenset(ending for endings in ENDINGS.values() for ending in endings)
"""File endings of pictures."""
_MOST_NAMED = 5
"""Names in a note before it counts the rest."""
_DEEPEST = 4
"""Folders below the source in which a layout is looked for: archives unpack into one or two of their own."""


@dataclass(frozen=True)
class FaceMark:
    """Place of the face that a data set's owner means, where a photo may show several.

    Attributes:
        middle: Middle of the face, pixels of the file.
        reach: Greatest distance of the middle of a face that is found, pixels.
    """

    middle: tuple[float, float]
    reach: float

    def distance(self, point: Iterable[float]) -> float:
        """Distance of a point from the middle, pixels."""
        return math.dist(self.middle, tuple(point))


@dataclass(frozen=True)
class ListedPhoto:
    """A photo of a data set.

    Attributes:
        path: File.
        subject: Label of the person.
        label: Path within the source, with `/`.
        face: Place of the person's face; None for the largest.
    """

    path: Path
    subject: str
    label: str
    face: FaceMark | None = None


@dataclass(frozen=True)
class PhotoSet:
    """Photos of a data set, in an order that its files' names give.

    Attributes:
        photos: Photos.
        notes: Sentences about what is missing or unexpected.
        choices: Choices by which the owner's files were read, plain JSON values; part of a preparation's plan.
    """

    photos: tuple[ListedPhoto, ...]
    notes: tuple[str, ...] = ()
    choices: tuple[tuple[str, Any], ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """Labels of the subjects, each once, in the order of their first photos."""
        return tuple(dict.fromkeys(photo.subject for photo in self.photos))

    def at_most(self, count: int) -> "PhotoSet":
        """Return the set with at most `count` photos of each subject, spread evenly over them."""
        groups: dict[str, list[ListedPhoto]] = {}
        for photo in self.photos:
            groups.setdefault(photo.subject, []).append(photo)
        kept = set()
        for group in groups.values():
            few = min(count, len(group))
            kept |= {group[k * len(group) // few].label for k in range(few)}
        return replace(self, photos=tuple(photo for photo in self.photos if photo.label in kept))


def layout_missing(source: Path, expected: str) -> InputError:
    """Return the error of a folder that does not have the layout of its owner."""
    what = f"the folder does not have the layout of its owner: there is no {expected}"
    return InputError("dataset_layout", what, ascii(str(source)), "name the unpacked folder as its owner gives it out")


def folders_named(source: Path, pattern: str) -> list[Path]:
    """Return the folders of this name (a regular expression, case ignored) nearest below a source, or the source itself.

    All are of the first depth at which one is found, ordered by number and name.

    Raises:
        InputError: `dataset_missing` when there is no such folder.
    """
    if not source.is_dir():
        raise InputError("dataset_missing", "there is no such folder", ascii(str(source)), "name an existing one")
    known = re.compile(pattern, re.IGNORECASE)
    level = [source]
    if known.fullmatch(source.resolve().name):
        return level
    for _ in range(_DEEPEST):
        level = [path for folder in level for path in subfolders(folder)]
        found = [path for path in level if known.fullmatch(path.name)]
        if found:
            return sorted(found, key=lambda path: natural(str(path)))
    return []


def subfolders(folder: Path) -> list[Path]:
    """Return the visible folders in a folder, by number and name."""
    try:
        found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    except OSError:
        return []
    return sorted(found, key=lambda path: natural(path.name))


def pictures_below(folder: Path, wanted: Callable[[Path], bool] = lambda path: True) -> list[Path]:
    """Return the pictures in a folder and below that are wanted, by number and name; hidden ones are left out."""
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in files:
            path = Path(place, file)
            if path.suffix.lower() in SUFFIXES and not file.startswith(".") and wanted(path):
                found.append(path)
    return sorted(found, key=lambda path: natural(str(path.relative_to(folder))))


def natural(text: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts `pose_2` before `pose_10`."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"([0-9]+)", text) if part]


def listed(source: Path, subject: str, paths: Iterable[Path]) -> list[ListedPhoto]:
    """Return the photos of one subject."""
    return [ListedPhoto(path, subject, path.relative_to(source).as_posix()) for path in paths]


def named(what: str, names: Sequence[str]) -> list[str]:
    """Return a note that names the first few of a list and counts it; none for an empty one."""
    if not names:
        return []
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return [f"{what}: {len(names)} ({', '.join(names[:_MOST_NAMED])}{more})"]


def expected_counts(photos: Sequence[ListedPhoto], subjects: int, each: int = 0) -> list[str]:
    """Return notes about numbers that are not the published ones.

    Args:
        photos: Photos found.
        subjects: Published number of subjects.
        each: Published photos of each subject; 0 where it varies.
    """
    counts = Counter(photo.subject for photo in photos)
    notes = []
    if len(counts) != subjects:
        notes.append(f"{len(counts)} subjects, {subjects} were published")
    if each:
        notes += named(f"subjects without {each} photos", [name for name, count in counts.items() if count != each])
    return notes
