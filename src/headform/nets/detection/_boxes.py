"""Boxes of faces: non-maximum suppression and validity.

N boxes as x0, y0, x1, y1 in pixels; continuous coordinates, so a side is x1 - x0.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

_MOST = 3000  # boxes


def suppress(
    boxes: Float[np.ndarray, "N 4"],
    scores: Float[np.ndarray, " N"],
    limit: float,
) -> Int[np.ndarray, " K"]:
    """Greedy non-maximum suppression.

    Args:
        boxes: Boxes.
        scores: Confidence of each box; only the best 3,000 are considered.
        limit: Greatest intersection over union with a better box that is kept.

    Returns:
        Indices of the boxes that are kept, best first.
    """
    order = np.argsort(-scores, kind="stable")[:_MOST]
    x0, y0, x1, y1 = boxes[order].T
    area = (x1 - x0) * (y1 - y0)
    keep: list[int] = []
    left = np.arange(len(order))
    while len(left):
        best, left = left[0], left[1:]
        keep.append(int(order[best]))
        width = np.minimum(x1[best], x1[left]) - np.maximum(x0[best], x0[left])
        height = np.minimum(y1[best], y1[left]) - np.maximum(y0[best], y0[left])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        whole = area[best] + area[left] - common
        left = left[common <= limit * whole]
    return np.array(keep, int)


def is_valid(boxes: Float[np.ndarray, "N 4"], most: float) -> Bool[np.ndarray, " N"]:
    """Mark the boxes that are finite, at least two pixels wide and high, and no larger than `most`."""
    sides = boxes[:, 2:] - boxes[:, :2]
    inside = (sides >= 2).all(1) & (sides <= most).all(1)
    good: Bool[np.ndarray, " N"] = inside & np.isfinite(boxes).all(1)
    return good
