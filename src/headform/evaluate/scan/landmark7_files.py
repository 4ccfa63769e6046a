"""Reading seven landmarks: `.npy`, `.txt`, MeshLab's `.pp` picks, Stirling's `.lnd`.

Points are (7, 3) float64 in the file's own unit and order.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.geometry.landmarks68 import NOW7, NOW7_OF_51
from headform.io.mesh.picked_points import read_points

Landmarks = Float64[np.ndarray, "7 3"]

SUFFIXES = (".npy", ".txt", ".pp", ".lnd")


def read_landmarks7(path: Path) -> Landmarks:
    """Read a file of seven landmarks; the forms are those of `mesh.picked_points`.

    Of a `.pp` file the NoW evaluator takes the lines 8 to 14 (from 0), active or not, rounded to float32: so here its first
    seven points.

    Args:
        path: The file, with one of `SUFFIXES`.

    Raises:
        InputError: `landmarks_shape` (not seven rows of three), `landmarks_not_finite`, `landmarks_format`, and what
            `read_points` raises.
    """
    where, kind = ascii(str(path)), path.suffix.lower()
    if kind not in SUFFIXES:
        what = f"landmarks are read from {' '.join(SUFFIXES)}, not {kind or 'files without a suffix'}"
        raise InputError("landmarks_format", what, where)
    rows = read_points(path, inactive=True)
    if kind == ".pp":
        rows = rows[:7].astype(np.float32).astype(np.float64)
    if len(rows) != 7:
        advice = {
            68: f"of 68 landmarks take the rows {list(NOW7)}",
            51: f"of 51 landmarks take the rows {list(NOW7_OF_51)}",
        }
        what = f"expected 7 x 3 landmarks, found {len(rows)} x 3"
        raise InputError("landmarks_shape", what, where, advice.get(len(rows), ""))
    if not np.isfinite(rows).all():
        raise InputError("landmarks_not_finite", "a landmark is NaN or infinite", where)
    return rows
