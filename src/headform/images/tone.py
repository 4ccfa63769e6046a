"""Tone-mapped copies of photos that are too dark, too flat or against the light for a detector.

Only networks look at the copies; textures come from the photo. H rows, W columns.
"""

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from headform.images._tiles import tile_curves, tile_weights

_DARKEST, _BRIGHTEST = 0.5, 99.5
"""Percentiles of luma that the stretch maps to black and white; the rest may be a lamp or a frame."""
_MIDDLE = 0.42
"""Median of luma after the stretch, of 1: that of an ordinary portrait."""
_GAMMAS = (0.35, 1.6)
"""Range of the exponent that moves the median there."""
_STRIP = 512
"""Rows that are equalized at once, which bounds memory."""

VERY_DARK = 40
"""Luma, of 255, that 99 % of a very dark photo's pixels do not reach; also the greatest range of a flat photo's."""
_DARK_SHARE, _DARK_LUMA = 0.75, 32  # of the pixels; luma
_WHITE_SHARE, _WHITE_LUMA = 0.4, 245


def tone_mapped(rgb: UInt8[np.ndarray, "H W 3"]) -> Iterator[tuple[str, UInt8[np.ndarray, "H W 3"]]]:
    """Yield tone-mapped copies, each with the name of its kind, the gentlest first; none of a photo of one gray.

    The first is stretched between percentiles, with a gamma that brings the median where a portrait has it. In the second
    the histogram of each sixteenth of the photo is equalized, with limited slope (Zuiderveld 1994, "Contrast Limited
    Adaptive Histogram Equalization"), which lifts a face in shadow beside a bright window.
    """
    luma = np.asarray(Image.fromarray(rgb).convert("L"))
    low, high = np.percentile(luma, [_DARKEST, _BRIGHTEST])
    if high - low >= 1:
        yield "stretched", _stretched(rgb, luma, float(low), float(high))
    if luma.max() > luma.min():
        yield "locally equalized", _equalized(rgb, luma)


def exposure_fault(rgb: UInt8[np.ndarray, "H W 3"]) -> str | None:
    """Describe a photo that is very dark, over-exposed or flat, as the end of a sentence; None for all others."""
    luma = np.asarray(Image.fromarray(rgb).convert("L"))
    low, high = np.percentile(luma, [1.0, 99.0])
    if high < VERY_DARK:
        return "the photo is very dark"
    if (luma >= _WHITE_LUMA).mean() > _WHITE_SHARE:
        return "the photo is over-exposed"
    if high - low < VERY_DARK:
        return "the photo has hardly any contrast"
    if (luma < _DARK_LUMA).mean() > _DARK_SHARE:
        return "most of the photo is very dark"
    return None


def _stretched(
    rgb: UInt8[np.ndarray, "H W 3"], luma: UInt8[np.ndarray, "H W"], low: float, high: float
) -> UInt8[np.ndarray, "H W 3"]:
    level = np.clip((np.arange(256) - low) / (high - low), 0, 1)
    middle = min(max(float(np.median(level[luma])), 0.02), 0.98)
    gamma = min(max(math.log(_MIDDLE) / math.log(middle), _GAMMAS[0]), _GAMMAS[1])
    return np.rint(255 * level**gamma).astype(np.uint8)[rgb]


def _equalized(rgb: UInt8[np.ndarray, "H W 3"], luma: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Scale each pixel's color so that its luma is that of the equalized luma."""
    curves = tile_curves(luma)
    height, width = luma.shape
    columns, right = tile_weights(width, curves.shape[1])
    rows, below = tile_weights(height, curves.shape[0])
    copy = np.empty_like(rgb)
    for start in range(0, height, _STRIP):
        part = slice(start, start + _STRIP)
        gray, row, down = luma[part], rows[part, None], below[part, None]

        def curve(r: int, c: int, gray: np.ndarray = gray, row: np.ndarray = row) -> Float32[np.ndarray, "h W"]:
            return curves[row + r, columns[None] + c, gray]

        above = curve(0, 0) * (1 - right) + curve(0, 1) * right
        under = curve(1, 0) * (1 - right) + curve(1, 1) * right
        gain = (above * (1 - down) + under * down + 1) / (gray + np.float32(1))
        copy[part] = np.clip(rgb[part] * gain[..., None] + 0.5, 0, 255)
    return copy
