"""Overlap of parsed faces with true classes: intersection over union of each class.

F faces, C classes, H W of a photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, UInt8

from headform.errors import check_choice
from headform.geometry.array_checks import require_array
from headform.geometry.face_classes import FACE_CLASSES, OUTSIDE


@dataclass(frozen=True)
class ClassAreas:
    """Pixels of one face by class, among those whose true class is known.

    Attributes:
        shared: Pixels that show the class and were given it.
        true: Pixels that show it.
        found: Pixels that were given it.
    """

    shared: Int[np.ndarray, " C"]
    true: Int[np.ndarray, " C"]
    found: Int[np.ndarray, " C"]


def class_areas(found: UInt8[np.ndarray, "_ _"], truth: UInt8[np.ndarray, "H W"]) -> ClassAreas:
    """Count the pixels of each class; those whose true class is `UNKNOWN` or `OUTSIDE` do not count.

    Raises:
        InputError: Those of `geometry.array_checks`, where the two do not fit together.
    """
    true = require_array("truth", truth, ("H", "W"), "int")
    mine = require_array("found", found, true.shape, "int")
    known = true < OUTSIDE
    classes = len(FACE_CLASSES)

    def counts(labels: np.ndarray) -> Int[np.ndarray, " C"]:
        return np.bincount(labels[labels < classes].astype(np.int64), minlength=classes)

    return ClassAreas(counts(true[known & (mine == true)]), counts(true[known]), counts(mine[known]))


@dataclass(frozen=True)
class Overlap:
    """Intersection over union of one class.

    Attributes:
        name: Name of the class.
        faces: Number of faces that show it.
        mean: Mean over these faces, per cent; NaN without any.
        pooled: Overlap of all their pixels together, per cent.
        least: Overlap of the worst face, per cent.
    """

    name: str
    faces: int
    mean: float
    pooled: float
    least: float


def overlaps(faces: Sequence[ClassAreas], names: Sequence[str] = FACE_CLASSES) -> list[Overlap]:
    """Compute the overlap of some classes over faces.

    Raises:
        UsageError: `option_unknown` for a name that is no class.
    """
    table = []
    for name in names:
        check_choice(name, FACE_CLASSES, "class", "overlaps")
        k = FACE_CLASSES.index(name)
        rows = np.array([(a.shared[k], a.true[k] + a.found[k] - a.shared[k]) for a in faces if a.true[k]], np.float64)
        if not len(rows):
            table.append(Overlap(name, 0, float("nan"), float("nan"), float("nan")))
            continue
        each = 100 * rows[:, 0] / rows[:, 1]
        pooled = 100 * rows[:, 0].sum() / rows[:, 1].sum()
        table.append(Overlap(name, len(rows), float(each.mean()), float(pooled), float(each.min())))
    return table
