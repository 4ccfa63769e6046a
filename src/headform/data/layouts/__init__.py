"""Layouts of data sets as their owners give them out: which photos show whom."""

from pathlib import Path
from typing import Literal, get_args

from headform.data.layouts import celeba, facewarehouse, florence, headspace, now, photo_folders, stirling
from headform.data.layouts.celeba import Selection as CelebaSelection
from headform.data.layouts.photo_set import (
    FaceMark,
    ListedPhoto,
    PhotoSet,
    folders_named,
    listed,
    named,
    pictures_below,
    subfolders,
)
from headform.data.layouts.stirling import Quality
from headform.errors import InputError, check_choice

Kind = Literal["facewarehouse", "lyhm", "stirling", "florence", "now", "celeba", "folder"]
PARAMETERS, MESHES, IMAGES = "FLAME_parameters", "registrations", "images"
"""Folders of the registrations that MICA released, each with a folder for a person; photos beside them lie in `images`."""


def list_photos(
    kind: Kind,
    source: Path,
    *,
    views: tuple[str, ...] = headspace.VIEWS,
    quality: Quality = "HQ",
    selection: CelebaSelection = celeba.TRAIN,
    subject_pattern: str = "",
) -> PhotoSet:
    """List the photos of a data set: by the layout of its owner, or in `images/PERSON` beside MICA's registrations.

    Args:
        kind: Data set; "folder" for any folders of photos.
        source: Folder.
        views: Cameras of "lyhm".
        quality: Photos of "stirling".
        selection: Photos of "celeba".
        subject_pattern: Labels of "folder", see `photo_folders.read`.

    Raises:
        InputError: `dataset_missing`; `dataset_layout` where the folder has neither layout; `dataset_damaged`.
        UsageError: `option_unknown`, `pattern_invalid`.
    """
    check_choice(kind, get_args(Kind), "kind")
    try:
        match kind:
            case "facewarehouse":
                return facewarehouse.read(source)
            case "lyhm":
                return headspace.read(source, views=views)
            case "stirling":
                return stirling.read(source, quality=quality)
            case "florence":
                return florence.read(source)
            case "now":
                return now.read(source)
            case "celeba":
                return celeba.read(source, selection)
            case _:
                return photo_folders.read(source, subject_pattern=subject_pattern)
    except InputError as error:
        if error.code != "dataset_layout" or not folders_named(source, PARAMETERS):
            raise
        found = _beside_registrations(source)
        if not found.photos:
            raise
        return found


def _beside_registrations(source: Path) -> PhotoSet:
    photos, empty = [], []
    for images in folders_named(source, IMAGES):
        for folder in subfolders(images):
            found = pictures_below(folder)
            photos += listed(source, folder.name, found)
            if not found:
                empty.append(folder.name)
    return PhotoSet(tuple(photos), tuple(named("people without photos", empty)))


__all__ = [
    "IMAGES",
    "MESHES",
    "PARAMETERS",
    "CelebaSelection",
    "FaceMark",
    "Kind",
    "ListedPhoto",
    "PhotoSet",
    "Quality",
    "folders_named",
    "list_photos",
]
