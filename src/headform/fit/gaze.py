"""Gaze from where the irises are seen: yaw and pitch of both eyeballs, by Gauss-Newton.

Both eyes look into one direction. Minimized is, over the eyes i that are open,

    sum_i |x_i(gaze) - o_i|^2 / s_i^2  +  |gaze - gaze0|^2 / sigma0^2

x the projected pupil, o the seen center of the iris with its standard deviation s.
"""

import numpy as np
from jaxtyping import Float

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.rotation import rotation_from_rotvec

LIMIT = np.array([0.75, 0.6])
"""Radians of yaw and pitch beyond which no eye turns."""
_STEPS = 4
_NUDGE = 1e-4


def gaze_rotation(gaze: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3 3"]:
    """Rotation of an eyeball in the head frame: yaw to the subject's left, pitch up, radians."""
    return rotation_from_rotvec(np.array([0.0, gaze[0], 0.0])) @ rotation_from_rotvec(np.array([-gaze[1], 0.0, 0.0]))


def fit_gaze(
    centers: Float[np.ndarray, "2 3"],
    pupils: Float[np.ndarray, "2 3"],
    camera: PerspectiveCamera,
    seen: Float[np.ndarray, "2 2"],
    sigma: Float[np.ndarray, "2"],
    *,
    prior: Float[np.ndarray, "2"],
    prior_sigma: float,
) -> Float[np.ndarray, "2"]:
    """Yaw and pitch of both eyes.

    Args:
        centers: Of the right and the left eyeball, meters, head frame.
        pupils: The same eyes' pupils when they look straight ahead.
        camera: Of the photo.
        seen: Centers of the irises in the photo, pixels.
        sigma: Their standard deviations, pixels; infinity where an eye is shut.
        prior: Yaw and pitch expected, radians.
        prior_sigma: Standard deviation of either about it, radians.
    """
    arms = pupils - centers

    def residual(gaze: Float[np.ndarray, "2"]) -> Float[np.ndarray, "6"]:
        placed = centers + arms @ gaze_rotation(gaze).T
        offset = (camera.project(placed)[:, :2] - seen) / sigma[:, None]
        return np.concatenate([offset.ravel(), (gaze - prior) / prior_sigma])

    gaze = np.clip(np.asarray(prior, np.float64), -LIMIT, LIMIT)
    for _ in range(_STEPS):
        here = residual(gaze)
        slopes = np.stack([(residual(gaze + d) - here) / _NUDGE for d in _NUDGE * np.eye(2)], 1)
        gaze = np.clip(gaze - np.linalg.solve(slopes.T @ slopes, slopes.T @ here), -LIMIT, LIMIT)
    return gaze
