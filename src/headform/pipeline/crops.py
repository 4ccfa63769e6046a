"""Square crops of the photo for each network.

Pixel coordinates have their origin at the top-left corner. A crop is a similarity (2, 3) from photo pixels to crop pixels.
"""

import math

import numpy as np
from jaxtyping import Float

from headform.geometry.landmarks68 import eyes_and_mouth
from headform.images.warp import square_matrix
from headform.nets.crop_geometry import LOOSE_MARGIN, tight_similarity
from headform.nets.detection.face import Face
from headform.nets.landmarks.dense_net import INPUT_SIDE

_UPRIGHT_WITHIN = math.radians(15)
"""Roll beyond which a crop is rotated upright, radians."""
_BOX_SCALE, _BOX_DOWN = 1.03, 0.11
"""Size and downward shift of the loose square relative to YuNet's box: between the medians of 206 openly licensed portraits
(0.99, 0.13) and of 119 synthetic faces (1.06, 0.09)."""


def crop_of_face(face: Face, *, quarters: int = 0) -> Float[np.ndarray, "2 3"]:
    """Return the first, approximate loose crop from the detector's box, rotated upright by its eyes and mouth if necessary.

    Args:
        face: detected face.
        quarters: number of additional clockwise quarter turns.
    """
    x0, y0, x1, y1 = face.box
    eyes, mouth = face.points5[:2].mean(0), face.points5[3:].mean(0)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    up = np.linalg.matrix_power(quarter, quarters % 4) @ _upright(eyes - mouth)
    size = max(x1 - x0, y1 - y0) * _BOX_SCALE
    center = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + up[1] * _BOX_DOWN * (y1 - y0)
    return _rotated_square(up, center @ up.T, size)


def crop_of_points(
    points68: Float[np.ndarray, "68 2"], rotation: Float[np.ndarray, "3 3"], *, zoom: float = 1.0
) -> Float[np.ndarray, "2 3"]:
    """Return the loose crop of known points, rotated upright when the head is rolled by more than 15 degrees.

    `zoom` magnifies the face.
    """
    up = _upright(rotation[:2, 1])
    upright = points68 @ up.T
    low, high = upright.min(0), upright.max(0)
    size = float((high - low).max()) * LOOSE_MARGIN / zoom
    return _rotated_square(up, (low + high) / 2, size)


def tight_crop(points68: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "2 3"]:
    """Return the identity network's crop, with eyes and mouth at fixed positions."""
    return tight_similarity(eyes_and_mouth(points68), float(INPUT_SIDE))


def _upright(direction: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2 2"]:
    """Return the rotation of the picture that makes the head upright; the identity if it nearly is."""
    length = math.hypot(*direction)
    if length < 1e-6 or abs(math.atan2(direction[0], -direction[1])) <= _UPRIGHT_WITHIN:
        return np.eye(2)
    x, y = direction / length
    return np.array([[-y, x], [-x, -y]])


def _rotated_square(
    turn: Float[np.ndarray, "2 2"], center: Float[np.ndarray, "2"], size: float
) -> Float[np.ndarray, "2 3"]:
    """Return the crop of a square given by its center in rotated coordinates."""
    square = square_matrix(center[0] - size / 2, center[1] - size / 2, size, INPUT_SIDE)
    return np.column_stack([square[:, :2] @ turn, square[:, 2]])
