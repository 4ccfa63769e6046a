"""Detection of an open mouth from the shape of a predicted head.

V vertices, F triangles, S samples of the profile. Neutral heads are what the protocols ask for; expression left in a
prediction is the commonest mistake.
"""

import numpy as np
from jaxtyping import Float, Float64, Int

from headform.evaluate.scan.landmarks7 import face_frame

STEP = 0.25
"""Millimeters between samples of the profile."""

GAP = 5.0
"""Millimeters of height over which the foremost surface must be missing or deep to count as an open mouth."""

DEPTH = 8.0
"""Millimeters behind the line of the mouth corners that count as deep; closed lips lie in front of it."""


def mouth_gap(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    landmarks: Float[np.ndarray, "7 3"],
) -> float:
    """Height of the opening between the lips on the face's middle line, in millimeters; 0 where there is none.

    The plane through the middle of the mouth, across the line of its corners, cuts the mesh in a profile. From the nose
    bottom down to one and a half nose-to-mouth heights below the corners, closed lips and chin lie in front of the
    corners. The longest run where the foremost surface is `DEPTH` behind them or missing, with surface in front both
    above and below it, is the opening. A mesh that ends at the mouth has none, nor one whose lips are sewn together.

    Args:
        vertices: millimeters.
        faces: indices.
        landmarks: (7, 3) in the frame of the vertices, in the protocol's order.
    """
    axes = face_frame(landmarks)
    if np.linalg.det(np.stack([landmarks[4] - landmarks[:4].mean(0), axes[:, 0], axes[:, 1]])) < 0:
        axes = axes * np.array([1.0, 1.0, -1.0])  # a mirrored face looks backwards in its own axes
    middle = (landmarks[5] + landmarks[6]) / 2
    local = (vertices - middle) @ axes
    height = float(((landmarks[4] - middle) @ axes)[1])
    y = np.arange(-max(1.5 * height, 30.0), height, STEP)
    depth = _foremost(local[faces], y)
    front = depth > -DEPTH
    if not front.any():
        return 0.0
    first, last = np.flatnonzero(front)[[0, -1]]
    longest = run = 0
    for solid in front[first : last + 1]:
        run = 0 if solid else run + 1
        longest = max(longest, run)
    return longest * STEP


def _foremost(corners: Float64[np.ndarray, "F 3 3"], y: Float64[np.ndarray, " S"]) -> Float64[np.ndarray, " S"]:
    """Greatest z of the section x = 0 at every height; -inf where there is none."""
    side = corners[..., 0] >= 0
    cut = corners[side.any(1) & ~side.all(1)]
    depth = np.full(len(y), -np.inf)
    for triangle in cut:
        ends = []
        for a, b in ((0, 1), (1, 2), (2, 0)):
            p, q = triangle[a], triangle[b]
            if (p[0] >= 0) != (q[0] >= 0):
                ends.append(p + (q - p) * (p[0] / (p[0] - q[0])))
        low, high = sorted(ends, key=lambda end: end[1])
        at = slice(*np.searchsorted(y, [low[1], high[1]]))
        if at.start < at.stop:
            share = (y[at] - low[1]) / (high[1] - low[1])
            depth[at] = np.maximum(depth[at], low[2] + share * (high[2] - low[2]))
    return depth
