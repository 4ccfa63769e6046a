"""Offset of the jaw landmarks to the annotators' convention: the outline of the face, seen from the front.

V vertices, F triangles.

ICT's seventeen jaw vertices lie on the jaw's skin, some of them well inside its outline: at the chin the surface faces
forward for several more millimeters before it turns away. The 68-point scheme (Sagonas et al., "300 Faces in-the-Wild
Challenge", 2013) marks the outline. So each jaw point is moved outwards, within the plane through the viewing direction, to
the farthest point of the face surface in its own direction. Geometry alone decides; no photo is used.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.geometry.landmarks68 import JAW

_CENTER_CM = np.array([0.0, -1.0])
"""Point of the frontal view from which the directions of the jaw points are taken."""
_HALF_WIDTH_CM = 0.45
"""Half the width of the strip that is searched."""
_DEPTH_CM = 1.6
"""Largest difference in depth: behind the jaw, the same direction meets the neck."""
_RIM_CM = 0.03
"""Samples this close to the farthest one give the depth of the outline."""


def jaw_outline_offset(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    face_skin: Bool[np.ndarray, " V"],
    landmarks: Float[np.ndarray, "68 3"],
) -> Float[np.ndarray, "68 3"]:
    """Return the displacements of the 68 points to the annotators' convention: symmetric, zero except at the jaw.

    Args:
        vertices: Mean shape, centimeters.
        faces: Triangles.
        face_skin: Mask of the outer skin without the ears.
        landmarks: Surface points, centimeters.

    Returns:
        Displacements in centimeters.
    """
    samples = _surface_samples(vertices, faces[face_skin[faces].all(1)])
    offset = np.zeros((68, 3))
    for j in range(JAW.stop):
        mark = landmarks[j]
        out = mark[:2] - _CENTER_CM
        out = out / np.linalg.norm(out)
        rest = samples[:, :2] - mark[:2]
        beside = np.abs(rest[:, 0] * out[1] - rest[:, 1] * out[0])
        near = (beside < _HALF_WIDTH_CM) & (np.abs(samples[:, 2] - mark[2]) < _DEPTH_CM)
        reach = rest[near] @ out
        if len(reach) == 0 or reach.max() <= 0:
            continue
        top = reach > reach.max() - _RIM_CM
        offset[j] = [*(reach.max() * out), samples[near][top, 2].max() - mark[2]]
    flip = np.array([-1.0, 1.0, 1.0])
    offset[JAW] = (offset[JAW] + offset[JAW][::-1] * flip) / 2
    return offset


def _surface_samples(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "S 3"]:
    """Return ten points on each triangle."""
    steps = np.array([(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)]) / 3.0
    return np.einsum("sk,fkc->fsc", steps, vertices[faces]).reshape(-1, 3)
