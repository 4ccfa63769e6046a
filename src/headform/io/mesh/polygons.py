"""Polygons of mesh files as triangle fans, all at once.

P polygons, C corners of all of them, F triangles.
"""

import numpy as np
from jaxtyping import Int64, Integer

MAX_CORNERS = 100_000
"""Most corners of a polygon; the largest of real meshes, caps of scans, have some thousand."""
_PIECE = 1 << 18
"""Corners that are taken at once, so that places of corners take little memory beside the triangles."""


def fans(corners: Integer[np.ndarray, " C"], counts: Integer[np.ndarray, " P"]) -> Int64[np.ndarray, "F 3"]:
    """Return the triangles of all polygons; a fan starts at the first corner of its polygon.

    Args:
        corners: Indices of the corners, polygon after polygon.
        counts: Corners of each polygon, at least 3; their sum is C.
    """
    if len(counts) and counts.min() == counts.max() == 3:
        return corners.astype(np.int64).reshape(-1, 3)
    ends = np.cumsum(counts, dtype=np.int64)
    faces = np.empty((len(corners) - 2 * len(counts), 3), np.int64)
    first = 0
    while first < len(counts):
        begin = int(ends[first]) - int(counts[first])
        last = max(int(np.searchsorted(ends, begin + _PIECE)), first + 1)
        part = counts[first:last].astype(np.int64) - 2
        starts = ends[first:last] - part - 2
        origin = np.repeat(starts, part)
        out = faces[begin - 2 * first : int(ends[last - 1]) - 2 * last]
        # in a polygon, the second corner of triangle k is corner k + 1; each polygon has two corners more than triangles
        second = np.arange(1, len(origin) + 1) + np.repeat(begin + 2 * np.arange(last - first), part)
        out[:, 0], out[:, 1], out[:, 2] = corners[origin], corners[second], corners[second + 1]
        first = last
    return faces
