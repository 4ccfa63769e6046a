"""Rotation of a picture in its plane, and of the faces found in it back to the original.

N faces. Coordinates in pixels, origin at the top-left corner.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, UInt8
from PIL import Image

from headform.nets.detection._candidates import Candidates

_LONGEST = 1024


@dataclass(frozen=True)
class Turned:
    """A rotated picture.

    Attributes:
        rgb: Its pixels.
        degrees: Angle of the rotation, counter-clockwise.
        axes: Linear part of the map to the original: a point p is `axes @ p + origin` there.
        origin: Translation of that map, pixels.
    """

    rgb: UInt8[np.ndarray, "H W 3"]
    degrees: int
    axes: Float64[np.ndarray, "2 2"]
    origin: Float64[np.ndarray, "2"]

    @property
    def scale(self) -> float:
        """Pixels of the original per pixel of the turned picture."""
        return float(np.hypot(*self.axes[:, 0]))

    def back(self, found: Candidates) -> Candidates:
        """Map candidates of the rotated picture to the original.

        A box rotated by a quarter turn stays a box; at other angles it is replaced by the upright box of
        the same size around the same center.
        """
        center = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 @ self.axes.T + self.origin
        half = (found.boxes[:, 2:] - found.boxes[:, :2]) / 2 * self.scale
        if self.degrees % 180 == 90:
            half = half[:, ::-1]
        boxes = np.concatenate([center - half, center + half], 1)
        return Candidates(boxes, found.scores, found.points @ self.axes.T + self.origin)


def turn(rgb: UInt8[np.ndarray, "H W 3"], degrees: int) -> Turned:
    """Rotate a whole picture counter-clockwise.

    Args:
        rgb: The picture.
        degrees: Angle. Multiples of 90 only move pixels. Other angles resample, after reducing the longer side to
            1024 pixels, and leave the corners black.
    """
    height, width = rgb.shape[:2]
    if degrees % 90 == 0:
        quarters = degrees // 90 % 4
        axes = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarters).astype(float)
        origin = np.array([width * (quarters in (1, 2)), height * (quarters in (2, 3))], float)
        return Turned(np.ascontiguousarray(np.rot90(rgb, quarters)), degrees, axes, origin)
    image = Image.fromarray(rgb)
    reduction = max(1, math.ceil(max(width, height) / _LONGEST))
    image = image.reduce(reduction) if reduction > 1 else image
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    axes = np.array([[cos, -sin], [sin, cos]])
    size = np.ceil(np.abs(axes.T) @ np.array(image.size, float)).astype(int)
    origin = np.array(image.size) / 2 - axes @ (size / 2)
    data = (cos, -sin, float(origin[0]), sin, cos, float(origin[1]))
    turned = image.transform((int(size[0]), int(size[1])), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return Turned(np.asarray(turned), degrees, axes * reduction, origin * reduction)
