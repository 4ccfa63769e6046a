"""Stirling/ESRC 3D faces: photos of 135 people with a neutral scan each.

    Subset_2D_FG2018/{HQ,LQ}/F1001_001.jpg          photos; Real_images__Subset_2D_FG2018 in some releases
    {F,M}_3D_N/<id>_N.obj, annotations/.../<id>_N.lnd   neutral scans and their seven points

Feng et al., Evaluation of Dense 3D Reconstruction from 2D Face Images in the Wild, FG 2018.
"""

import re
from pathlib import Path
from typing import Literal

from headform.data.layouts.photo_set import (
    ListedPhoto,
    PhotoSet,
    expected_counts,
    folders_named,
    layout_missing,
    listed,
    named,
    pictures_below,
)

Quality = Literal["HQ", "LQ", "both"]
SUBJECTS = 135
_ID = re.compile(r"[FM]\d{4}", re.IGNORECASE)
_ID_LENGTH = 5


def read(source: Path, *, quality: Quality = "HQ") -> PhotoSet:
    """List the photos of Stirling.

    Args:
        source: Folder that holds the photos' folder, with or without the scans.
        quality: Photos of high quality (656), of low (1344), or both.

    Raises:
        InputError: `dataset_missing`, `dataset_layout`.
    """
    photos: list[ListedPhoto] = []
    odd = []
    for folder in folders_named(source, "HQ|LQ"):
        if quality not in ("both", folder.name.upper()):
            continue
        for path in pictures_below(folder):
            if _ID.match(path.stem):
                photos += listed(source, path.stem[:_ID_LENGTH].upper(), [path])
            else:
                odd.append(path.name)
    if not photos:
        raise layout_missing(source, f"Subset_2D_FG2018/{'HQ' if quality == 'both' else quality}/F1001_001.jpg")
    scanned = {
        path.stem[:_ID_LENGTH].upper()
        for folder in folders_named(source, "[FM]_3D_N")
        for path in folder.rglob("*")
        if path.suffix.lower() == ".obj"
    }
    alone = sorted({photo.subject for photo in photos} - scanned)
    notes = [*expected_counts(photos, SUBJECTS), *named("photos without a subject in their name", odd)]
    notes += named("people without a neutral scan here", alone)
    return PhotoSet(tuple(photos), tuple(notes))
