"""Gaze from the positions of the irises: yaw and pitch of both eyeballs, by Gauss-Newton.

Both eyes look in the same direction. The minimized function is, over the open eyes i,

    sum_i |x_i(gaze) - o_i|^2 / s_i^2  +  |gaze - gaze0|^2 / sigma0^2

where x is the projected pupil and o the observed center of the iris with standard deviation s.
"""

import numpy as np
from jaxtyping import Float

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.rotation import rotation_from_rotvec

LIMIT = np.array([0.75, 0.6])
"""Largest yaw and pitch of an eye, radians."""
_STEPS = 4
_NUDGE = 1e-4


def gaze_rotation(gaze: Float[np.ndarray, "2"]) -> Float[np.ndarray, "3 3"]:
    """Compute the rotation of an eyeball in the head frame: yaw to the subject's left, pitch up, radians."""
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
    """Fit yaw and pitch, common to both eyes, to the positions of the irises; radians.

    Args:
        centers: Centers of the right and the left eyeball, meters, head frame.
        pupils: Pupils of the same eyes when they look straight ahead, meters, head frame.
        camera: Camera of the photo.
        seen: Observed centers of the irises, pixels of the photo.
        sigma: Their standard deviations, pixels; infinity for a closed eye.
        prior: Expected yaw and pitch, radians.
        prior_sigma: Standard deviation of either angle about `prior`, radians.
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
