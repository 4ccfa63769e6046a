"""Reading the two sides of a landmark evaluation: annotated faces and `landmarks.json` files.

Everything handed on is in pixels with the origin at the top-left CORNER of the photo, so the centre
of the first pixel is (0.5, 0.5).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError

ANNOTATION_SHIFT = 0.5
"""Added to annotations: their origin is the centre of the top-left pixel, ours its corner."""

RESULT_NAME = "landmarks.json"


@dataclass(frozen=True)
class TrueFace:
    """One annotated face.

    Attributes:
        photo: The photo's file, relative to the annotation file's folder.
        set: Short name of the data set, the folder's name up to its first underscore.
        points: (68, 2) float64 pixels, iBUG order, origin at the corner.
    """

    photo: str
    set: str
    points: Float64[np.ndarray, "68 2"]


def read_truth(path: Path) -> list[TrueFace]:
    """Read annotations: a JSON list of objects with `file`, `set` and `points68`.

    Args:
        path: The file; its pixels count from the centre of the top-left pixel and are shifted by
            `ANNOTATION_SHIFT`.

    Raises:
        InputError: `truth_unreadable` or `truth_invalid`; two photos of one stem in different
            folders are invalid because results are filed by stem.
    """
    entries = _load(path, "truth")
    if not isinstance(entries, list) or not entries:
        raise InputError("truth_invalid", "expected a list of annotated faces", str(path))
    faces = []
    owner: dict[str, str] = {}
    for index, entry in enumerate(entries):
        where = f"{path}, entry {index}"
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            raise InputError("truth_invalid", "an entry names no file", where)
        photo, label = entry["file"], entry.get("set")
        if not isinstance(label, str):
            raise InputError("truth_invalid", "an entry names no set", where)
        if owner.setdefault(Path(photo).stem, photo) != photo:
            raise InputError("truth_invalid", f"two photos are called {Path(photo).stem}", where)
        points = _points68(entry, "truth", where) + ANNOTATION_SHIFT
        faces.append(TrueFace(photo, label.split("_")[0], points))
    return faces


def read_predictions(
    folder: Path, photos: Sequence[str]
) -> dict[str, list[Float64[np.ndarray, "68 2"]]]:
    """Collect the faces that a reconstruction of `photos` left in `folder`.

    A photo `a/b.jpg` has its result in `folder/b`, or with several faces in `folder/b_0`,
    `folder/b_1` and so on. A folder called exactly like a photo belongs to that photo alone.

    Args:
        folder: Where `headform reconstruct` wrote.
        photos: Photos of the evaluation, each file once.

    Returns:
        For each photo its faces' (68, 2) float64 points in pixels; none where no face was found.

    Raises:
        InputError: `predictions_missing`, `predictions_unreadable` or `predictions_invalid`.
    """
    if not folder.is_dir():
        raise InputError("predictions_missing", "there is no such folder", str(folder))
    by_stem = {Path(photo).stem: photo for photo in photos}
    found: dict[str, list[Float64[np.ndarray, "68 2"]]] = {photo: [] for photo in photos}
    for file in sorted(folder.glob(f"*/{RESULT_NAME}")):
        name = file.parent.name
        photo = by_stem.get(name) or by_stem.get(re.sub(r"_\d+$", "", name))
        if photo is not None:
            entry = _load(file, "predictions")
            found[photo].append(_points68(entry, "predictions", str(file)))
    return found


def _load(path: Path, kind: str) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{kind}_unreadable", f"cannot read the file: {reason}", str(path)
        ) from error
    except ValueError as error:
        raise InputError(f"{kind}_invalid", f"not JSON: {error}", str(path)) from error


def _points68(entry: Any, kind: str, where: str) -> Float64[np.ndarray, "68 2"]:
    """The `points68` of one entry, checked one by one: 68 pairs of finite numbers."""
    listed = entry.get("points68") if isinstance(entry, dict) else None
    rows = listed if isinstance(listed, list) else []
    good = len(rows) == 68 and all(
        isinstance(row, list) and len(row) == 2 and all(_is_number(value) for value in row)
        for row in rows
    )
    if not good:
        raise InputError(f"{kind}_invalid", "points68 is not 68 pairs of finite numbers", where)
    return np.array(rows, np.float64)


def _is_number(value: Any) -> bool:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return good and abs(value) < 1e9  # neither NaN nor infinite nor an endless integer
