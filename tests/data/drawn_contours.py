"""A face drawn in code with the 189 points of its contours."""

import numpy as np

from headform.data import contours as c


def line(points: np.ndarray, rows: tuple[int, ...], xs: object, ys: object) -> None:
    points[list(rows)] = np.column_stack([np.broadcast_to(xs, len(rows)), np.broadcast_to(ys, len(rows))])


def arc(
    points: np.ndarray,
    rows: tuple[int, ...],
    center: tuple[float, float],
    radii: tuple[float, float],
    ends: tuple[float, float],
) -> None:
    angle = np.radians(np.linspace(*ends, len(rows)))
    line(points, rows, center[0] + radii[0] * np.cos(angle), center[1] - radii[1] * np.sin(angle))


def drawn_contours() -> np.ndarray:
    """(189, 2) pixels in a picture of 200: a face of 60 x 80 about (100, 110), pupils 30 apart."""
    p = np.full((189, 2), 100.0)
    p[0], p[1] = (85, 100), (115, 100)
    arc(p, c.HAIRLINE, (100, 100), (30, 32), (180, 0))
    arc(p, c.HAIR_OUTLINE, (100, 100), (44, 54), (200, -20))
    arc(p, c.JAW, (100, 112), (30, 40), (180, 360))
    for ear, x in zip(c.EAR_FRONT, (70, 130), strict=True):
        line(p, ear, x, np.linspace(100, 112, 5))
    for which, x in enumerate((85, 115)):
        arc(p, c.UPPER_LID[which], (x, 100), (8, 3), (180, 0))
        arc(p, c.LOWER_LID[which], (x, 100), (8, 3), (180, 360))
        line(p, c.BROW_UPPER[which], np.linspace(x - 10, x + 10, 6), 86)
        line(p, c.BROW_LOWER[which], np.linspace(x - 10, x + 10, 4), 90)
    arc(p, c.LIP_OUTER_UPPER, (100, 135), (12, 5), (180, 0))
    arc(p, c.LIP_OUTER_LOWER, (100, 135), (12, 6), (180, 360))
    arc(p, c.LIP_INNER_UPPER, (100, 135), (12, 2), (180, 0))
    arc(p, c.LIP_INNER_LOWER, (100, 135), (12, 2), (180, 360))
    return p
