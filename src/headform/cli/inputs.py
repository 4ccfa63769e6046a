"""Photos named on the command line."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headform.cli.folder_photos import photos_in, summary, unsearched_folders
from headform.errors import HeadformError, InputError
from headform.export.manifest import absolute


@dataclass(frozen=True)
class Input:
    """One photo to reconstruct.

    Attributes:
        path: file as named, or inside the folder that was named.
        error: reason why a folder yields no photo, or why a file in it is not read.
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
            photos = photos_in(path)
        except OSError as cause:
            what = f"this folder cannot be opened: {(cause.strerror or str(cause)).lower()}"
            inputs.append(Input(path, InputError("image_unreadable", what, str(path))))
            continue
        if not photos:
            what = "the folder contains no photos"
            advice = "name the photos, or the folder that contains them directly"
            inputs.append(Input(path, InputError("folder_empty", what, str(path), advice)))
        inputs += [Input(each.path, each.error) for each in photos]
    once: dict[str, Input] = {}
    for item in inputs:
        once.setdefault(absolute(item.path), item)
    return list(once.values())


def passed_over(named: Sequence[Path], inputs: Sequence[Input]) -> str:
    """Return one sentence about what is not read inside the named folders; empty when all is."""
    folders = [path for path in named if path.is_dir()]
    inside = [item.error for item in inputs if item.path.parent in folders and isinstance(item.error, InputError)]
    unsearched: list[Path] = []
    for folder in folders:
        with contextlib.suppress(OSError):
            unsearched += unsearched_folders(folder)
    return summary(inside, unsearched)
