"""Portraits of heads: the camera and the gray behind them.

L landmarks, P side of the square picture.
"""

import numpy as np
from jaxtyping import Float

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.view import look_at, orbit_rotation

BACKGROUND = 236.0
"""sRGB gray behind a head."""
DISTANCE_M = 1.2
"""Distance from the camera to the head: large enough that noses are not enlarged."""
_EXTENT = 2.2
"""Side of the visible square in extents of the face."""
_OFFSET = np.array([0.0, 0.06, -0.12])
"""Offset from the middle of the face to that of the head, in units of the picture's side: upwards and inwards."""


def portrait_camera(face: Float[np.ndarray, "L 3"], yaw: float, side: int) -> PerspectiveCamera:
    """Place a camera 1.2 m from the head, which it sees upright and turned by `yaw`.

    Args:
        face: (L, 3) meters, head frame: points from jaw to brows, around which the picture is built; it shows somewhat more
            than twice their extent.
        yaw: Radians; positive turns the face to the subject's left, which is to the right in the picture.
        side: P, pixels.
    """
    low, high = face.min(axis=0).astype(np.float64), face.max(axis=0).astype(np.float64)
    extent = _EXTENT * float((high - low)[:2].max())
    middle = (low + high) / 2 + _OFFSET * extent
    return look_at(middle, orbit_rotation(yaw), distance=DISTANCE_M, focal_px=side * DISTANCE_M / extent, side=side)
