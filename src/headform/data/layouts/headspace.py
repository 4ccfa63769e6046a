"""Headspace, the scans behind LYHM: up to 1519 people, photographed by five pods of three cameras.

    subjects/<sid>/<timestamp>/{1..5}{A,B,C}.png    of headspacePngTka; C are the color cameras
    subjects/<sid>/<timestamp>.{obj,mtl,bmp}        of headspaceOnline, the scans

Pods 1 and 2 look at the face. Dai et al., Statistical Modeling of Craniofacial Shape and Texture, IJCV 2020.
"""

from collections.abc import Sequence
from pathlib import Path

from headform.data.layouts.photo_set import (
    ListedPhoto,
    PhotoSet,
    expected_counts,
    folders_named,
    layout_missing,
    listed,
    named,
    pictures_below,
    subfolders,
)

VIEWS = ("1C", "2C")
"""Color cameras that look at the face."""
SUBJECTS = 1212
"""People whose scans are fit for use; 1211 of them were registered with FLAME."""


def read(source: Path, *, views: Sequence[str] = VIEWS) -> PhotoSet:
    """List the photos of Headspace; those of the scans' textures (.bmp) are none.

    Args:
        source: Folder of headspacePngTka.
        views: Cameras that are read.

    Raises:
        InputError: `dataset_missing`, `dataset_layout`.
    """
    wanted = {view.upper() for view in views}
    photos: list[ListedPhoto] = []
    empty = []
    for subjects in folders_named(source, "subjects"):
        for folder in (path for path in subfolders(subjects) if path.name.isdecimal()):
            found = pictures_below(folder, lambda path: path.stem.upper() in wanted)
            if not found:
                empty.append(folder.name)
            photos += listed(source, folder.name, found)
    if not photos:
        raise layout_missing(
            source, f"subjects/<sid>/<timestamp>/{views[0] if views else VIEWS[0]}.png (headspacePngTka)"
        )
    notes = [*expected_counts(photos, SUBJECTS), *named("people without photos of these cameras", empty)]
    return PhotoSet(tuple(photos), tuple(notes))
