"""iBUG's scheme of 68 facial landmarks: groups, pairs, lines, mirror map, and what is measured between them.

Sagonas et al. 2013, "300 Faces in-the-Wild Challenge". Rows count from 0. "Right" and "left" are the subject's.
"""

import numpy as np
from jaxtyping import Float, Float64

JAW = slice(0, 17)
RIGHT_BROW, LEFT_BROW, BROWS = slice(17, 22), slice(22, 27), slice(17, 27)
INNER_FACE = slice(17, 68)
"""The 51 points that are not on the jaw line."""
RIGHT_EYE, LEFT_EYE = slice(36, 42), slice(42, 48)
OUTER_LIPS, MOUTH = slice(48, 60), slice(48, 68)
NOSE_TIP, RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER = 30, 48, 54
OUTER_EYE_CORNERS = (36, 45)

NOW7 = (36, 39, 42, 45, 33, 48, 54)
"""NoW's seven landmarks: four eye corners, nose bottom, two mouth corners (see `seven_landmarks`)."""
NOW7_OF_51 = tuple(k - INNER_FACE.start for k in NOW7)
"""The same among the 51 points without the jaw line."""

COUNTS: dict[int, tuple[int, ...]] = {7: NOW7, 51: tuple(range(17, 68)), 68: tuple(range(68))}
"""Numbers of points that picks of a face come in, with their rows among the 68: NoW's, iBUG's without the jaw, iBUG's."""

EYE_CLOSURE_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower lid, facing points; their distances are DECA's eye closure loss (Feng et al. 2021)."""
INNER_LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower inner lip, facing points; their distances are DECA's lip closure loss."""

LINES = (
    (0, 16, False), (17, 21, False), (22, 26, False), (27, 30, False), (31, 35, False),
    (36, 41, True), (42, 47, True), (48, 59, True), (60, 67, True),
)  # fmt: skip
"""First and last point of each line of a drawing, and whether it closes."""

MIRROR68 = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31), *range(35, 30, -1),  # nose
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,  # eyes
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,  # outer lips
        64, 63, 62, 61, 60, 67, 66, 65,  # inner lips
    ]
)  # fmt: skip
"""The point on the other side of each of iBUG's 68 points."""


def among_68(points: Float[np.ndarray, "N D"]) -> Float64[np.ndarray, "68 D"]:
    """Place 7, 51 or 68 points, in the orders of `COUNTS`, among the 68; the others are NaN.

    Raises:
        ValueError: another number of points.
    """
    if len(points) not in COUNTS:
        raise ValueError(f"{len(points)} points are neither 7, 51 nor 68")
    out = np.full((68, points.shape[1]), np.nan)
    out[list(COUNTS[len(points)])] = points
    return out


def eyes_and_mouth(points: Float[np.ndarray, "68 D"]) -> Float[np.ndarray, "3 D"]:
    """Right eye, left eye and mouth, each the mean of its points."""
    return np.stack([points[RIGHT_EYE].mean(0), points[LEFT_EYE].mean(0), points[MOUTH].mean(0)])


def five_points(points: Float[np.ndarray, "68 D"]) -> Float64[np.ndarray, "5 D"]:
    """Five points of a face detector: right and left eye (means), nose tip, right and left mouth corner; float64."""
    p = np.asarray(points, np.float64)
    single = p[[NOSE_TIP, RIGHT_MOUTH_CORNER, LEFT_MOUTH_CORNER]]
    return np.stack([p[RIGHT_EYE].mean(axis=0), p[LEFT_EYE].mean(axis=0), *single])


def outer_eye_distance(points: Float[np.ndarray, "68 D"]) -> float:
    """Distance between the outer eye corners, in the unit of the points."""
    right, left = OUTER_EYE_CORNERS
    return float(np.linalg.norm(points[right] - points[left]))
