"""NoW's seven landmarks, which match heads to scans: their order, and the sphere about the face that they span.

V vertices. Points are (7, 3) in any unit, rows in the order of `NAMES`, which is that of `landmarks68.NOW7`. Left and right
are the subject's.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

NAMES = (
    "right eye, outer corner",
    "right eye, inner corner",
    "left eye, inner corner",
    "left eye, outer corner",
    "nose bottom",
    "right mouth corner",
    "left mouth corner",
)

NOW_FACTOR = 1.4
"""Radius of NoW's sphere over the size of the face; the challenge of FG 2018 has 1.2."""


def face_sphere(
    landmarks: Float[np.ndarray, "7 3"], factor: float = NOW_FACTOR
) -> tuple[Float64[np.ndarray, "3"], float]:
    """Center and radius of the part of a face that is compared.

    Feng et al. 2018 (factor 1.2), NoW (Sanyal et al. 2019 and its published code, factor 1.4): the center lies 0.3 of the
    way from the nose bottom to the nose bridge (the middle of the inner eye corners); the radius is `factor` times the
    mean of the outer eye corners' distance and the nose's length.
    """
    p = np.asarray(landmarks, np.float64)
    bridge, bottom = (p[1] + p[2]) / 2, p[4]
    center = bottom + 0.3 * (bridge - bottom)
    size = np.linalg.norm(p[0] - p[3]) + np.linalg.norm(bridge - bottom)
    return center, float(factor * size / 2)


def inside(
    vertices: Float[np.ndarray, "V 3"], center: Float64[np.ndarray, "3"], radius: float
) -> Bool[np.ndarray, " V"]:
    """Mask of the vertices in the ball, its surface included."""
    return np.asarray(np.linalg.norm(vertices - center, axis=1) <= radius)
