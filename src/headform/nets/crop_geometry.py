"""Crops of the networks, as similarities from the image to the crop.

L landmarks. Pixel coordinates have their origin at the top-left corner.

loose: the square around the 68 points, 1.35 times their larger side, upright. For the dense landmark network.
tight: eyes and mouth moved to fixed places. For the identity network.
level: a square around the 68 points, rotated so that the eyes are level. For third-party networks.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.geometry.landmarks68 import eyes_and_mouth
from headform.images.warp import square_matrix

LOOSE_MARGIN = 1.35
TIGHT_TARGETS = np.array([[0.335, 0.33], [0.665, 0.33], [0.5, 0.66]])
"""Positions of the subject's right eye, left eye and mouth in the tight crop, in crop sizes."""


def loose_square(points68: Float[np.ndarray, "68 2"]) -> tuple[float, float, float]:
    """Return the loose crop (x0, y0, size) of 68 points, pixels."""
    low, high = points68.min(0), points68.max(0)
    size = float((high - low).max()) * LOOSE_MARGIN
    middle = (low + high) / 2 - size / 2
    return float(middle[0]), float(middle[1]), size


def tight_similarity(anchors: Float[np.ndarray, "3 2"], size: float) -> Float[np.ndarray, "2 3"]:
    """Fit the least-squares similarity (2, 3) that takes the anchors into a crop of `size` pixels."""
    target = TIGHT_TARGETS * size
    a = anchors - anchors.mean(0)
    b = target - target.mean(0)
    # complex regression: b = (p + iq) a
    power = float((a**2).sum()) + 1e-12
    p = float((a * b).sum()) / power
    q = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / power
    turn = np.array([[p, -q], [q, p]])
    return np.column_stack([turn, target.mean(0) - turn @ anchors.mean(0)])


UPRIGHT_WITHIN = math.radians(15)
"""Roll beyond which a loose crop is rotated upright, radians."""


def upright_turn(direction: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2 2"]:
    """Return the rotation of the picture that makes the head upright; the identity if it nearly is.

    Args:
        direction: up the face in the picture, pixels.
    """
    length = math.hypot(*direction)
    if length < 1e-6 or abs(math.atan2(direction[0], -direction[1])) <= UPRIGHT_WITHIN:
        return np.eye(2)
    x, y = direction / length
    return np.array([[-y, x], [-x, -y]])


def turned_loose_square(
    points68: Float[np.ndarray, "68 2"], turn: Float[np.ndarray, "2 2"], side: int, *, zoom: float = 1.0
) -> Float[np.ndarray, "2 3"]:
    """Return the similarity (2, 3) into the loose crop of points in a picture that was turned.

    Args:
        points68: points in the picture, pixels.
        turn: rotation, as of `upright_turn`.
        side: side of the crop, pixels.
        zoom: magnification of the face.
    """
    upright = points68 @ turn.T
    low, high = upright.min(0), upright.max(0)
    size = float((high - low).max()) * LOOSE_MARGIN / zoom
    return turned_square(turn, (low + high) / 2, size, side)


def turned_square(
    turn: Float[np.ndarray, "2 2"], center: Float[np.ndarray, "2"], size: float, side: int
) -> Float[np.ndarray, "2 3"]:
    """Return the similarity (2, 3) into a crop of `side` pixels for a square given by its center in rotated coordinates."""
    square = square_matrix(center[0] - size / 2, center[1] - size / 2, size, side)
    return np.column_stack([square[:, :2] @ turn, square[:, 2]])


_EYES_WEIGHT = 3.0
"""Weight of the line through the eyes against the perpendicular of the line from the eyes to the mouth. In profile the eyes
lie behind each other and their line is meaningless; the other one is off by up to 15 degrees there."""


@dataclass(frozen=True)
class EyeFrame:
    """Frame of a face in the picture: aligned with the eyes, in units of the face's size.

    Attributes:
        axes: unit vectors, as columns, along the eyes (to the subject's left) and down the face.
        middle: center of the 68 points' box in this frame, pixels.
        extent: width and height of that box, pixels.
    """

    axes: Float[np.ndarray, "2 2"]
    middle: Float[np.ndarray, "2"]
    extent: Float[np.ndarray, "2"]

    @classmethod
    def of(cls, points68: Float[np.ndarray, "68 2"]) -> "EyeFrame":
        """Return the frame of 68 points in the picture."""
        right, left, mouth = eyes_and_mouth(points68)
        down = mouth - (right + left) / 2
        along = _EYES_WEIGHT * (left - right) + np.array([down[1], -down[0]])
        length = float(np.hypot(*along))
        x, y = along / length if length > 0 else np.array([1.0, 0.0])
        axes = np.array([[x, -y], [y, x]])
        level = points68 @ axes
        low, high = level.min(0), level.max(0)
        return cls(axes, axes @ ((low + high) / 2), high - low)

    @property
    def size(self) -> float:
        """Size of the face in pixels: the square root of its box's area."""
        return max(math.sqrt(float(self.extent[0] * self.extent[1])), 1e-6)

    def shifted(self, points: Float[np.ndarray, "N 2"], offsets: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
        """Move points by offsets that are given in this frame."""
        return points + (offsets @ self.axes.T) * self.size

    def crop(self, side: int, margin: float) -> Float[np.ndarray, "2 3"]:
        """Return the similarity (2, 3) into a level crop of `side` pixels showing `margin` times the box's longer side."""
        scale = side / max(float(self.extent.max()) * margin, 1e-6)
        turn = self.axes.T * scale
        return np.column_stack([turn, side / 2 - turn @ self.middle])
