"""Class maps of portraits from hand-placed contours or from landmarks; unknown where they say nothing.

S side of the crop. Pixel coordinates have their origin at the top-left corner. A pixel belongs to a polygon that holds at
least half of it.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, binary_erosion

from headform.data.contours import (
    BROW_LOWER,
    BROW_UPPER,
    EAR_FRONT,
    HAIR_OUTLINE,
    HAIRLINE,
    JAW,
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LOWER_LID,
    PUPILS,
    UPPER_LID,
)
from headform.geometry.face_classes import BACKGROUND, BROWS, EYES, HAIR, LIPS, MOUTH_INSIDE, SKIN, UNKNOWN
from headform.geometry.landmarks68 import INNER_LIP_PAIRS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE, outer_eye_distance

_FINE = 2
_HAIR_BAND = 0.10
"""Width of the unknown band along the outline of the hair, in pupil distances: seven points mark it, and strands pass it."""
_LINE_BAND = 0.03
"""The same along the hairline and the jaw."""
_OPEN = 0.012
"""Mean gap of the lips, in pupil distances, from which the inside of a mouth is drawn: less is the width of the line."""
_BALD = 14.0
"""Difference of the median colors (sRGB, of 255) of forehead and crown below which the crown may be bald: unknown, then."""
_CROWN, _TOP = HAIR_OUTLINE[3:10], HAIR_OUTLINE[4:9]
"""Points of `HAIR_OUTLINE` above the ears, and those of them that never lie beside the head."""
_STUDIO = 28.0
"""Difference of colors (sRGB, of 255) to the wall in the upper corners above which a pixel beyond the outline is unknown:
buns and quiffs pass the outline."""
_FRINGE = 40.0
"""Lack of any color against the median of the skin (sRGB, of 255) from which the forehead may be covered by a fringe, which
the annotated hairline does not follow: unknown, then."""


def classes_of_contours(
    points189: Float[np.ndarray, "189 2"], rgb: UInt8[np.ndarray, "S S 3"]
) -> UInt8[np.ndarray, "S S"]:
    """Draw the classes that the 189 points of an annotated face determine.

    Skin lies within hairline, ears and jaw, hair between hairline and outline above the ears, background beyond it. Ears,
    neck, clothes, and hair below the tops of the ears are unknown.

    Args:
        points189: contours, pixels of the crop.
        rgb: crop, sRGB; tells a bald crown from hair.
    """
    side, p = len(rgb), points189
    unit = float(np.linalg.norm(p[PUPILS[0]] - p[PUPILS[1]]))
    out = np.full((side, side), UNKNOWN, np.uint8)
    tops = p[[HAIRLINE[0], HAIRLINE[-1]]]
    above = np.arange(side)[:, None] + 0.5 < tops[:, 1].min()
    band = max(round(_HAIR_BAND * unit), 1)
    hairline = p[list(HAIRLINE[-2:0:-1])]
    top, crown = p[list(_TOP)], p[list(_CROWN)]
    face = _polygon(p[[*HAIRLINE, *EAR_FRONT[1][1:], *JAW[-2:0:-1], *EAR_FRONT[0][::-1][:-1]]], side)
    hair = _eroded(_polygon([*top, *hairline], side), band // 2) & above & ~face
    color = rgb.astype(np.float64)
    skin = np.median(color[face], axis=0) if face.any() else np.zeros(3)
    if hair.any() and float(np.abs(np.median(color[hair], axis=0) - skin).max()) < _BALD:
        hair[:] = False
    beyond = above & ~binary_dilation(_polygon([*crown, tops[1], tops[0]], side) | face, iterations=band)
    wall = np.concatenate([color[: side // 8, : side // 8], color[: side // 8, -side // 8 :]]).reshape(-1, 3)
    out[beyond & (np.abs(color - np.median(wall, axis=0)).max(2) < _STUDIO)] = BACKGROUND
    brows = p[[k for line in BROW_UPPER for k in line], 1].min()
    fringe = ((skin - color).max(2) > _FRINGE) & (np.arange(side)[:, None] < brows)
    face &= ~binary_dilation(fringe, iterations=2)
    out[hair] = HAIR
    out[_eroded(face, max(round(_LINE_BAND * unit), 1))] = SKIN
    for which in range(2):
        out[_polygon(p[[*BROW_UPPER[which], *BROW_LOWER[which][::-1]]], side)] = BROWS
        out[_polygon(p[[*UPPER_LID[which], *LOWER_LID[which][::-1]]], side)] = EYES
    out[_polygon(p[[*LIP_OUTER_UPPER, *LIP_OUTER_LOWER[::-1]]], side)] = LIPS
    gap = float((p[list(LIP_INNER_LOWER[1:-1]), 1] - p[list(LIP_INNER_UPPER[1:-1]), 1]).mean())
    if gap > _OPEN * unit:
        out[_polygon(p[[*LIP_INNER_UPPER, *LIP_INNER_LOWER[::-1]]], side)] = MOUTH_INSIDE
    return out


def classes_of_landmarks(
    points68: Float[np.ndarray, "68 2"], trusted: Bool[np.ndarray, "68"], side: int
) -> UInt8[np.ndarray, "S S"]:
    """Draw eyes, lips and the inside of the mouth where all of their landmarks are trusted; all else is unknown."""
    out = np.full((side, side), UNKNOWN, np.uint8)
    for eye in (RIGHT_EYE, LEFT_EYE):
        if trusted[eye].all():
            out[_polygon(points68[eye], side)] = EYES
    if trusted[48:68].all():
        out[_polygon(points68[OUTER_LIPS], side)] = LIPS
        gap = float(np.mean([points68[lower, 1] - points68[upper, 1] for upper, lower in INNER_LIP_PAIRS]))
        if gap > _OPEN * outer_eye_distance(points68):
            out[_polygon(points68[60:68], side)] = MOUTH_INSIDE
    return out


def _polygon(corners: Sequence[np.ndarray] | np.ndarray, side: int) -> Bool[np.ndarray, "S S"]:
    """Mask the pixels of which at least half lies within a polygon."""
    picture = Image.new("L", (_FINE * side, _FINE * side))
    if len(corners) >= 3:
        places = [(float(x) * _FINE - 0.5, float(y) * _FINE - 0.5) for x, y in corners]
        ImageDraw.Draw(picture).polygon(places, fill=1)
    return np.asarray(picture).reshape(side, _FINE, side, _FINE).mean((1, 3)) >= 0.5


def _eroded(mask: Bool[np.ndarray, "S S"], by: int) -> Bool[np.ndarray, "S S"]:
    return np.asarray(binary_erosion(mask, iterations=by)) if by > 0 else mask
