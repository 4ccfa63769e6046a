"""Landmarks inside statismo's files, and the 68 iBUG points by them.

V vertices. ``metadata/landmarks/json`` is a list of ``{"id", "coordinates": [x, y, z]}``; ``metadata/landmarks/text`` has
lines ``name visible x y z``. Names such as ``right.eye.corner_outer`` are of the subject's sides.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from headform.geometry.landmarks68 import outer_eye_distance
from headform.importers._basel_landmarks import BASEL_2017

IBUG = {
    "center.chin.tip": 8,
    "center.nose.tip": 30,
    "right.eye.corner_outer": 36,
    "right.eye.corner_inner": 39,
    "left.eye.corner_inner": 42,
    "left.eye.corner_outer": 45,
    "right.lips.corner": 48,
    "center.lips.upper.outer": 51,
    "left.lips.corner": 54,
    "center.lips.lower.outer": 57,
    "center.lips.upper.inner": 62,
    "center.lips.lower.inner": 66,
}
"""iBUG's number, from 0, of each named point that it has too."""
_NEAR = 0.1
"""Largest distance of the table's points from the file's own, as a share of the distance of the outer eye corners."""
_SURE = 4
"""Named points that are needed to confirm the table."""
_LARGEST = 1e12
"""Coordinates beyond this belong to no head."""


def points_of(data: Mapping[str, Any], notes: list[str]) -> dict[str, Float[np.ndarray, "3"]]:
    """Return the named points of the file; none where there are none, or not as documented, which is added to `notes`."""
    text = data.get("metadata/landmarks/json")
    try:
        if isinstance(text, str):
            return {str(p["id"]): _point(p["coordinates"]) for p in json.loads(text)}
        rows = str(data.get("metadata/landmarks/text", "")).splitlines()
        cells = [row.split() for row in rows if row.strip()]
        return {row[0]: _point(row[-3:]) for row in cells}
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        notes.append(f"the landmarks in the file cannot be read and were left out: {error!s:.100}")
        return {}


def ibug_of(
    points: Mapping[str, Float[np.ndarray, "3"]], mean: Float[np.ndarray, "V 3"], notes: list[str]
) -> Int[np.ndarray, "68"]:
    """Return the vertex of each of the 68 points, -1 where unknown; what is known of them is added to `notes`.

    The published table for Basel 2017 is used only where the file's own landmarks confirm it: at least four of its points
    have names there, and none of those is further from it than a tenth of the distance of the outer eye corners. Else each
    named point is the vertex nearest to it.
    """
    own = np.full(68, -1)
    named = {number: points[name] for name, number in IBUG.items() if name in points}
    for number, point in named.items():
        own[number] = int(np.linalg.norm(mean - point, axis=1).argmin())
    if len(mean) == 53149:
        table = np.array(BASEL_2017)
        width = outer_eye_distance(mean[table])
        apart = [float(np.linalg.norm(mean[table[k]] - point)) for k, point in named.items()]
        if len(named) >= _SURE and max(apart) < _NEAR * width:
            notes.append(f"{len(named)} landmarks of the file confirm the table of 68")
            return table
        notes.append("the table of 68 landmarks for this mesh is not confirmed by the file and was not used")
    elif named:
        notes.append(f"{len(named)} of the 68 landmarks are known, from the names in the file")
    else:
        notes.append("the file has no landmarks that are known by name")
    return own


def _point(values: Any) -> Float[np.ndarray, "3"]:
    x, y, z = (float(v) for v in values)
    if not max(abs(x), abs(y), abs(z)) < _LARGEST:
        raise ValueError("a coordinate is not finite, or too large")
    return np.array([x, y, z])
