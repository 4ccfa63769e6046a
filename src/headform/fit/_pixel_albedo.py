"""Albedo of a pixel, as far as it is skin or hair: no crease of a fold, no shine, no skin that glows through hair.

The smooth albedo that fills a head where its photo does not show it is the measure. Skin has spots that are darker, but
hardly any that are brighter, since freckles, moles and hair are all darker; what is brighter is a highlight that the nine
harmonics of the light cannot express. And hair has less color than skin; the contrast of a photo tints orange what lies
between hairs.
"""

import typing

import numpy as np

from headform.kernels.jit import njit

FUSED = {"contract", "arcp"}
"""What the compiler may do: add products without rounding between, and multiply by the inverse of a common divisor. It may
not assume that every number is one."""
PORE, PORES_KEPT = np.float32(0.06), np.float32(0.7)
"""Difference from the photo around up to which the finest detail of a fold is pores, relative to it, and the share of it
that is kept; twice that is a crease, of which nothing is."""
SHINE, SHINE_KEPT = np.float32(0.05), np.float32(0.3)
"""Brightness beyond the fill's, relative to it, from which bare skin shines, and the share of the rest that is kept."""
GLOW = np.float32(0.1)
"""Redness beyond the fill's, relative to red, from which a pixel in hair has the fill's hue."""
_LEAST = np.float32(1e-3)


@njit(fastmath=FUSED, cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def unfolded(albedo, fill, pixel, around, folds):
    """Return one channel of a pixel's albedo, as far as it is a fold that of the fill with the photo's pores.

    Args:
        albedo: its albedo as it is.
        fill: smooth albedo there.
        pixel: color of the photo.
        around: the same without its finest detail.
        folds: share of folds, 0 to 1.
    """
    if folds <= 0:  # most pixels
        return albedo
    fine = pixel / max(around, _LEAST) - np.float32(1)
    # a crease fades instead of being cut off at the depth of a pore: as a line, even that is seen
    fine *= max(min(np.float32(2) - abs(fine) / PORE, np.float32(1)), np.float32(0))
    return albedo + folds * (fill * (np.float32(1) + PORES_KEPT * fine) - albedo)


@njit(fastmath=FUSED, cache=True, nogil=True, borrowed=True, forceinline=True, error_model="numpy")
@typing.no_type_check
def matt(red, green, blue, fill, hair):
    """Return the albedo (3) of a pixel, as far as it is bare skin without shine, and as far as it is hair without glow.

    Args:
        red: photo divided by its light, red.
        green: the same, green.
        blue: the same, blue.
        fill: smooth albedo there, three channels.
        hair: share of hair, 0 to 1.
    """
    brightness = (red + green + blue) / max(fill[0] + fill[1] + fill[2], _LEAST)
    excess, kept = brightness - np.float32(1), np.float32(1)
    if excess > SHINE:
        kept = (SHINE + SHINE_KEPT * (excess - SHINE)) / excess
        kept += hair * (np.float32(1) - kept)
    glow = (red - brightness * fill[0]) / max(red, _LEAST)
    drawn = hair * min(max(glow / GLOW, np.float32(0)), np.float32(1))
    red += drawn * (brightness * fill[0] - red)
    green += drawn * (brightness * fill[1] - green)
    blue += drawn * (brightness * fill[2] - blue)
    return fill[0] + kept * (red - fill[0]), fill[1] + kept * (green - fill[1]), fill[2] + kept * (blue - fill[2])
