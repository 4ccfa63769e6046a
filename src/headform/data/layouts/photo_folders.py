"""Folders of photos: a subfolder for each person, or photos side by side."""

import re
from pathlib import Path

from headform.data.layouts.photo_set import (
    ListedPhoto,
    PhotoSet,
    listed,
    natural,
    pictures_below,
    subfolders,
)
from headform.errors import InputError, UsageError


def read(source: Path, *, subject_pattern: str = "") -> PhotoSet:
    """List the photos of a folder.

    Photos in a subfolder, at any depth below it, are of one person, named after it. Each photo in the folder itself is of a
    person of its own, unless the pattern says who.

    Args:
        source: Folder.
        subject_pattern: Regular expression found in the path of a photo within the folder, without its ending; its first
            group (or all of it) is the label of the person. Photos in which it is not found are left out.

    Raises:
        InputError: `dataset_missing` without such a folder or without photos in it.
        UsageError: `pattern_invalid`.
    """
    try:
        pattern = re.compile(subject_pattern)
    except re.error as error:
        raise UsageError(
            "pattern_invalid", f"no regular expression: {error}", subject_pattern[:80], "mend it"
        ) from error
    if not source.is_dir():
        raise InputError("dataset_missing", "there is no such folder", ascii(str(source)), "name an existing one")
    own = [path for path in pictures_below(source, lambda path: path.parent == source)]
    photos = [photo for path in own for photo in listed(source, path.stem, [path])]
    for folder in subfolders(source):
        photos += listed(source, folder.name, pictures_below(folder))
    if not photos:
        raise InputError("dataset_missing", "there are no photos in this folder", ascii(str(source)), "name another")
    photos.sort(key=lambda photo: natural(photo.label))
    notes = []
    if subject_pattern:
        photos, left_out = _labelled(photos, pattern)
        if left_out:
            notes.append(f"{left_out} photos were left out, in whose path the pattern is not found")
        if not photos:
            raise UsageError(
                "pattern_invalid", "the pattern is found in no photo's path", subject_pattern[:80], "mend it"
            )
    return PhotoSet(tuple(photos), tuple(notes))


def _labelled(photos: list[ListedPhoto], pattern: re.Pattern[str]) -> tuple[list[ListedPhoto], int]:
    found = []
    for photo in photos:
        match = pattern.search(photo.label[: -len(photo.path.suffix)])
        label = match and ((match[1] if pattern.groups else None) or match[0])
        if label:
            found.append(ListedPhoto(photo.path, label, photo.label))
    return found, len(photos) - len(found)
