"""Cut an upright or turned square out of a photo, without aliasing.

H W height and width of the photo, S side of the crop. Pixel coordinates have their origin at the top-left corner.
"""

import math
import typing

import numpy as np
from jaxtyping import Float, UInt8

from headform.images.sampling import bilinear_gray, bilinear_rgb
from headform.kernels.jit import njit


def square_matrix(x0: float, y0: float, size: float, side: int) -> Float[np.ndarray, "2 3"]:
    """Return the similarity (2, 3) from photo pixels to a crop of `side` pixels for an upright square."""
    k = side / size
    return np.array([[k, 0.0, -x0 * k], [0.0, k, -y0 * k]])


def inverse(matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "2 3"]:
    """Invert an affine map."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def apply(matrix: Float[np.ndarray, "2 3"], points: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
    """Apply an affine map to points."""
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def warp(rgb: UInt8[np.ndarray, "H W 3"], matrix: Float[np.ndarray, "2 3"], side: int) -> UInt8[np.ndarray, "S S 3"]:
    """Resample a photo: each crop pixel is the mean of bilinear samples spread over its footprint.

    Args:
        rgb: (H, W, 3) sRGB.
        matrix: (2, 3) similarity from photo pixels to crop pixels.
        side: Side of the crop, pixels. Outside the photo its border is repeated.
    """
    back, samples = _footprint(matrix)
    crop = np.empty((side, side, 3), np.uint8)
    _warp(np.ascontiguousarray(rgb), back, samples, crop)
    return crop


def warp_gray(gray: UInt8[np.ndarray, "H W"], matrix: Float[np.ndarray, "2 3"], side: int) -> UInt8[np.ndarray, "S S"]:
    """Resample a picture of one channel, such as a mask; a channel of `warp` to the bit."""
    back, samples = _footprint(matrix)
    crop = np.empty((side, side), np.uint8)
    _warp_gray(np.ascontiguousarray(gray), back, samples, crop)
    return crop


def _footprint(matrix: Float[np.ndarray, "2 3"]) -> tuple[Float[np.ndarray, "2 3"], int]:
    """Return the map from crop to photo pixels, and the samples of a crop pixel along each axis."""
    back = inverse(np.asarray(matrix, np.float64))
    step = math.sqrt(abs(float(np.linalg.det(back[:, :2]))))  # photo pixels per crop pixel
    samples = int(min(8, max(1, math.ceil(0.6 * step))))  # each covers two photo pixels
    return np.ascontiguousarray(back), samples


@njit(cache=True, nogil=True)
@typing.no_type_check
def _warp(rgb, back, samples, crop):
    side = crop.shape[0]
    share = 1.0 / (samples * samples)
    for y in range(side):
        for x in range(side):
            r = g = b = 0.0
            for j in range(samples):
                v = y + (j + 0.5) / samples
                for i in range(samples):
                    u = x + (i + 0.5) / samples
                    px = back[0, 0] * u + back[0, 1] * v + back[0, 2]
                    py = back[1, 0] * u + back[1, 1] * v + back[1, 2]
                    red, green, blue = bilinear_rgb(rgb, px, py)
                    r += red
                    g += green
                    b += blue
            crop[y, x, 0] = np.uint8(r * share + 0.5)
            crop[y, x, 1] = np.uint8(g * share + 0.5)
            crop[y, x, 2] = np.uint8(b * share + 0.5)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _warp_gray(gray, back, samples, crop):
    side = crop.shape[0]
    share = 1.0 / (samples * samples)
    for y in range(side):
        for x in range(side):
            total = 0.0
            for j in range(samples):
                v = y + (j + 0.5) / samples
                for i in range(samples):
                    u = x + (i + 0.5) / samples
                    px = back[0, 0] * u + back[0, 1] * v + back[0, 2]
                    py = back[1, 0] * u + back[1, 1] * v + back[1, 2]
                    total += bilinear_gray(gray, px, py)
            crop[y, x] = np.uint8(total * share + 0.5)
