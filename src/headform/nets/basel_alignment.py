"""Alignment of faces for the regressor of Deng et al. (2019): five points, scale and shift, a crop of 224 pixels.

Pixel coordinates have their origin at the top-left corner, the crop's as well. The crop is upright: a face that is turned in
the picture stays so, and the regressor's angles hold the turn.

The five points of the mean face, seen by a scaled parallel projection, are fitted to those of the photo by least squares
(DeMenthon and Davis 1995, the first step of POSIT). Its scale becomes 102 pixels a decimeter, and the place of the model's
origin the middle of the crop.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from headform.errors import FaceError
from headform.geometry.landmarks68 import LEFT_MOUTH_CORNER, NOSE_TIP, RIGHT_MOUTH_CORNER
from headform.images.warp import warp
from headform.nets.basel_regressor_net import SIDE, BaselRegressor

FACE5_DM = np.array(
    [
        (-0.3115, 0.2904, 0.1338),
        (0.3098, 0.2897, 0.1318),
        (0.0033, -0.0462, 0.5524),
        (-0.2522, -0.3813, 0.2241),
        (0.2485, -0.3813, 0.2224),
    ]
)
"""Middles of the right and left eye, nose tip, mouth corners of the mean face: decimeters, y up, z out of the face."""
SCALE = 102.0
"""Scale of the aligned face, pixels of the crop per decimeter."""
_RIGHT_EYE, _LEFT_EYE = [36, 39], [42, 45]
"""Corners whose middle is an eye's point."""
_LEAST_SCALE = 1e-3
"""Least scale of a face, pixels per decimeter."""


def alignment_points(points68: Float[np.ndarray, "68 2"]) -> Float64[np.ndarray, "5 2"]:
    """Return the five points of a face: the middles of the corners of each eye, nose tip, mouth corners."""
    p = np.asarray(points68, np.float64)
    return np.stack(
        [p[_RIGHT_EYE].mean(0), p[_LEFT_EYE].mean(0), p[NOSE_TIP], p[RIGHT_MOUTH_CORNER], p[LEFT_MOUTH_CORNER]]
    )


def alignment(points5: Float[np.ndarray, "5 2"]) -> Float64[np.ndarray, "2 3"]:
    """Return the map from photo pixels to those of the crop: a scale and a shift.

    Args:
        points5: In the order of `FACE5_DM`, pixels.

    Raises:
        FaceError: ``points_invalid`` for points that are not finite or lie in one place.
    """
    seen = np.asarray(points5, np.float64)
    if not np.isfinite(seen).all():
        raise FaceError("points_invalid", "the five face points are not finite")
    model = np.column_stack([FACE5_DM, np.ones(len(FACE5_DM))])
    rows = np.linalg.lstsq(model, seen * [1.0, -1.0], rcond=None)[0].T  # y up, as in the model
    scale = float(np.linalg.norm(rows[:, :3], axis=1).mean())
    if scale < _LEAST_SCALE:
        raise FaceError("points_invalid", "the five face points lie in one place and define no crop")
    factor = SCALE / scale
    center = rows[:, 3] * [1.0, -1.0]
    return np.column_stack([np.eye(2) * factor, SIDE / 2 - factor * center])


def aligned_crop(rgb: UInt8[np.ndarray, "H W 3"], matrix: Float[np.ndarray, "2 3"]) -> Float[Tensor, "3 224 224"]:
    """Cut the aligned face out of a photo, as the regressor takes it: RGB in [0, 1]."""
    return torch.from_numpy(warp(rgb, matrix, SIDE)).permute(2, 0, 1).float() / 255


class PooledFeatures:
    """The regressor's last pooling (pool5) for faces of photos, half of the embedding of Lin et al.'s published code."""

    def __init__(self, net: BaselRegressor) -> None:
        self.net = net.eval().requires_grad_(False)

    @torch.inference_mode()
    def __call__(
        self, images: UInt8[np.ndarray, "B S S 3"], points5: Float[np.ndarray, "B 5 2"]
    ) -> Float[Tensor, "B C"]:
        """Compute 2048 numbers of each face.

        Args:
            images: Photos.
            points5: Eyes, nose tip and mouth corners, pixels, in the order of `FACE5_DM`.

        Raises:
            FaceError: ``points_invalid``.
        """
        crops = [aligned_crop(rgb, alignment(five)) for rgb, five in zip(images, points5, strict=True)]
        return self.net.features(torch.stack(crops).to(next(self.net.parameters()).device))
