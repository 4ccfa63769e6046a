"""Bilinear samples of images in compiled loops; the one home of the border rule.

H W pixels, N samples.

Pixel coordinates have their origin at the top-left corner of the image: the center of the first pixel is (0.5, 0.5).
Border rule of all functions: "clamp", beyond the centers of the outermost pixels their values continue. Callers that want
another rule change the coordinates first ("wrap": modulo the size) or do not ask ("zero"). `heads.texture_space.sample` is
the differentiable twin in torch.
"""

import typing

import numpy as np
from jaxtyping import Float, Float64, UInt8

from headform.errors import InputError
from headform.geometry.array_checks import kernel_array, require_array, wrong_shape
from headform.kernels.jit import njit

_IDENTITY = np.arange(256, dtype=np.float64)


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def clamped_cell(position, size):
    """Lower and upper pixel around a position along an axis, and the fraction between their centers.

    The fraction keeps the precision of `position` and is exact.
    """
    shifted = position - np.float32(0.5)
    below = np.floor(shifted)
    fraction = shifted - below
    if shifted <= 0.0:
        return 0, min(1, size - 1), fraction - fraction
    if shifted >= size - 1:
        return size - 1, size - 1, fraction - fraction
    low = int(below)
    return low, low + 1, fraction


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def bilinear_rgb(image, x, y):
    """Color of image (H, W, 3) at pixel (x, y), as three numbers."""
    c0, c1, u = clamped_cell(x, image.shape[1])
    r0, r1, v = clamped_cell(y, image.shape[0])
    return _blend_rgb(image, c0, c1, u, r0, r1, v)


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def bilinear_rgb32(image, x, y):
    """`bilinear_rgb` with weights in single precision, for float32 images."""
    c0, c1, u = clamped_cell(x, image.shape[1])
    r0, r1, v = clamped_cell(y, image.shape[0])
    return _blend_rgb(image, c0, c1, np.float32(u), r0, r1, np.float32(v))


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def _blend_rgb(image, c0, c1, u, r0, r1, v):
    w00, w01 = (1 - u) * (1 - v), u * (1 - v)
    w10, w11 = (1 - u) * v, u * v
    return (
        w00 * image[r0, c0, 0] + w01 * image[r0, c1, 0] + w10 * image[r1, c0, 0] + w11 * image[r1, c1, 0],
        w00 * image[r0, c0, 1] + w01 * image[r0, c1, 1] + w10 * image[r1, c0, 1] + w11 * image[r1, c1, 1],
        w00 * image[r0, c0, 2] + w01 * image[r0, c1, 2] + w10 * image[r1, c0, 2] + w11 * image[r1, c1, 2],
    )


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def bilinear_gray(image, x, y):
    """Value of image (H, W) at pixel (x, y), in the arithmetic of `bilinear_rgb`."""
    c0, c1, u = clamped_cell(x, image.shape[1])
    r0, r1, v = clamped_cell(y, image.shape[0])
    w00, w01 = (1 - u) * (1 - v), u * (1 - v)
    w10, w11 = (1 - u) * v, u * v
    return w00 * image[r0, c0] + w01 * image[r0, c1] + w10 * image[r1, c0] + w11 * image[r1, c1]


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def bilinear_value(image, x, y):
    """Value of image (H, W) at pixel (x, y)."""
    c0, c1, u = clamped_cell(x, image.shape[1])
    r0, r1, v = clamped_cell(y, image.shape[0])
    above = image[r0, c0] * (1 - u) + image[r0, c1] * u
    below = image[r1, c0] * (1 - u) + image[r1, c1] * u
    return above * (1 - v) + below * v


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def bilinear_value32(image, x, y):
    """Value of image (H, W) at pixel (x, y), weights in single precision."""
    c0, c1, a = clamped_cell(x, image.shape[1])
    r0, r1, b = clamped_cell(y, image.shape[0])
    u, v = np.float32(a), np.float32(b)
    above = image[r0, c0] + u * (image[r0, c1] - image[r0, c0])
    below = image[r1, c0] + u * (image[r1, c1] - image[r1, c0])
    return above + v * (below - above)


@njit(cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def inner_cell(position, size):
    """`clamped_cell` at or between the centers of the outermost pixels; unsigned, so that no index is checked."""
    shifted = position - np.float32(0.5)
    low = np.uint32(shifted)
    return low, min(low + np.uint32(1), np.uint32(size - 1)), shifted - np.float32(low)


@njit(cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def inner_value32(image, x, y):
    """`bilinear_value32` at or between the centers of the outermost pixels; x and y in single precision."""
    c0, c1, u = inner_cell(x, image.shape[1])
    r0, r1, v = inner_cell(y, image.shape[0])
    above = image[r0, c0] + u * (image[r0, c1] - image[r0, c0])
    below = image[r1, c0] + u * (image[r1, c1] - image[r1, c0])
    return above + v * (below - above)


@njit(cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def inner_rgb32(image, x, y):
    """`bilinear_rgb32` at or between the centers of the outermost pixels; x and y in single precision."""
    c0, c1, u = inner_cell(x, image.shape[1])
    r0, r1, v = inner_cell(y, image.shape[0])
    w11 = u * v
    w01, w10 = u - w11, v - w11
    w00 = np.float32(1) - u - w10
    return (
        w00 * image[r0, c0, 0] + w01 * image[r0, c1, 0] + w10 * image[r1, c0, 0] + w11 * image[r1, c1, 0],
        w00 * image[r0, c0, 1] + w01 * image[r0, c1, 1] + w10 * image[r1, c0, 1] + w11 * image[r1, c1, 1],
        w00 * image[r0, c0, 2] + w01 * image[r0, c1, 2] + w10 * image[r1, c0, 2] + w11 * image[r1, c1, 2],
    )


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def _table_rows(image, table, points, out):
    """table (256,), points (N, 2); out (N, 3) written."""
    for n in range(points.shape[0]):
        c0, c1, u = clamped_cell(points[n, 0], image.shape[1])
        r0, r1, v = clamped_cell(points[n, 1], image.shape[0])
        for k in range(3):
            above = table[image[r0, c0, k]] * (1 - u) + table[image[r0, c1, k]] * u
            below = table[image[r1, c0, k]] * (1 - u) + table[image[r1, c1, k]] * u
            out[n, k] = above * (1 - v) + below * v


def bilinear_rows(
    image: UInt8[np.ndarray, "H W 3"],
    points: Float[np.ndarray, "N 2"],
    table: Float64[np.ndarray, "256"] | None = None,
) -> Float64[np.ndarray, "N 3"]:
    """Colors of an 8-bit image at pixels.

    Args:
        image: (H, W, 3).
        points: (N, 2) finite x and y, pixels.
        table: Value of each level, such as `LINEAR_FROM_SRGB8`, interpolated between; the levels themselves if None.

    Returns:
        (N, 3) float64.

    Raises:
        InputError: `mesh_not_finite` for pixels, and for other arrays those of `geometry.array_checks`.
    """
    picture = require_array("image", image, ("H", "W", 3), "int")
    if picture.dtype != np.uint8:
        raise InputError("array_dtype", f"image of dtype {picture.dtype}, expected uint8")
    if not picture.size:
        raise wrong_shape("image", picture.shape, ("H", "W", 3), "give a picture of one pixel or more")
    at = require_array("points", points, ("N", 2), finite=True)
    values = _IDENTITY if table is None else kernel_array(require_array("table", table, (256,)), np.float64)
    out = np.empty((len(at), 3))
    _table_rows(picture, values, kernel_array(at, np.float64), out)
    return out
