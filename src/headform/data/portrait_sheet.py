"""Sheets of prepared portraits for looking: pictures, landmarks and classes."""

import numpy as np
from jaxtyping import UInt8

from headform.data.portraits import Portrait, Portraits
from headform.geometry.face_classes import FACE_CLASSES

_COLORS = np.array(
    [
        (60, 60, 60), (230, 180, 150), (120, 60, 20), (255, 255, 255), (230, 40, 80), (110, 0, 0),
        (250, 200, 0), (0, 220, 220), (160, 0, 200), (0, 160, 60), (200, 120, 90), (40, 60, 200),
    ],
    np.uint8,
)  # fmt: skip
"""sRGB of each of `FACE_CLASSES`."""


def draw_labels(portrait: Portrait) -> UInt8[np.ndarray, "S S 3"]:
    """Draw landmarks (green; red where not trusted; white where placed by hand), visible surface points and classes."""
    side = len(portrait.rgb)
    picture = portrait.rgb.copy()
    known = portrait.classes < len(FACE_CLASSES)
    picture[known] = (picture[known] // 2) + _COLORS[portrait.classes[known]] // 2
    marks = [(point, (60, 200, 255)) for point in portrait.dense[portrait.visible & portrait.trusted]]
    for point, trusted, placed in zip(portrait.points68, portrait.trusted68, portrait.annotated68, strict=True):
        marks.append((point, (255, 255, 255) if placed else (60, 255, 60) if trusted else (255, 0, 0)))
    for (x, y), color in marks:
        column, row = int(x), int(y)
        if 0 < column < side - 1 and 0 < row < side - 1:
            picture[row : row + 2, column : column + 2] = color
    return picture


def portrait_sheet(
    portraits: Portraits, *, most: int = 48, columns: int = 8, side: int = 192
) -> UInt8[np.ndarray, "H W 3"]:
    """Tile portraits spread evenly over the folder, plain beside labelled.

    Args:
        portraits: what is shown.
        most: greatest number of portraits.
        columns: pictures per row; even.
        side: side of each picture, pixels.
    """
    chosen = np.unique(np.linspace(0, len(portraits) - 1, min(most, len(portraits))).astype(int))
    tiles = []
    for number in chosen:
        portrait = portraits[int(number)].cut(side)
        tiles += [portrait.rgb, draw_labels(portrait)]
    tiles += [np.zeros((side, side, 3), np.uint8)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], axis=1) for k in range(0, len(tiles), columns)]
    return np.concatenate(rows)
