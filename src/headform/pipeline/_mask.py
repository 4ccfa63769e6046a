"""Masks of a photo: skin, eyes and the inside of the mouth.

H W of the photo, M side of the mask.
"""

import typing

import numpy as np
from jaxtyping import Float, Float32

from headform.fit.openings import Openings
from headform.geometry.mediapipe478 import (
    LOWER_LID_LEFT,
    LOWER_LID_RIGHT,
    LOWER_LIP_INNER,
    UPPER_LID_LEFT,
    UPPER_LID_RIGHT,
    UPPER_LIP_INNER,
)
from headform.images.sampling import bilinear_value
from headform.images.warp import apply, inverse
from headform.kernels.jit import njit
from headform.nets.crop_geometry import EyeFrame
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.committee_calibration import Calibration
from headform.nets.landmarks.dense_net import INPUT_SIDE
from headform.nets.landmarks.dense_predictor import DensePrediction

FADE = 9.0
"""Width of the fade in cells of the mask: the mask ends at the crop, where a hard edge would show on the forehead."""

EDGE = 0.04
"""Width of the fade at the picture's edge, in units of the face's size: such an edge would show in the texture."""


def mask_in_photo(prediction: DensePrediction, size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
    """Return the probability that each pixel shows the head's own surface; fades to 0 at the borders of crop and photo."""
    out = np.zeros((size[1], size[0]), np.float32)
    corners = np.array([[0.0, 0], [INPUT_SIDE, 0], [0, INPUT_SIDE], [INPUT_SIDE, INPUT_SIDE]])
    seen = apply(inverse(prediction.crop), corners)
    first = np.clip(np.floor(seen.min(0)), 0, size).astype(int)
    last = np.clip(np.ceil(seen.max(0)), 0, size).astype(int)
    _spread(
        np.ascontiguousarray(prediction.mask, np.float32),
        np.ascontiguousarray(prediction.crop * (prediction.mask.shape[0] / INPUT_SIDE)),
        first,
        last,
        max(EDGE * EyeFrame.of(prediction.points[:68]).size, 1.0),
        out,
    )
    return out


def openings_in_photo(calibration: Calibration, reading: CommitteeReading) -> Openings:
    """Compute the rims of eyes and mouth from MediaPipe's points, pixels of the photo."""
    points, _ = calibration.mesh_on_surface(reading)

    def rim(upper: tuple[int, ...], lower: tuple[int, ...]) -> Float[np.ndarray, "N 2"]:
        return points[[*upper, *lower[-2:0:-1]]]

    left = UPPER_LID_LEFT[::-1], LOWER_LID_LEFT[::-1]  # from the inner corner
    return Openings(
        eyes=(rim(UPPER_LID_RIGHT, LOWER_LID_RIGHT), rim(*left)),
        mouth=rim(UPPER_LIP_INNER, LOWER_LIP_INNER),
    )


@njit(cache=True, nogil=True)
@typing.no_type_check
def _spread(mask, matrix, first, last, edge, out):
    """Sample mask (M, M) bilinearly at matrix (2, 3) times the pixel centers of out (H, W), from first to last (x, y).

    It fades over `edge` pixels at the edge of `out`.
    """
    side = mask.shape[0]
    height, width = out.shape
    for y in range(first[1], last[1]):
        for x in range(first[0], last[0]):
            u = matrix[0, 0] * (x + 0.5) + matrix[0, 1] * (y + 0.5) + matrix[0, 2]
            v = matrix[1, 0] * (x + 0.5) + matrix[1, 1] * (y + 0.5) + matrix[1, 2]
            inside = min(min(u - 0.5, side - 0.5 - u), min(v - 0.5, side - 0.5 - v))
            if inside > 0.0:  # the mask is undefined outside: no border value is repeated
                to_edge = min(min(x, width - 1 - x), min(y, height - 1 - y)) + 0.5
                out[y, x] = bilinear_value(mask, u, v) * min(inside / FADE, 1.0) * min(to_edge / edge, 1.0)
