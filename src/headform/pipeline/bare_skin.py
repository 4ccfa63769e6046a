"""Bare skin in a photo: what may be painted on a head, which turns, opens its mouth and shuts its eyes.

H W of the photo, N cells of the map. Pixels have their origin at the top-left corner.
"""

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from scipy.ndimage import gaussian_filter, grey_dilation, label

from headform.geometry.face_classes import (
    BACKGROUND,
    BROWS,
    CLOTHES,
    EYES,
    GLASSES,
    HAIR,
    HAT,
    LIPS,
    MOUTH_INSIDE,
    OCCLUDER,
    SKIN,
)
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.images.warp import warp
from headform.nets.parsing_predictor import ParsedFace

SURE = (0.12, 0.4)
"""Probabilities of other classes between which the trust that a pixel shows bare skin falls from 1 to 0."""
WIDENED = {(HAIR,): 5, (GLASSES,): 7, (BACKGROUND, HAT, OCCLUDER, CLOTHES): 3, (EYES,): 3, (MOUTH_INSIDE,): 3}
"""Classes that no skin may be colored with, and the side of the square over which each is widened, cells: frames throw
shadows, hair ends in single hairs."""
SOFT = 1.2
"""Standard deviation by which the trust is smoothed, cells: a hard edge would show in the texture."""
STRANDS = 17
"""Side of the square around hair in which strands are looked for, cells: three centimeters to each side."""
BEARD, BEARD_REACH = (0.85, 0.99), 0.9
"""Probabilities of hair between which what grows around the mouth is no beard of the skin, and how far that reaches from the
middle of the lips to both sides and up, in widths of the lips."""
TOLD_APART = 0.3
"""Distance of the hues of hair and skin, natural logarithms of red and blue by green, from which strands are told by hue."""
HAIR_HUE = (0.45, 0.8)
"""Way from the hue of the skin to that of the hair between which a cell is taken for a strand."""
BEARDED = 0.15
"""Share of the skin of the chin in the hue of the hair from which a face has a beard: 0.33 to 0.55 of three, up to 0.02 of
others."""


def bare_skin_in_photo(parsed: ParsedFace, rgb: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "H W"]:
    """Return the trust in [0, 1] that each pixel shows bare skin, brows or lips; 1 beyond the parsed crop.

    Args:
        parsed: The parsed face.
        rgb: Photo, sRGB.
    """
    others, beard = strands(parsed, rgb), _beard_zone(parsed)
    for classes, side in WIDENED.items():
        own = parsed.probability[list(classes)].sum(0)
        if HAIR in classes:
            own = np.where(beard, _ramp(own, *BEARD), own).astype(np.float32)
        widened = _ramp(grey_dilation(own, (side, side), mode="nearest"), *SURE)
        if GLASSES in classes:
            widened *= 1 - parsed.probability[BROWS]  # which show above the frames
        np.maximum(others, widened, out=others)
    hidden = gaussian_filter(others, SOFT, mode="nearest").astype(np.float32)
    return np.asarray(1 - parsed.in_photo(hidden, (rgb.shape[1], rgb.shape[0])), np.float32)


def strands(parsed: ParsedFace, rgb: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "N N"]:
    """Find strands that were parsed as skin: cells near hair, or joined to it, with the hue of the hair, 0 to 1.

    Light hardly changes a hue, so that skin in the shadow of the hair remains skin. Nothing is found where hair and skin
    have one hue.
    """
    probability = parsed.probability
    side = probability.shape[1]
    hair, skin = probability[HAIR] > 0.8, probability[SKIN] > 0.8
    if min(hair.sum(), skin.sum()) < side:
        return np.zeros((side, side), np.float32)
    hue = _hue(warp(rgb, np.ascontiguousarray(parsed.crop), side))
    own, other = np.median(hue[skin], axis=0), np.median(hue[hair], axis=0)
    apart = float(np.linalg.norm(other - own))
    if apart < TOLD_APART:
        return np.zeros((side, side), np.float32)
    way = ((hue - own) @ (other - own)) / apart**2
    found = _ramp(way, *HAIR_HUE)
    for features, side in ((BROWS, 5), (LIPS, 5), (EYES, 9)):
        found *= 1 - np.minimum(2 * grey_dilation(probability[features], (side, side), mode="nearest"), 1)
    near = grey_dilation(probability[HAIR] > 0.5, (STRANDS, STRANDS), mode="nearest")
    zone, chin = _beard_zone(parsed), _chin(parsed)
    if (found[chin] > 0.5).sum() > BEARDED * max(chin.sum(), 1):
        found *= near & ~zone  # sideburns join beard and hair
    else:
        found *= near | _joined(found > 0.5, hair)
    return np.asarray(grey_dilation(found, (3, 3), mode="nearest"), np.float32)


def _joined(cells: Bool[np.ndarray, "N N"], seeds: Bool[np.ndarray, "N N"]) -> Bool[np.ndarray, "N N"]:
    """Mask the groups of cells that touch a seed."""
    groups, count = label(cells | seeds)
    touched = np.zeros(count + 1, bool)
    touched[groups[seeds]] = True
    return np.asarray(touched[groups] & cells)


def _beard_zone(parsed: ParsedFace) -> Bool[np.ndarray, "N N"]:
    """Mask the cells around lips and chin, in a crop in which the face is upright."""
    lips = parsed.probability[LIPS] > 0.5
    if not lips.any():
        return np.zeros(lips.shape, bool)
    rows, columns = np.nonzero(lips)
    width = float(np.ptp(columns)) + 1
    y, x = np.indices(lips.shape)
    return np.asarray((np.abs(x - columns.mean()) < BEARD_REACH * width) & (y > rows.mean() - BEARD_REACH * width))


def _chin(parsed: ParsedFace) -> Bool[np.ndarray, "N N"]:
    """Mask the skin of the beard's zone below the lips."""
    skin = _beard_zone(parsed) & (parsed.probability[SKIN] > 0.8)
    rows = np.nonzero(parsed.probability[LIPS] > 0.5)[0]
    skin[: int(rows.mean()) if len(rows) else 0] = False
    return skin


def _hue(rgb: UInt8[np.ndarray, "N N 3"]) -> Float64[np.ndarray, "N N 2"]:
    linear = gaussian_filter(LINEAR_FROM_SRGB8[rgb].astype(np.float64), (0.7, 0.7, 0)) + 0.004
    return np.asarray(np.log(linear[..., [0, 2]] / linear[..., 1:2]))


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    x = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(x * x * (3 - 2 * x), np.float32)
