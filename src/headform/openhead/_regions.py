"""Named regions, jaw candidates and the neck of the open head, from its mean shape and its 68 points.

V vertices, C candidates. Centimeters. The bounds in the code are positions on the mean of ICT-FaceKit: x to the subject's
left, y up, z out of the face, the origin behind the bridge of the nose.
"""

from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from headform.geometry.landmarks68 import (
    BROWS,
    LEFT_BROW,
    LEFT_EYE,
    LEFT_MOUTH_CORNER,
    OUTER_EYE_CORNERS,
    OUTER_LIPS,
    RIGHT_BROW,
    RIGHT_EYE,
)
from headform.heads.linear import PARTS

CANDIDATES = 12
NECK_PIVOT_CM = (0.0, -6.0, -1.0)
_CONTOUR_LENGTH = 0.85
"""Share of the way from a jaw point to the mouth or nose that its candidates cover."""
_CONTOUR_DEPTH_WEIGHT = 0.15
"""Cost, in cm, of a candidate that lies one cm behind its jaw point."""
_OFF_MIDLINE_COST = 9.0
"""Cost, in cm, of a candidate of the chin that is not on the midline: none is taken."""


def front_skin(mean: Float[np.ndarray, "V 3"], part: UInt8[np.ndarray, " V"]) -> Bool[np.ndarray, " V"]:
    """Return the mask of the skin that looks forward, between throat and hairline."""
    _, y, z = mean.T
    return np.asarray((part == PARTS.index("face")) & (z > 1.0) & (y > -9.0) & (y < 9.5))


def regions(
    mean: Float[np.ndarray, "V 3"], part: UInt8[np.ndarray, " V"], marks: Float[np.ndarray, "68 3"]
) -> dict[str, Bool[np.ndarray, " V"]]:
    """Return masks by name; they overlap (``face`` holds nose, lips, eyes, brows, cheeks, forehead and chin).

    Args:
        mean: Mean shape.
        part: Index into `PARTS`.
        marks: The 68 iBUG points.
    """
    x, y, z = mean.T
    skin = part <= PARTS.index("head")
    chin_line = np.interp(np.abs(x), np.abs(marks[8:17, 0]), marks[8:17, 1])
    face = front_skin(mean, part) & (y > chin_line - 0.6)
    to_lips = _outside(mean, marks[48:60])
    to_eyes = {
        "right_eye": _outside(mean, marks[RIGHT_EYE]),
        "left_eye": _outside(mean, marks[LEFT_EYE]),
    }
    brows = np.minimum(_to_line(mean, marks[RIGHT_BROW]), _to_line(mean, marks[LEFT_BROW]))
    lips = skin & (to_lips < 0.15) & (z > marks[OUTER_LIPS, 2].min() - 1.5)
    eyes = {name: skin & (gap < 0.7) & (z > 5.5) for name, gap in to_eyes.items()}
    bridge, base = marks[27], marks[33]
    width = np.interp(y, [base[1] - 0.4, base[1] + 0.9, bridge[1]], [2.1, 2.1, 0.9])
    nose = face & (np.abs(x) < width) & (y > base[1] - 0.5) & (y < bridge[1] + 0.3) & (z > 8.0)
    nose &= ~(eyes["right_eye"] | eyes["left_eye"])
    brow = face & (brows < 0.55)
    forehead = face & (y > marks[BROWS, 1].max() - 0.6) & ~brow
    chin = face & (y < marks[57, 1] - 0.3) & (np.abs(x) < 3.2) & ~lips
    jaw = face & (y < marks[LEFT_MOUTH_CORNER, 1] + 0.5) & ~lips & ~chin
    mouth = face & (to_lips < 1.0)
    taken = nose | brow | forehead | chin | eyes["right_eye"] | eyes["left_eye"] | mouth
    cheeks = face & ~taken & (y < marks[OUTER_EYE_CORNERS[0], 1] + 0.5) & (y > marks[57, 1])
    ears = skin & (np.abs(x) > 6.9) & (z > -2.6) & (z < 2.3) & (y > -2.5) & (y < 5.0)
    ears &= np.abs(x) > np.interp(z, [-2.6, 2.3], [7.0, 7.3])
    neck = skin & ~face & (y < np.interp(z, [-9.0, -3.0, 3.0, 9.0], [-4.0, -4.0, -6.5, -8.0]))
    scalp = skin & ~face & ~ears & ~neck & (y > np.interp(z, [-8.0, 0.0, 3.0], [-4.0, -1.0, 3.5]))
    return {
        "face": face,
        "nose": nose,
        "lips": lips,
        "mouth": mouth,
        **eyes,
        "eyes": eyes["right_eye"] | eyes["left_eye"],
        "brows": brow,
        "cheeks": cheeks,
        "forehead": forehead,
        "chin": chin,
        "jaw": jaw,
        "ears": ears,
        "scalp": scalp,
        "neck": neck,
        "skin": skin,
    }


