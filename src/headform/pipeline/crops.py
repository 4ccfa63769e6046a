"""Which square of the photo each network sees.

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
"""A head rolled further is turned upright before it is read again."""
_BOX_SCALE, _BOX_DOWN = 1.03, 0.11
"""The loose square from YuNet's box: between the medians of 206 open portraits (0.99, 0.13) and 119 synthetic faces (1.06,
0.09)."""


def crop_of_face(face: Face, *, quarters: int = 0) -> Float[np.ndarray, "2 3"]:
    """The first, rough loose crop: from the detector's box, turned upright by its eyes and mouth if need be.

    Args:
        face: detected.
        quarters: quarter turns, clockwise, by which the crop is turned further.
    """
    x0, y0, x1, y1 = face.box
    eyes, mouth = face.points5[:2].mean(0), face.points5[3:].mean(0)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    up = np.linalg.matrix_power(quarter, quarters % 4) @ _upright(eyes - mouth)
    size = max(x1 - x0, y1 - y0) * _BOX_SCALE
    center = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + up[1] * _BOX_DOWN * (y1 - y0)
    return _turned_square(up, center @ up.T, size)


def crop_of_points(
    points68: Float[np.ndarray, "68 2"], rotation: Float[np.ndarray, "3 3"], *, zoom: float = 1.0
) -> Float[np.ndarray, "2 3"]:
    """The loose crop of known points, turned upright when the head is rolled by more than 15 degrees.

    `zoom` above 1 shows the face that much larger.
    """
    up = _upright(rotation[:2, 1])
    turned = points68 @ up.T
    low, high = turned.min(0), turned.max(0)
    size = float((high - low).max()) * LOOSE_MARGIN / zoom
    return _turned_square(up, (low + high) / 2, size)


def tight_crop(points68: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "2 3"]:
    """The identity network's crop: eyes and mouth at fixed places."""
    return tight_similarity(eyes_and_mouth(points68), float(INPUT_SIDE))


def _upright(direction: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2 2"]:
    """Rotation of the picture that brings the head's up direction upwards; the identity when it nearly is."""
    length = math.hypot(*direction)
    if length < 1e-6 or abs(math.atan2(direction[0], -direction[1])) <= _UPRIGHT_WITHIN:
        return np.eye(2)
    x, y = direction / length
    return np.array([[-y, x], [-x, -y]])


def _turned_square(
    turn: Float[np.ndarray, "2 2"], center: Float[np.ndarray, "2"], size: float
) -> Float[np.ndarray, "2 3"]:
    """Crop of a square given by its center in turned coordinates."""
    square = square_matrix(center[0] - size / 2, center[1] - size / 2, size, INPUT_SIDE)
    return np.column_stack([square[:, :2] @ turn, square[:, 2]])
