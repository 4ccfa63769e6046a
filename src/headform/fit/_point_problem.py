"""Residuals and Jacobian of a linear head seen by a perspective camera at a few hundred points.

N points, I identity and E expression coefficients, P unknowns = I + E + 3 rotation + 3 translation + 1.

The unknowns are packed in that order; the last one is the natural logarithm of the focal length in
pixels. Rotation is updated on the left, ``R <- exp([w]x) R``, so its three unknowns are zero at the
point of linearization. Everything is float64: the normal equations square the condition number.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from headform.fit.head_points import PointModel


@dataclass(frozen=True)
class PointState:
    """Estimate of all unknowns.

    Attributes:
        coefficients: Identity (standard deviations), then expression (weights).
        rotation: cam_from_head; camera x right, y down, z forward.
        translation: Head origin in the camera frame, meters.
        focal: Focal length, pixels.
    """

    coefficients: Float[np.ndarray, " K"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, " 3"]
    focal: float

    def moved(self, step: Float[np.ndarray, " P"]) -> "PointState":
        """Return the estimate after a step in the packed unknowns."""
        num = len(self.coefficients)
        return replace(
            self,
            coefficients=self.coefficients + step[:num],
            rotation=Rotation.from_rotvec(step[num : num + 3]).as_matrix() @ self.rotation,
            translation=self.translation + step[num + 3 : num + 6],
            focal=self.focal * float(np.exp(np.clip(step[num + 6], -1.0, 1.0))),
        )


def project_points(
    model: PointModel, state: PointState, center_px: Float[np.ndarray, " 2"]
) -> Float[np.ndarray, "N 2"]:
    """Project the model's points to pixels; points behind the camera become infinity."""
    cam = model.positions(state.coefficients) @ state.rotation.T + state.translation
    depth = np.where(cam[:, 2:] > 1e-6, cam[:, 2:], np.nan)
    pixels = state.focal * cam[:, :2] / depth + center_px
    return np.where(np.isnan(pixels), np.inf, pixels)


def jacobian(model: PointModel, state: PointState) -> Float[np.ndarray, "2 N P"]:
    r"""Compute the derivative of the projected pixels with respect to the packed unknowns.

    With :math:`u = f X/Z`, :math:`\partial u = (f/Z, 0, -u/Z)\,\partial X_{cam}`, and
    :math:`\partial X_{cam} = R B\,\partial c + \omega \times R X + \partial t`.
    """
    rotated = model.positions(state.coefficients) @ state.rotation.T
    cam = rotated + state.translation
    inv_depth = 1.0 / cam[:, 2]
    uv = state.focal * cam[:, :2].T * inv_depth  # (2, N)
    num_points, num = model.basis.shape[1:]
    out = np.zeros((2, num_points, num + 7))
    for axis in range(2):
        d_cam = np.zeros((num_points, 3))
        d_cam[:, axis] = state.focal * inv_depth
        d_cam[:, 2] = -uv[axis] * inv_depth
        d_head = d_cam @ state.rotation
        block = out[axis]
        np.multiply(d_head[:, 0:1], model.basis[0], out=block[:, :num])
        block[:, :num] += d_head[:, 1:2] * model.basis[1]
        block[:, :num] += d_head[:, 2:3] * model.basis[2]
        block[:, num : num + 3] = np.cross(rotated, d_cam)  # d . (w x y) = w . (y x d)
        block[:, num + 3 : num + 6] = d_cam
        block[:, num + 6] = uv[axis]
    return out
