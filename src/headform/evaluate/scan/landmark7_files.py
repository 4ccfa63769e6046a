"""Reading seven landmarks, or the seven among 51 or 68: `.npy`, `.txt`, MeshLab's `.pp` picks, Stirling's `.lnd`, `.json`.

Points are (7, 3) float64 in the file's own unit and order.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.geometry.landmarks68 import COUNTS, NOW7, among_68
from headform.io.mesh.picked_points import read_points

Landmarks = Float64[np.ndarray, "7 3"]

SUFFIXES = (".npy", ".txt", ".pp", ".lnd", ".json")


def read_landmarks7(path: Path) -> Landmarks:
    """Read a file of seven landmarks; the forms are those of `mesh.picked_points`.

    Of iBUG's 68 points, and of its 51 without the jaw, the seven are taken. Of a `.pp` file with another number of points
    the NoW evaluator takes the lines 8 to 14 (from 0), active or not, rounded to float32: so here its first seven points.

    Args:
        path: The file, with one of `SUFFIXES`.

    Raises:
        InputError: `landmarks_shape` (not 7, 51 or 68 rows of three), `landmarks_not_finite`, `landmarks_format`, and what
            `read_points` raises.
    """
    where, kind = ascii(str(path)), path.suffix.lower()
    if kind not in SUFFIXES:
        what = f"landmarks are read from {' '.join(SUFFIXES)}, not {kind or 'files without a suffix'}"
        raise InputError("landmarks_format", what, where)
    rows = read_points(path, inactive=True)
    if kind == ".pp":
        rows = rows[: len(rows) if len(rows) in COUNTS else 7].astype(np.float32).astype(np.float64)
    try:
        rows = among_68(rows)[list(NOW7)]
    except ValueError as error:
        what = f"expected 7 x 3 landmarks, found {len(rows)} x 3"
        fix = "give the seven of NoW, 68 of iBUG, or 51 (iBUG without the jaw)"
        raise InputError("landmarks_shape", what, where, fix) from error
    if not np.isfinite(rows).all():
        raise InputError("landmarks_not_finite", "a landmark is NaN or infinite", where)
    return rows
