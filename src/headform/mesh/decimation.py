"""Coarsen a triangle mesh by exactly the edge collapses of CoMA.

V vertices, F triangles, W vertices and G triangles left.

The rule is that of Ranjan et al., "Generating 3D faces using convolutional mesh autoencoders" (ECCV 2018) in its released
form, after Garland and Heckbert, "Surface simplification using quadric error metrics" (1997). `mesh.simplify` makes better
triangles; this one is for hierarchies as the paper has them. See `decimate` for what the rule leaves open.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from headform.geometry.array_checks import kernel_array, require_array, require_count, require_faces, require_some
from headform.mesh._decimate_kernel import collapse_in_order
from headform.mesh._quadric import plane_quadric


@dataclass(frozen=True)
class Decimated:
    """A coarsened mesh.

    Attributes:
        kept: (W,) int64 the vertices that stay, ascending.
        faces: (G, 3) int64 triangles over those W, in the order of the triangles they were.
        collapsed_to: (V,) int64 which of the W each vertex was collapsed onto, itself where it stays; -1 where that vertex
            lost its last triangle, and for vertices that never had one.
    """

    kept: Int[np.ndarray, " W"]
    faces: Int[np.ndarray, "G 3"]
    collapsed_to: Int[np.ndarray, " V"]


def decimate(vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"], target: int) -> Decimated:
    """Collapse edges until at most `target` vertices have triangles.

    The rule. Every triangle's plane, with unit normal and not weighted by area, gives a quadric Q that is summed at its
    three vertices; boundaries get none. An edge (r, c), r < c, costs min(p_r' Q p_r, p_c' Q p_c) with Q = Q_r + Q_c. The
    cheapest edge is taken and priced again; if its cost has grown it goes back into the queue. Otherwise one end is
    removed: `c` where keeping r is strictly cheaper, else `r` (so a tie keeps c), and both ends carry Q from then on.
    Triangles that name a vertex twice disappear. Nothing checks whether triangles turn over, edges get a third
    triangle, or a component vanishes.

    The order, where the original leaves it to its queue's memory: edges of equal cost come in the order of (r, c) as
    they were before the first collapse, and an edge keeps these names, and which of its ends is r, when its ends move.
    One collapse may cost more than one vertex its last triangle; then `target` is undercut.

    Args:
        vertices: (V, 3) any unit; quadrics are taken about the middle of the bounding box.
        faces: triangles without repeated vertices. Triangles without area have no plane and add no quadric.
        target: number of vertices to stop at, not more than V.

    Returns:
        The vertices that stay, ascending, and the triangles between them; both may be empty.

    Raises:
        InputError: `mesh_empty`, `mesh_not_finite`, `mesh_index`, `array_value`, and for other arrays those of
            `geometry.array_checks`.
    """
    points = kernel_array(require_array("vertices", vertices, ("V", 3), finite=True), np.float64)
    triangles, target = require_faces("faces", faces, len(points)), require_count("target", target)
    require_some("vertices", len(points))
    points = points - (points.min(0) + points.max(0)) / 2
    count = len(points)
    start, end = triangles[:, [0, 1, 2]].ravel(), triangles[:, [1, 2, 0]].ravel()
    keys = np.unique(np.minimum(start, end) * count + np.maximum(start, end))
    edges = np.stack([keys // count, keys % count], axis=1)
    holder, corners, alive = collapse_in_order(points, triangles, edges, plane_quadrics(points, triangles), target)
    left = corners[alive]
    kept = np.unique(left)
    place = np.full(count, -1, np.int64)
    place[kept] = np.arange(len(kept))
    return Decimated(kept=kept, faces=place[left], collapsed_to=place[holder])


def plane_quadrics(points: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "V 10"]:
    """Sum the quadrics of the planes of each vertex's triangles, in the order of the triangles.

    Returns:
        (V, 10) the upper triangle of the symmetric 4 x 4 matrix: xx xy xz xw yy yz yw zz zw ww.
    """
    a, b, c = (points[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = np.where(length > 0, normal / np.where(length > 0, length, 1.0), 0.0)
    total = np.zeros((len(points), 10))
    np.add.at(total, faces.ravel(), np.repeat(plane_quadric(normal, a), 3, axis=0))
    return total
