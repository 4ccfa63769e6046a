"""The part of a scan that is measured.

Letters: V vertices of the scan. Millimetres.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

from headform.evaluate.scan.landmarks7 import face_frame

_NEAR_NOSE_BOTTOM = 30.0


def face_sphere(
    landmarks: Float[np.ndarray, "7 3"], factor: float
) -> tuple[Float64[np.ndarray, "3"], float]:
    """Centre and radius of the face by its seven landmarks.

    Feng et al. 2018 (factor 1.2), NoW (factor 1.4): the centre lies 0.3 of the way from the nose bottom to the nose
    bridge (the middle of the inner eye corners); the radius is `factor` times the mean of the outer eye corners' distance
    and the nose's length.
    """
    p = np.asarray(landmarks, np.float64)
    bridge, bottom = (p[1] + p[2]) / 2, p[4]
    centre = bottom + 0.3 * (bridge - bottom)
    size = np.linalg.norm(p[0] - p[3]) + np.linalg.norm(bridge - bottom)
    return centre, float(factor * size / 2)


def nose_tip(
    vertices: Float[np.ndarray, "V 3"], landmarks: Float[np.ndarray, "7 3"]
) -> Float64[np.ndarray, "3"]:
    """The foremost vertex of a scan within 30 mm of the nose bottom, forward being `face_frame`'s third axis.

    Raises:
        ValueError: There is none.
    """
    near = vertices[np.linalg.norm(vertices - landmarks[4], axis=1) < _NEAR_NOSE_BOTTOM]
    if not len(near):
        raise ValueError(
            f"no vertex of the scan within {_NEAR_NOSE_BOTTOM:g} mm of the nose bottom"
        )
    return np.asarray(near[np.argmax(near @ face_frame(landmarks)[:, 2])], np.float64)


def inside(
    vertices: Float[np.ndarray, "V 3"], centre: Float64[np.ndarray, "3"], radius: float
) -> Bool[np.ndarray, " V"]:
    """Which vertices lie in the ball, its surface included."""
    return np.asarray(np.linalg.norm(vertices - centre, axis=1) <= radius)
