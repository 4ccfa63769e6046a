"""Photos named on the command line."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headform.errors import HeadformError, InputError
from headform.export.manifest import absolute

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
"""File endings that are read from a folder; files named individually are recognized by content."""


@dataclass(frozen=True)
class Input:
    """One photo to reconstruct.

    Attributes:
        path: file as named, or inside the folder that was named.
        error: reason why a folder yields no photo.
    """

    path: Path
    error: HeadformError | None = None


def list_inputs(named: Sequence[Path]) -> list[Input]:
    """List files as named, and the photos directly inside folders in order of their names.

    A photo that is named twice, or lies in a folder that is named too, is listed once.
    """
    inputs: list[Input] = []
    for path in named:
        if not path.is_dir():
            inputs.append(Input(path))
            continue
        try:
            photos = _photos_in(path)
        except OSError as cause:
            what = f"this folder cannot be opened: {(cause.strerror or str(cause)).lower()}"
            inputs.append(Input(path, InputError("image_unreadable", what, str(path))))
            continue
        if not photos:
            what = "the folder contains no JPEG, PNG or WebP files"
            advice = "name the photos, or the folder that contains them directly"
            inputs.append(Input(path, InputError("folder_empty", what, str(path), advice)))
        inputs += [Input(photo) for photo in photos]
    once: dict[str, Input] = {}
    for item in inputs:
        once.setdefault(absolute(item.path), item)
    return list(once.values())


def _photos_in(folder: Path) -> list[Path]:
    names = sorted(os.listdir(folder))
    photos = [n for n in names if n.lower().endswith(SUFFIXES) and not n.startswith(".")]
    return [folder / n for n in photos if (folder / n).is_file()]