def contour(
    mean: Float[np.ndarray, "V 3"],
    face: Bool[np.ndarray, " V"],
    mirror: Int[np.ndarray, " V"],
    landmarks: Int[np.ndarray, "68"],
) -> Int[np.ndarray, "17 C"]:
    """Choose, for each jaw point, a row of face vertices that runs from it straight inwards over the cheek, ear to front.

    Seen from the front, the row follows the segment from the jaw point to a point beside the mouth or nose; the left
    rows mirror the right ones.
    """
    marks = mean[landmarks]
    inner_high, inner_low = marks[31] + [-1.2, 0.0, 0.0], marks[57] + [0.0, -0.4, 0.0]
    ids = np.flatnonzero(face)
    rows = np.zeros((17, CANDIDATES), np.int64)
    for k in range(9):
        goal = inner_high + (inner_low - inner_high) * (k / 8.0)
        steps = np.linspace(0, 1, CANDIDATES)[:, None] * _CONTOUR_LENGTH
        path = marks[k] + steps * (goal - marks[k])
        gap = np.linalg.norm(mean[ids][None, :, :2] - path[:, None, :2], axis=2)
        gap = gap + _CONTOUR_DEPTH_WEIGHT * np.maximum(marks[k, 2] - 0.5 - mean[ids, 2], 0)[None]
        if k == 8:
            gap = gap + np.where(mirror[ids] == ids, 0.0, _OFF_MIDLINE_COST)[None]
        rows[k] = ids[np.argmin(gap, axis=1)]
        rows[k, 0] = landmarks[k]
        rows[16 - k] = mirror[rows[k]]
    return rows


def neck_weight(mean: Float[np.ndarray, "V 3"], part: UInt8[np.ndarray, " V"]) -> Float[np.ndarray, " V"]:
    """Return 1 where the surface turns with the head, falling smoothly to 0 at the bottom of the neck."""
    _, y, z = mean.T
    top = np.interp(z, [-8.0, 0.0, 4.0, 8.0], [-5.0, -5.5, -7.5, -9.5])
    bottom = np.interp(z, [-8.0, 0.0, 4.0, 8.0], [-11.0, -12.0, -13.0, -14.0])
    t = np.clip((y - bottom) / (top - bottom), 0, 1)
    weight = t * t * (3 - 2 * t)
    return np.asarray(np.where(part <= PARTS.index("head"), weight, 1.0))


def _to_line(points: Float[np.ndarray, "V 3"], line: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " V"]:
    """Return the distance of points from a polyline, in space."""
    best = np.full(len(points), np.inf)
    for a, b in pairwise(line):
        along = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - along[:, None] * (b - a), axis=1))
    return best


def _outside(points: Float[np.ndarray, "V 3"], loop: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " V"]:
    """Return the distance from a closed loop seen from the front, 0 inside it."""
    inside = np.zeros(len(points), np.bool_)
    flat = points[:, :2]
    best = np.full(len(points), np.inf)
    for a, b in zip(loop[:, :2], np.roll(loop[:, :2], -1, axis=0), strict=True):
        along = np.clip((flat - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        best = np.minimum(best, np.linalg.norm(flat - a - along[:, None] * (b - a), axis=1))
        crosses = (a[1] > flat[:, 1]) != (b[1] > flat[:, 1])
        rise = b[1] - a[1] if b[1] != a[1] else 1e-12
        inside ^= crosses & (flat[:, 0] < (b[0] - a[0]) * (flat[:, 1] - a[1]) / rise + a[0])
    return np.where(inside, 0.0, best)
