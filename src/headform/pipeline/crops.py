"""Square crops of the photo for each network.

Pixel coordinates have their origin at the top-left corner. A crop is a similarity (2, 3) from photo pixels to crop pixels.
"""

import numpy as np
from jaxtyping import Float

from headform.nets.crop_geometry import turned_loose_square, turned_square, upright_turn
from headform.nets.detection.face import Face
from headform.nets.landmarks.dense_net import INPUT_SIDE

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
    up = np.linalg.matrix_power(quarter, quarters % 4) @ upright_turn(eyes - mouth)
    size = max(x1 - x0, y1 - y0) * _BOX_SCALE
    center = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + up[1] * _BOX_DOWN * (y1 - y0)
    return turned_square(up, center @ up.T, size, INPUT_SIDE)


def crop_of_points(
    points68: Float[np.ndarray, "68 2"], rotation: Float[np.ndarray, "3 3"], *, zoom: float = 1.0
) -> Float[np.ndarray, "2 3"]:
    """Return the loose crop of known points, rotated upright when the head is rolled by more than 15 degrees.

    `zoom` magnifies the face.
    """
    return turned_loose_square(points68, upright_turn(rotation[:2, 1]), INPUT_SIDE, zoom=zoom)
