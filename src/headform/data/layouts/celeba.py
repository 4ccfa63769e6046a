"""CelebA: 202,599 photos of 10,177 people, as found on the web and aligned.

    Img/img_celeba/000001.jpg                        photos as found, with others in the background
    Img/img_align_celeba/000001.jpg                  the same turned, scaled and cut to 178 x 218 pixels (also as .png)
    Anno/identity_CelebA.txt, Eval/list_eval_partition.txt, Anno/list_landmarks_celeba.txt, ...   see `celeba_lists`

Copies differ: folders and lists may lie side by side, a folder in one of the same name, lists as .csv; the Kaggle copy has
aligned photos alone and does not say who is in them. Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from headform.data.layouts.celeba_lists import (
    ALIGNED_LANDMARKS,
    BOXES,
    IDENTITIES,
    LANDMARKS,
    PARTITIONS,
    PhotoList,
    find_lists,
    read_list,
)
from headform.data.layouts.photo_set import (
    FaceMark,
    ListedPhoto,
    PhotoSet,
    expected_counts,
    folders_named,
    layout_missing,
    named,
    pictures_below,
)
from headform.errors import InputError, check_choice

Images = Literal["auto", "wild", "aligned"]
Partition = Literal["train", "val", "test", "all"]
Identities = Literal["listed", "none"]
SUBJECTS, PHOTOS = 10_177, 202_599
_FOLDERS = {"wild": "img_celeba", "aligned": "img_align_celeba(_png)?"}
_PARTS = {"train": 0, "val": 1, "test": 2}
_Rows = dict[str, tuple[int, ...]]
_ARCHIVES = (".zip", ".7z", ".001")
_FILES = {IDENTITIES: "identity_CelebA.txt", PARTITIONS: "list_eval_partition.txt"}


@dataclass(frozen=True)
class Selection:
    """Photos of CelebA that are read.

    Attributes:
        images: Photos as found, or aligned; "auto" for those as found where they are there.
        partition: The owners' part.
        identities: "listed" for people by the owners' list; "none" takes each photo for a person of its own.

    Raises:
        UsageError: `option_unknown`.
    """

    images: Images = "auto"
    partition: Partition = "train"
    identities: Identities = "listed"

    def __post_init__(self) -> None:
        check_choice(self.images, get_args(Images), "images")
        check_choice(self.partition, get_args(Partition), "partition")
        check_choice(self.identities, get_args(Identities), "identities")


TRAIN = Selection()
"""The owners' part for training, with its people."""


def read(source: Path, selection: Selection = TRAIN) -> PhotoSet:
    """List the photos of CelebA that have a row in each list that is used.

    The face that is meant is marked by the five landmarks of the photos' own list; by the box where photos as found have no
    landmarks.

    Args:
        source: Folder that holds photos and lists at any of the usual places.
        selection: Photos that are read.

    Raises:
        InputError: `dataset_missing`; `dataset_layout` without photos or without a list that the selection needs;
            `dataset_damaged` for a malformed list.
    """
    images, found = _pictures(source, selection.images)
    files = find_lists(source)
    lists = {}
    if selection.identities == "listed":
        lists[IDENTITIES] = _needed(
            source, files, IDENTITIES, "--identities none takes each photo for a person of its own"
        )
    if selection.partition != "all":
        lists[PARTITIONS] = _needed(source, files, PARTITIONS, "--partition all takes every photo")
    people: _Rows = lists[IDENTITIES].rows if IDENTITIES in lists else {key: (int(key),) for key in found}
    parts: _Rows = lists[PARTITIONS].rows if PARTITIONS in lists else {}
    marks, mark_notes = _marks(images, files)
    photos, unlisted, others = [], [], 0
    for key, path in found.items():
        if key not in people or (parts and key not in parts):
            unlisted.append(path.name)
        elif parts and parts[key][0] != _PARTS[selection.partition]:
            others += 1
        else:
            label = path.relative_to(source).as_posix()
            photos.append(ListedPhoto(path, str(people[key][0]), label, marks.get(key)))
    if not photos:
        what = f"none of {len(found)} photos is in the lists, in partition {selection.partition}"
        raise InputError("dataset_layout", what, ascii(str(source)), "name the folder with the lists of these photos")
    notes = [*named("photos without a row in the lists, left out", unlisted), *mark_notes]
    if others:
        notes.append(f"{others} photos of other partitions were left out")
    if len(found) != PHOTOS:
        notes.append(f"{len(found)} photos, {PHOTOS} were published")
    if selection.identities == "none":
        notes.append("people are unknown: each photo counts as a person of its own, held-out parts may share people")
    else:
        notes += expected_counts(photos, SUBJECTS) if selection.partition == "all" else []
        notes += _shared_people(people, parts, selection.partition)
    notes += [
        f"{each.file} has {len(each.rows)} rows and says {each.expected}"
        for each in lists.values()
        if each.expected not in (None, len(each.rows))
    ]
    unmarked = [photo.path.name for photo in photos if photo.face is None] if marks else []
    notes += named("photos whose face is not marked; the largest is taken", unmarked)
    choices = (("images", images), ("partition", selection.partition), ("identities", selection.identities))
    return PhotoSet(tuple(photos), tuple(notes), choices)


