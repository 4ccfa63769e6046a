"""Similarity of two pictures by pixel (PSNR) and in structure (SSIM), whole or within a mask.

H W pixels, C channels. Both count in the pictures' own values, 8-bit sRGB unless a range is given.

- PSNR: 10 log₁₀(range² / mean squared difference), the mean over all pixels and channels.
- SSIM: Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity",
  equation 13 with a Gaussian window of 11 by 11 and standard deviation 1.5 (weights, no sample correction), K1 = 0.01,
  K2 = 0.03; each channel by itself, then their mean.

At the border the window sees the picture mirrored (the outermost pixel twice). The mean over a whole picture leaves the
outermost five pixels out, as Wang's does, so that no mirrored value counts; the mean over a mask takes every pixel of the
mask.
"""

import math

import numpy as np
from jaxtyping import Bool, Float, Float64, Num
from scipy.ndimage import correlate1d

WINDOW = 11
"""Side of the SSIM's window, pixels."""
SIGMA = 1.5
K1, K2 = 0.01, 0.03
_RADIUS = WINDOW // 2
_STRIP = 512


def psnr(
    first: Num[np.ndarray, "H W C"],
    second: Num[np.ndarray, "H W C"],
    mask: Bool[np.ndarray, "H W"] | None = None,
    *,
    value_range: float = 255.0,
) -> float:
    """Peak signal-to-noise ratio in decibels; infinite for equal pictures.

    Args:
        first: (H, W, C).
        second: (H, W, C).
        mask: (H, W) pixels that count; all if None.
        value_range: Largest value less the smallest: 255 for 8-bit pictures, 1 for fractions.

    Raises:
        ValueError: The mask is empty, or a value is not finite.
    """
    squared = (first.astype(np.float64) - second.astype(np.float64)) ** 2
    error = _mean(squared.mean(-1), mask)
    return math.inf if error == 0 else 10 * math.log10(value_range**2 / error)


def ssim(
    first: Num[np.ndarray, "H W C"],
    second: Num[np.ndarray, "H W C"],
    mask: Bool[np.ndarray, "H W"] | None = None,
    *,
    value_range: float = 255.0,
) -> float:
    """Structural similarity, 1 for equal pictures; see the module docstring.

    Args:
        first: (H, W, C), at least 11 by 11.
        second: (H, W, C).
        mask: (H, W) middles of the windows that count; if None, those whose window lies within the picture.
        value_range: Same as for `psnr`.

    Raises:
        ValueError: The pictures are smaller than the window, the mask is empty, or a value is not finite.
    """
    return mean_ssim(ssim_map(first, second, value_range=value_range), mask)


def mean_ssim(found: Float64[np.ndarray, "H W C"], mask: Bool[np.ndarray, "H W"] | None = None) -> float:
    """The mean of an `ssim_map`; see `ssim` for the mask and the border."""
    if mask is None:
        return _mean(found[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS].mean(-1), None)
    return _mean(found[mask].mean(-1), None)


def ssim_map(
    first: Num[np.ndarray, "H W C"], second: Num[np.ndarray, "H W C"], *, value_range: float = 255.0
) -> Float64[np.ndarray, "H W C"]:
    """Structural similarity of the windows around each pixel, by channel.

    Where the pictures are equal in all of a window it is 1; only the rest is computed.

    Raises:
        ValueError: The pictures are smaller than the window.
    """
    height, width = first.shape[:2]
    if min(height, width) < WINDOW:
        raise ValueError(f"{width}x{height} pixels are fewer than the window of {WINDOW}x{WINDOW}")
    found = np.ones(first.shape)
    differ = (first != second).any(-1)
    rows, columns = np.flatnonzero(differ.any(1)), np.flatnonzero(differ.any(0))
    if not len(rows):
        return found
    # windows that see a difference, and what those windows see; in strips, so that memory stays bounded
    top, bottom = _widened(int(rows[0]), int(rows[-1]) + 1, height)
    left, right = _widened(int(columns[0]), int(columns[-1]) + 1, width)
    for begin in range(top, bottom, _STRIP):
        end = min(begin + _STRIP, bottom)
        (a, b), (c, d) = _widened(begin, end, height), _widened(left, right, width)
        x, y = (p[a:b, c:d].astype(np.float64) for p in (first, second))
        block = _ssim_block(x, y, value_range)
        found[begin:end, left:right] = block[begin - a : end - a, left - c : right - c]
    return found


def _widened(begin: int, end: int, length: int) -> tuple[int, int]:
    """By the reach of a window."""
    return max(0, begin - _RADIUS), min(length, end + _RADIUS)


def _ssim_block(
    x: Float64[np.ndarray, "H W C"], y: Float64[np.ndarray, "H W C"], value_range: float
) -> Float64[np.ndarray, "H W C"]:
    c1, c2 = (K1 * value_range) ** 2, (K2 * value_range) ** 2
    mx, my = _blurred(x), _blurred(y)
    vx, vy = _blurred(x * x) - mx * mx, _blurred(y * y) - my * my
    vxy = _blurred(x * y) - mx * my
    upper = (2 * mx * my + c1) * (2 * vxy + c2)
    return np.asarray(upper / ((mx * mx + my * my + c1) * (vx + vy + c2)))


def _blurred(values: Float64[np.ndarray, "H W C"]) -> Float64[np.ndarray, "H W C"]:
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    rows = correlate1d(values, weights, axis=0, mode="reflect")
    return np.asarray(correlate1d(rows, weights, axis=1, mode="reflect"))


def _mean(values: Float[np.ndarray, "*h"], mask: Bool[np.ndarray, "*h"] | None) -> float:
    chosen = values.ravel() if mask is None else values[mask]
    if not chosen.size:
        raise ValueError("the mask is empty")
    mean = float(chosen.mean())
    if not math.isfinite(mean):
        raise ValueError("the pictures hold NaN or infinity")
    return mean
