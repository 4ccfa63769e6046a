"""Photos named on the command line, each with the name of its result folder."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headform.errors import HeadformError, InputError
from headform.export.result_folder import MANIFEST

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""File endings that are read from a folder; files named individually are recognized by content."""

_RESERVED = frozenset({MANIFEST})
_FACE = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Input:
    """One photo to reconstruct.

    Attributes:
        path: file as named, or inside the folder that was named.
        name: unique name of the result folder inside the output folder.
        error: reason why a folder yields no photo.
    """

    path: Path
    name: str
    error: HeadformError | None = None


def list_inputs(named: Sequence[Path]) -> list[Input]:
    """List files as named, and the photos directly inside folders in order of their names.

    A second photo of the same stem gets `-2` behind its name, a third `-3`; letter case does not
    tell two names apart, nor does the `_0` that a further face adds.
    """
    inputs: list[Input] = []
    taken = set(_RESERVED)
    for path in named:
        if not path.is_dir():
            inputs.append(Input(path, _free_name(path, taken)))
            continue
        try:
            photos = _photos_in(path)
        except OSError as cause:
            what = f"this folder cannot be opened: {(cause.strerror or str(cause)).lower()}"
            inputs.append(Input(path, "", InputError("image_unreadable", what, str(path))))
            continue
        if not photos:
            what = "the folder contains no JPEG, PNG or WebP files"
            advice = "name the photos, or the folder that contains them directly"
            inputs.append(Input(path, "", InputError("folder_empty", what, str(path), advice)))
        inputs += [Input(photo, _free_name(photo, taken)) for photo in photos]
    return inputs


def _photos_in(folder: Path) -> list[Path]:
    names = sorted(os.listdir(folder))
    photos = [n for n in names if n.lower().endswith(SUFFIXES) and not n.startswith(".")]
    return [folder / n for n in photos if (folder / n).is_file()]


def _free_name(path: Path, taken: set[str]) -> str:
    """A name for the photo's folder that clashes with none in `taken`, which it joins.

    For `me_0`, `taken` also gets `me_` and a zero byte, so that no `me` with two faces makes it.
    """
    stem = path.stem.strip(". ")[:100] or "photo"
    name, number = stem, 1
    while not _is_free(name.casefold(), taken):
        number += 1
        name = f"{stem}-{number}"
    key = name.casefold()
    taken.add(key)
    if _FACE.search(key):
        taken.add(_FACE.sub("_", key) + "\0")
    return name


def _is_free(name: str, taken: set[str]) -> bool:
    """Return True if neither the name nor the names of its further faces are taken."""
    return not {name, _FACE.sub("", name), f"{name}_\0"} & taken
