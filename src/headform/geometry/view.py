"""Cameras that look at a point: the one place where views are set up for pictures.

The camera frame is that of `geometry.camera`: x right, y down, z forward.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.geometry.camera import FRONTAL, PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler


def look_at(
    target: Float[np.ndarray, "3"],
    rotation: Float[np.ndarray, "3 3"],
    *,
    distance: float,
    focal_px: float,
    side: int,
) -> PerspectiveCamera:
    """Place a camera so that `target` is in the middle of a square picture.

    Args:
        target: (3,) point on the optical axis, any unit.
        rotation: (3, 3) camera from world; `orbit_rotation` and `look_rotation` make them.
        distance: From the camera to the target along the optical axis, unit of `target`.
        focal_px: Focal length, pixels. A plane at `distance` shows `side * distance / focal_px` units.
        side: Side of the picture, pixels.
    """
    K = np.array([[focal_px, 0.0, side / 2], [0.0, focal_px, side / 2], [0.0, 0.0, 1.0]])
    R = np.asarray(rotation, np.float64)
    return PerspectiveCamera(K, R, np.array([0.0, 0.0, distance]) - R @ target)


def orbit_rotation(yaw: float, pitch: float = 0.0) -> Float64[np.ndarray, "3 3"]:
    """Rotation, camera from head, of a view of a head turned by `yaw` and `pitch`.

    Args:
        yaw: Radians; positive turns the face to the subject's left, which is to the right in the picture.
        pitch: Radians; positive turns the face down.
    """
    return FRONTAL @ rotation_from_euler(yaw, pitch, 0.0)


def look_rotation(out: Float[np.ndarray, "3"], up: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation, camera from world, of a camera that stands in the direction `out` of its target.

    Args:
        out: (3,) direction from the target to the camera, any length.
        up: (3,) direction that is up in the picture; not parallel to `out`.
    """
    z = -out / np.linalg.norm(out)
    x = np.cross(-up, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])