def _pictures(source: Path, images: Images) -> tuple[str, dict[str, Path]]:
    """Return which photos are read, and their files by the digits of the name."""
    for kind, pattern in _FOLDERS.items():
        if images in ("auto", kind):
            for folder in folders_named(source, pattern):
                found = {path.stem: path for path in pictures_below(folder, lambda path: path.stem.isdecimal())}
                if found:
                    return kind, found
    wanted = {"auto": "img_celeba or img_align_celeba", "wild": "img_celeba", "aligned": "img_align_celeba"}[images]
    error = layout_missing(source, f"{wanted} with 000001.jpg")
    beginning = {"auto": "img_*celeba*", "wild": "img_celeba*", "aligned": "img_align_celeba*"}[images]
    packed = [path for path in source.rglob(beginning) if path.suffix.lower() in _ARCHIVES and path.is_file()]
    if packed:
        error.hint = f"unpack {min(path.name for path in packed)} first"
    elif images != "auto" and any(folders_named(source, pattern) for pattern in _FOLDERS.values()):
        error.hint = "there are other photos: leave out --images, or name the folder that has these"
    raise error


def _needed(source: Path, files: dict[str, Path], name: str, without: str) -> PhotoList:
    if name not in files:
        what = f"the list {_FILES[name]} is missing"
        raise InputError("dataset_layout", what, ascii(str(source)), f"put it beside the photos' folder; {without}")
    found = read_list(files[name])
    if name == PARTITIONS and not all(row[0] in _PARTS.values() for row in found.rows.values()):
        what = "the list is damaged: a partition is none of 0, 1 and 2"
        raise InputError("dataset_damaged", what, ascii(str(files[name])), "get it from its owner again")
    return found


def _marks(images: str, files: dict[str, Path]) -> tuple[dict[str, FaceMark], list[str]]:
    """Return where the face that is meant is, by the digits of each photo's name."""
    points = LANDMARKS if images == "wild" else ALIGNED_LANDMARKS
    if points in files:
        return {key: _of_points(row) for key, row in read_list(files[points]).rows.items()}, []
    missing = f"{points}.txt is missing"
    if images == "wild" and BOXES in files:
        marks = {key: _of_box(row) for key, row in read_list(files[BOXES]).rows.items()}
        return marks, [f"{missing}: faces are marked by their boxes"]
    return {}, [f"{missing}: the largest face of each photo is taken"]


def _of_points(row: tuple[int, ...]) -> FaceMark:
    points = np.array(row, float).reshape(5, 2)
    middle = points.mean(0)
    return FaceMark((float(middle[0]), float(middle[1])), float(np.linalg.norm(points - middle, axis=1).max()))


def _of_box(row: tuple[int, ...]) -> FaceMark:
    x, y, width, height = row
    return FaceMark((x + width / 2, y + height / 2), min(width, height) / 2)


def _shared_people(people: _Rows, parts: _Rows, partition: Partition) -> list[str]:
    """Return a note of people of this partition whom another one shows too."""
    if partition == "all":
        return []
    own, other = set[int](), set[int]()
    for key, (part,) in parts.items():
        if key in people:
            (own if part == _PARTS[partition] else other).add(people[key][0])
    return named("people whom other partitions show too", [str(person) for person in sorted(own & other)])
