"""Alignment of faces for the regressor of Deng et al. (2019): five points, scale and shift, a crop of 224 pixels.

Pixel coordinates have their origin at the top-left corner, the crop's as well. The crop is upright: a face that is turned in
the picture stays so, and the regressor's angles hold the turn.

The five points of the mean face, seen by a scaled parallel projection, are fitted to those of the photo by least squares
(DeMenthon and Davis 1995, the first step of POSIT). Its scale becomes 102 pixels a decimeter, and the place of the model's
origin the middle of the crop.
"""

import numpy as np
from jaxtyping import Float, Float64

from headform.errors import FaceError
from headform.geometry.landmarks68 import LEFT_MOUTH_CORNER, NOSE_TIP, RIGHT_MOUTH_CORNER
from headform.nets.basel_regressor_net import SIDE

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
