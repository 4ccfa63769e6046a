"""Choose the dense landmark set of a head: the 68 iBUG points, the pupils and evenly spread skin points, in mirror pairs.

V vertices, N dense points.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.geometry.landmarks68 import eyes_and_mouth

PAIRS, MIDLINE = 125, 16
_FEATURE_CM, _FEATURE_DENSITY = 2.8, 2.0
"""Within this distance of eyes and mouth, where shape carries most, points are twice as dense."""
_OFF_MIDLINE_CM = 0.25
"""Smallest distance of a paired point from the plane of symmetry."""


def choose_dense(
    vertices: Float[np.ndarray, "V 3"],
    mirror: Int[np.ndarray, " V"],
    candidates: Bool[np.ndarray, " V"],
    landmarks: Int[np.ndarray, "68"],
    pupils: tuple[int, int],
) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
    """Sample farthest points, taking a vertex and its mirror image together.

    Args:
        vertices: Mean shape in centimeters.
        mirror: Vertex on the other side of each.
        candidates: Mask of the vertices to choose from (the skin of the face).
        landmarks: The 68 iBUG vertices, which come first.
        pupils: The subject's right and left pupil, which come last.

    Returns:
        Vertex indices (68 + 2 x PAIRS + MIDLINE + 2) and the position in that list of each point's mirror image.
    """
    marks = vertices[landmarks]
    centers = eyes_and_mouth(marks)
    near = np.linalg.norm(vertices[:, None] - centers, axis=2).min(1)
    density = np.where(near < _FEATURE_CM, _FEATURE_DENSITY, 1.0)
    chosen = list(landmarks)
    gap = np.full(len(vertices), np.inf)

    def take(index: int) -> None:
        np.minimum(gap, np.linalg.norm(vertices - vertices[index], axis=1), out=gap)
        chosen.append(index)

    for index in landmarks:
        np.minimum(gap, np.linalg.norm(vertices - vertices[index], axis=1), out=gap)
    midline = candidates & (mirror == np.arange(len(vertices)))
    for _ in range(MIDLINE):
        take(int(np.argmax(np.where(midline, gap, -1))))
    right = candidates & (vertices[:, 0] < -_OFF_MIDLINE_CM)
    for _ in range(PAIRS):
        index = int(np.argmax(np.where(right, gap * density, -1)))
        take(index)
        take(int(mirror[index]))
    chosen += pupils
    place = {int(v): n for n, v in enumerate(chosen)}
    return np.asarray(chosen), np.asarray([place[int(mirror[v])] for v in chosen])
