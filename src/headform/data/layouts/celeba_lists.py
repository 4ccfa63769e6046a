"""Lists of CelebA: a row for each photo, in the owners' text files or in the tables of the Kaggle copy.

    identity_CelebA.txt               000001.jpg 2880                        person
    list_eval_partition.txt           000001.jpg 0                           0 train, 1 val, 2 test
    list_landmarks_celeba.txt         000001.jpg 165 184 244 176 ...         eyes, nose tip, mouth corners; pixels
    list_landmarks_align_celeba.txt   the same in the aligned photos
    list_bbox_celeba.txt              000001.jpg 95 71 226 313               x, y, width, height; pixels

Text files may begin with the number of rows and a line of names; the tables (.csv) begin with names.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from headform.errors import InputError
from headform.io.file_bytes import read_regular, reason_of

IDENTITIES, PARTITIONS = "identity_celeba", "list_eval_partition"
LANDMARKS, ALIGNED_LANDMARKS, BOXES = "list_landmarks_celeba", "list_landmarks_align_celeba", "list_bbox_celeba"
COLUMNS = {IDENTITIES: 1, PARTITIONS: 1, LANDMARKS: 10, ALIGNED_LANDMARKS: 10, BOXES: 4}
"""Numbers of a row, by the name of the list in small letters without its ending."""
_ENDINGS = (".txt", ".csv")
_LARGEST = 1 << 26
"""Largest list, bytes; the landmarks of all photos take 11 MB."""
_PHOTO = re.compile(r"(\d{1,12})\.(?:jpg|png)", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,9}")
_DEEPEST = 3
"""Folders below the source in which lists are looked for: `Anno` and `Eval`, in a folder that an archive made."""


@dataclass(frozen=True)
class PhotoList:
    """Numbers of the photos of a list.

    Attributes:
        file: Name of the file.
        rows: Numbers of each photo, by the digits of its name.
        expected: Number of rows that the file gives in its first line; None without it.
    """

    file: str
    rows: dict[str, tuple[int, ...]]
    expected: int | None = None


def find_lists(source: Path) -> dict[str, Path]:
    """Return the files of lists by their names in small letters without ending; text files before tables.

    They are looked for in a folder and below; for a folder of photos itself (`Img`, `img_celeba`, ...) without any, in the
    two folders above it and in their subfolders, too.
    """
    place = source.resolve()
    above = place.parents[:2] if place.name.lower().startswith("img") else ()
    return _below(source, _DEEPEST) or next(filter(None, (_below(folder, 1) for folder in above)), {})


def _below(source: Path, deepest: int) -> dict[str, Path]:
    found: dict[str, Path] = {}
    start = len(source.parts)
    for place, folders, files in os.walk(source):
        deep = len(Path(place).parts) - start >= deepest
        folders[:] = [] if deep else sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files, key=lambda name: name.lower().endswith(".csv")):
            stem, ending = os.path.splitext(file.lower())
            if stem in COLUMNS and ending in _ENDINGS:
                found.setdefault(stem, Path(place, file))
    return found


def read_list(path: Path) -> PhotoList:
    """Read a list; which one is told by its name.

    Raises:
        InputError: `dataset_damaged`, naming the line; `dataset_missing` where it cannot be read.
    """
    width = COLUMNS[path.stem.lower()]
    try:
        lines = read_regular(path, _LARGEST).decode("ascii").splitlines()
    except OSError as error:
        what = f"the list cannot be read: {reason_of(error)}"
        raise InputError("dataset_missing", what, ascii(str(path)), "check the file") from error
    except UnicodeDecodeError as error:
        raise _damaged(path, "it is no ASCII text") from error
    rows: dict[str, tuple[int, ...]] = {}
    expected: int | None = None
    for number, line in enumerate(lines, 1):
        cells = line.replace(",", " ").split()
        photo = _PHOTO.fullmatch(cells[0]) if cells else None
        if photo is None:
            # before the first photo: the number of rows, and the names of the columns
            if cells and (rows or number > 2):
                raise _damaged(path, f"line {number} names no photo")
            if len(cells) == 1 and _NUMBER.fullmatch(cells[0]):
                expected = int(cells[0])
            continue
        if len(cells) != width + 1 or not all(map(_NUMBER.fullmatch, cells[1:])):
            raise _damaged(path, f"line {number} has not {width} whole numbers after the name of its photo")
        if photo[1] in rows:
            raise _damaged(path, f"line {number} names a photo again: {cells[0]}")
        rows[photo[1]] = tuple(map(int, cells[1:]))
    if not rows:
        raise _damaged(path, "it names no photo")
    return PhotoList(path.name, rows, expected)


def _damaged(path: Path, what: str) -> InputError:
    return InputError(
        "dataset_damaged", f"the list is damaged: {what}", ascii(str(path)), "get it from its owner again"
    )
