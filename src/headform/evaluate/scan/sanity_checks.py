"""Checks for results that could be computed but are doubtful.

P measured scan vertices, V vertices, F triangles.
"""

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.errors import InputError
from headform.evaluate.scan import _mouth as mouth
from headform.geometry.units import MeshUnit, mm_per

WarningCode = Literal[
    "reflected",
    "landmarks_astray",
    "unit_doubtful",
    "units_mixed",
    "mouth_open",
    "too_small",
    "not_converged",
    "not_neutral",
    "colored_obj",
]

SCALE = 1.33
"""Factor by which the scale fitted to the landmarks may differ from the stated unit, either way."""

HUMAN_SIZE = 2.0
"""Factor by which a head may differ from the mean adult when its unit is inferred, either way."""

WRONG_UNIT = 3.0
"""Factor beyond which a metrical evaluation is refused."""

BORDER = 0.1
"""Share of measured scan vertices that may be closest to the prediction's border, that of its eye holes included."""

SCAN_EYES = (60.0, 140.0)
"""Millimeters between the outer eye corners of a scan that is in millimeters."""


@dataclass(frozen=True)
class Finding:
    """A warning.

    Attributes:
        code: Stable name.
        message: One sentence with the measured value.
    """

    code: WarningCode
    message: str


def reflected() -> Finding:
    """Warning that the landmarks only match with left and right exchanged."""
    what = "the landmarks match best mirrored: left and right are exchanged, or the mesh is mirrored"
    return Finding("reflected", what)


def likely_unit(scale: float) -> MeshUnit | None:
    """Return the unit in which a head of `scale` millimeters per unit has human size, or None."""
    for unit in get_args(MeshUnit):
        if 1 / HUMAN_SIZE < scale / mm_per(unit) < HUMAN_SIZE:
            return cast(MeshUnit, unit)
    return None


def assess_unit(scale: float, unit: MeshUnit, *, metrical: bool, where: str) -> Finding | None:
    """Compare the scale of the landmarks with the stated unit.

    Args:
        scale: Millimeters of the scan per unit of the prediction, from the seven landmarks.
        unit: Stated unit of the prediction.
        metrical: The unit decides the result.
        where: Name of the prediction, for the message.

    Raises:
        InputError: `unit_wrong`, when metrical and off by more than `WRONG_UNIT`.
    """
    ratio = scale / mm_per(unit)
    if 1 / SCALE <= ratio <= SCALE:
        return None
    what = f"the landmarks say {scale:.4g} mm per unit, {unit} means {mm_per(unit):g}"
    likely = likely_unit(scale)
    if metrical and not 1 / WRONG_UNIT < ratio < WRONG_UNIT:
        fix = f"use --unit {likely}" if likely else "state the unit of the predictions"
        raise InputError("unit_wrong", what, where, fix)
    return Finding("unit_doubtful", what + (f"; it looks like {likely}" if likely else ""))


def check_scan_unit(landmarks: Float[np.ndarray, "7 3"], where: str) -> None:
    """Refuse a scan that is not in millimeters.

    Raises:
        InputError: `scan_unit`.
    """
    eyes = float(np.linalg.norm(landmarks[0] - landmarks[3]))
    if not SCAN_EYES[0] <= eyes <= SCAN_EYES[1]:
        what = f"the scan's outer eye corners are {eyes:.3g} apart, which is not a size in millimeters"
        raise InputError("scan_unit", what, where, "give the scan and its landmarks in millimeters")


def assess_mouth(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    landmarks: Float[np.ndarray, "7 3"],
) -> Finding | None:
    """Warn of an open mouth; all in millimeters. See `mouth.mouth_gap`."""
    gap = mouth.mouth_gap(vertices, faces, landmarks)
    if gap < mouth.GAP:
        return None
    return Finding("mouth_open", f"the mouth is open by {gap:.1f} mm: no neutral expression")


def on_border(
    faces: Int[np.ndarray, "F 3"],
    triangle: Int[np.ndarray, " P"],
    weights: Float[np.ndarray, "P 3"],
) -> Bool[np.ndarray, " P"]:
    """Mask of the closest points on an edge that has one triangle only, or on its ends."""
    edges = np.sort(faces[:, [[1, 2], [2, 0], [0, 1]]], axis=2)  # edge k lies across from corner k
    _, number, count = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True)
    open_edge = (count == 1)[number.reshape(-1, 3)]
    end = np.zeros(int(faces.max()) + 1, np.bool_)
    end[edges[open_edge].ravel()] = True
    zero = weights <= 0.0
    on_edge = (zero & open_edge[triangle]).any(axis=1)
    corner = faces[triangle, weights.argmax(axis=1)]
    return np.asarray(on_edge | ((zero.sum(axis=1) == 2) & end[corner]))


def assess_size(
    faces: Int[np.ndarray, "F 3"],
    triangle: Int[np.ndarray, " P"],
    weights: Float[np.ndarray, "P 3"],
) -> tuple[float, Finding | None]:
    """Share of scan vertices that are closest to the prediction's border, and a warning above `BORDER`."""
    share = float(on_border(faces, triangle, weights).mean())
    if share <= BORDER:
        return share, None
    what = f"{100 * share:.1f} % of the scan's vertices are closest to the prediction's border"
    return share, Finding("too_small", f"{what}: it is smaller than the region")
