"""Classes of the pixels of an annotated portrait, as far as its contours and its even backdrop tell them.

H W of the photo.

The contours close around face, brows, eyes, lips and mouth. Hair has none: the annotators' outline of the head runs over
short hair and through tall hair. Hair is therefore what lies above the ears' upper ends, outside of the hairline, and is not
the color of the studio's backdrop. Beards belong to the skin, as everywhere. Ears, neck, clothes, hair below the ears and
fringes are unknown.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import binary_dilation, distance_transform_edt, gaussian_filter
from scipy.ndimage import label as label_parts

from headform.data.backdrop import backdrop_masks
from headform.data.contours import (
    BROW_LOWER,
    BROW_UPPER,
    EAR_FRONT,
    EAR_RIM,
    FACE,
    HAIR_OUTLINE,
    HAIRLINE,
    JAW,
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LOWER_LID,
    UPPER_LID,
    AnnotatedFace,
)
from headform.geometry.face_classes import BACKGROUND, BROWS, EYES, HAIR, LIPS, MOUTH_INSIDE, SKIN, UNKNOWN

CROWN = HAIR_OUTLINE[3:10]
"""Points of the outline of the hair over the crown; the others lie beside ears and neck, off the hair."""
EAR_MARGIN = 0.08
"""Width around the ears' contours in which nothing is known, in distances of the pupils: hair lies over ears."""
FRINGE = 40.0
"""Lack of any color against the median of the face (sRGB levels) from which the forehead may be covered by a fringe, across
which the annotated hairline runs: unknown, then."""
_BESIDE = 0.03
"""Width of the unknown border of a fringe, in distances of the pupils."""
OPEN = 0.012
"""Mean gap of the lips, in distances of the pupils, from which a mouth has an inside: less is the width of the line."""
BAND = 0.03
"""Half the width of the unknown band along the face's outline, in distances of the pupils, for classes that teach: the
contours are no finer."""
_FEATURES = (
    *((BROWS, (*upper, *lower[-2:0:-1])) for upper, lower in zip(BROW_UPPER, BROW_LOWER, strict=True)),
    *((EYES, (*upper, *lower[-2:0:-1])) for upper, lower in zip(UPPER_LID, LOWER_LID, strict=True)),
    (LIPS, (*LIP_OUTER_UPPER, *LIP_OUTER_LOWER[-2:0:-1])),
    (MOUTH_INSIDE, (*LIP_INNER_UPPER, *LIP_INNER_LOWER[-2:0:-1])),
)


def inside_polygon(points: Float[np.ndarray, "N 2"], shape: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Mask the pixels of a picture (height, width) whose centers lie in a closed polygon (even-odd rule)."""
    out = np.zeros(shape, bool)
    size = np.array(shape[::-1])
    low = np.clip(np.floor(points.min(0)), 0, size).astype(int)
    high = np.clip(np.ceil(points.max(0)), 0, size).astype(int)
    x = np.arange(low[0], high[0])[None] + 0.5
    y = np.arange(low[1], high[1])[:, None] + 0.5
    part = np.zeros((high[1] - low[1], high[0] - low[0]), bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
        if y0 != y1:
            part ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    out[low[1] : high[1], low[0] : high[0]] = part
    return out


def contour_classes(
    face: AnnotatedFace, rgb: UInt8[np.ndarray, "H W 3"], *, band: float = 0.0
) -> UInt8[np.ndarray, "H W"]:
    """Compute the class of each pixel of an upright portrait before an even backdrop; unknown where nothing tells.

    Args:
        face: Its contours.
        rgb: The photo, sRGB.
        band: Half the width of the unknown band along the outline of the face, in distances of the pupils.
    """
    shape = rgb.shape[0], rgb.shape[1]

    def region(ids: tuple[int, ...]) -> Bool[np.ndarray, "H W"]:
        return inside_polygon(face.points[list(ids)], shape)

    backdrop, front = backdrop_masks(rgb)
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    out = np.full(shape, UNKNOWN, np.uint8)
    above_chin = rows < face.points[list(JAW), 1].max()
    edge = np.zeros(shape, bool)
    edge[0], edge[:, 0], edge[:, -1] = True, True, True
    out[_joined(backdrop & above_chin, edge)] = BACKGROUND
    out[_joined(front & _above_ears(face, rows, columns), hair_band(face, shape))] = HAIR
    ears = region((*EAR_RIM[0], *EAR_FRONT[0][-2:0:-1])) | region((*EAR_RIM[1], *EAR_FRONT[1][-2:0:-1]))
    if ears.any():
        out[distance_transform_edt(~ears) < EAR_MARGIN * face.pupil_distance] = UNKNOWN
    inner = region(FACE)
    skin = np.median(rgb[inner], axis=0) if inner.any() else np.zeros(3)
    out[inner] = SKIN
    brows = face.points[[k for line in BROW_UPPER for k in line], 1].min()
    smooth = gaussian_filter(rgb.astype(np.float32), (1.0, 1.0, 0.0))
    fringe = inner & (rows < brows) & ((skin - smooth).max(2) > FRINGE)
    out[inner & binary_dilation(fringe, iterations=max(round(_BESIDE * face.pupil_distance), 1))] = UNKNOWN
    if band > 0:
        away = np.where(inner, distance_transform_edt(inner), distance_transform_edt(~inner))
        out[away < band * face.pupil_distance] = UNKNOWN
    for label, ids in _FEATURES:
        if label != MOUTH_INSIDE or _lip_gap(face) > OPEN * face.pupil_distance:
            out[region(ids)] = label
    return out


def hair_band(face: AnnotatedFace, shape: tuple[int, int]) -> Bool[np.ndarray, "H W"]:
    """Mask the pixels between the hairline and the upper part of the head's outline, as annotated."""
    ring = (*HAIRLINE[1:-1], *CROWN[::-1])
    return inside_polygon(face.points[list(ring)], shape)


def _lip_gap(face: AnnotatedFace) -> float:
    """Measure the mean height between the inner lips, pixels."""
    upper, lower = (face.points[list(ids[1:-1]), 1] for ids in (LIP_INNER_UPPER, LIP_INNER_LOWER))
    return float((lower - upper).mean())


def _joined(mask: Bool[np.ndarray, "H W"], seed: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """Keep the connected parts of a mask that share a pixel with another."""
    parts, _count = label_parts(mask)
    return np.asarray(mask & np.isin(parts, np.unique(parts[seed & mask])))


def _above_ears(
    face: AnnotatedFace, rows: Float[np.ndarray, "H W"], columns: Float[np.ndarray, "H W"]
) -> Bool[np.ndarray, "H W"]:
    """Mask the pixels above the line through the upper ends of both ears' fronts."""
    (x0, y0), (x1, y1) = face.points[HAIRLINE[0]], face.points[HAIRLINE[-1]]
    slope = (y1 - y0) / (x1 - x0) if x1 != x0 else 0.0
    return np.asarray(rows < y0 + slope * (columns - x0))
