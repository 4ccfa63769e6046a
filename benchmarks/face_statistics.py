"""Numbers of a face crop that people see: colors, contrasts and sharpness, measured alike on photos and synthetic faces.

S side of the crop. Pixel coordinates have their origin at the top-left corner; lengths are in units of the crop's side.
Luminance is linear (Rec. 709). A* and b* are those of CIE 1976 L*a*b* under D65.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from headform.geometry.landmarks68 import INNER_LIP_PAIRS, LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE, five_points
from headform.images.transfer import LINEAR_FROM_SRGB8

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _XYZ.sum(1)
_CHEEK = 0.055
"""Radius of the disk of skin on each cheek."""
_BROW_REACH = (-0.07, 0.05)
"""Heights beside the points of the brow, up and down the picture, between which the darkest is the brow."""
_CORNER = 0.14
"""Side of the squares at the upper corners of the crop, which mostly show the background."""
_CROWN = (0.06, 0.3)
"""Height and width of the rectangle at the middle of the upper edge, which mostly shows hair."""
MOUTH_OPEN = 0.012
"""Gap of the inner lips from which a mouth counts as open."""


def lab(linear: np.ndarray) -> np.ndarray:
    """Convert (..., 3) linear sRGB to L*, a*, b*."""
    t = linear @ _XYZ.T / _WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def statistics(rgb: np.ndarray, points68: np.ndarray) -> dict[str, float]:
    """Measure one (S, S, 3) sRGB crop with its 68 points, pixels."""
    side = len(rgb)
    linear = LINEAR_FROM_SRGB8[rgb]
    light = linear @ _LUMINANCE
    tone = rgb.astype(np.float64) @ _LUMINANCE / 255
    face = _polygon(points68[[*range(17), *range(26, 16, -1)]], side)
    cheeks = _cheeks(points68, side)
    skin = np.median(linear[cheeks], axis=0)
    skin_light = max(float(skin @ _LUMINANCE), 1e-3)
    skin_lab = lab(skin)
    eyes = _polygon(points68[RIGHT_EYE], side) | _polygon(points68[LEFT_EYE], side)
    lips = _polygon(points68[48:60], side) & ~_polygon(points68[60:68], side)
    lips_lab = np.median(lab(linear[lips]), axis=0)
    corners = _corners(side)
    behind = lab(linear[corners])
    crown = np.zeros((side, side), bool)
    middle = round(side * _CROWN[1] / 2)
    crown[: round(side * _CROWN[0]), side // 2 - middle : side // 2 + middle] = True
    steps = _gradient(tone)
    return {
        "skin_red": float(skin[0]),
        "skin_green": float(skin[1]),
        "skin_blue": float(skin[2]),
        "skin_L": float(skin_lab[0]),
        "skin_a": float(skin_lab[1]),
        "skin_b": float(skin_lab[2]),
        "skin_unevenness": float(lab(linear[cheeks])[:, 0].std()),
        "cheeks_apart": abs(_side_light(light, points68, 0) - _side_light(light, points68, 1)) / skin_light,
        "brow_over_skin": _brow_light(light, points68) / skin_light,
        "eye_white_over_skin": float(np.percentile(light[eyes], 90)) / skin_light,
        "iris_over_skin": float(np.percentile(light[eyes], 10)) / skin_light,
        "eye_L_spread": float(lab(linear[eyes])[:, 0].std()),
        "lip_a_over_skin": float(lips_lab[1] - skin_lab[1]),
        "lip_L_over_skin": float(lips_lab[0] - skin_lab[0]),
        "mouth_gap": mouth_gap(points68) / side,
        "mouth_open": float(mouth_gap(points68) / side > MOUTH_OPEN),
        "face_sharpness": _sharpness(tone, face),
        "cheek_sharpness": _sharpness(tone, cheeks),
        "picture_sharpness": _sharpness(tone, np.ones_like(face)),
        "face_contrast": float(tone[face].std()),
        "picture_contrast": float(tone.std()),
        "picture_saturation": float(np.hypot(*np.moveaxis(lab(linear)[..., 1:], -1, 0)).mean()),
        "darkest": float(np.percentile(tone, 1)),
        "brightest": float(np.percentile(tone, 99)),
        "background_L": float(np.median(behind[:, 0])),
        "background_saturation": float(np.hypot(behind[:, 1], behind[:, 2]).mean()),
        "background_spread": float(behind[:, 0].std()),
        "background_gradient": float(steps[corners].mean()),
        "corners_apart": abs(float(np.diff([tone[corners & h].mean() for h in _halves(side)])[0])),
        "crown_L": float(np.median(lab(linear[crown])[:, 0])),
        "crown_spread": float(lab(linear[crown])[:, 0].std()),
    }


def mouth_gap(points68: np.ndarray) -> float:
    """Mean distance of the facing points of the inner lips, along the line from the eyes to the mouth."""
    right, left, _, a, b = five_points(points68)
    down = (a + b) / 2 - (right + left) / 2
    down /= max(float(np.linalg.norm(down)), 1e-9)
    return float(np.mean([(points68[lower] - points68[upper]) @ down for upper, lower in INNER_LIP_PAIRS]))


def gradients_histogram(rgb: np.ndarray, cells: int = 8, bins: int = 8) -> np.ndarray:
    """Histograms of oriented gradients of a grid of cells, each scaled to unit length, (cells * cells * bins,).

    Dalal and Triggs 2005, without overlapping blocks.
    """
    tone = rgb.astype(np.float64) @ _LUMINANCE / 255
    dy, dx = np.gradient(tone)
    size, angle = np.hypot(dx, dy), np.mod(np.arctan2(dy, dx), math.pi)
    place = np.minimum((angle / math.pi * bins).astype(int), bins - 1)
    step = len(rgb) // cells
    found = np.zeros((cells, cells, bins))
    for k in range(bins):
        part = np.where(place == k, size, 0.0)[: cells * step, : cells * step]
        found[..., k] = part.reshape(cells, step, cells, step).sum((1, 3))
    return np.asarray((found / (np.linalg.norm(found, axis=2, keepdims=True) + 0.05 * step)).ravel())


def _polygon(points: np.ndarray, side: int) -> np.ndarray:
    picture = Image.new("1", (side, side))
    ImageDraw.Draw(picture).polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in points], fill=1, outline=1)
    return np.asarray(picture)


def _cheek_middle(points68: np.ndarray, which: int) -> np.ndarray:
    """Middle of the right or the left cheek: below the eye, beside the nose."""
    eye, nose, corner = ((RIGHT_EYE, 31, 48), (LEFT_EYE, 35, 54))[which]
    lid = points68[eye].mean(0)
    return np.asarray(0.5 * lid + 0.5 * points68[corner] + 0.35 * (lid - points68[nose]) * np.array([1.0, 0.0]))


def _disk(middle: np.ndarray, side: int) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] + 0.5
    middle = np.clip(middle, 0, side - 1)
    return np.asarray(np.hypot(columns - middle[0], rows - middle[1]) < _CHEEK * side)


def _cheeks(points68: np.ndarray, side: int) -> np.ndarray:
    return _disk(_cheek_middle(points68, 0), side) | _disk(_cheek_middle(points68, 1), side)


def _side_light(light: np.ndarray, points68: np.ndarray, which: int) -> float:
    return float(np.median(light[_disk(_cheek_middle(points68, which), len(light))]))


def _brow_light(light: np.ndarray, points68: np.ndarray) -> float:
    """Median along both brows of the darkest luminance near their points, averaged over three pixels."""
    side = len(light)
    smooth = (np.roll(light, 1, 0) + light + np.roll(light, -1, 0)) / 3
    low, high = (round(r * side) for r in _BROW_REACH)
    found = []
    for brow in (RIGHT_BROW, LEFT_BROW):
        line = points68[brow]
        for share in np.linspace(0.1, 0.9, 9):
            k = min(int(share * 4), 3)
            x, y = line[k] + (line[k + 1] - line[k]) * (share * 4 - k)
            rows = np.clip(np.arange(int(y) + low, int(y) + high + 1), 0, side - 1)
            found.append(smooth[rows, int(np.clip(x, 0, side - 1))].min())
    return float(np.median(found))


def _halves(side: int) -> tuple[np.ndarray, np.ndarray]:
    left = np.arange(side) < side / 2
    return np.broadcast_to(left, (side, side)), np.broadcast_to(~left, (side, side))


def _corners(side: int) -> np.ndarray:
    found, reach = np.zeros((side, side), bool), round(side * _CORNER)
    found[:reach, :reach] = found[:reach, side - reach :] = True
    return found


def _gradient(tone: np.ndarray) -> np.ndarray:
    dy, dx = np.gradient(tone)
    return np.asarray(np.hypot(dx, dy))


def _sharpness(tone: np.ndarray, where: np.ndarray) -> float:
    """Root of the mean square of the four-neighbor Laplacian."""
    full = np.pad(tone, 1, mode="edge")
    laplacian = full[:-2, 1:-1] + full[2:, 1:-1] + full[1:-1, :-2] + full[1:-1, 2:] - 4 * tone
    return float(np.sqrt(np.mean(laplacian[where] ** 2)))
