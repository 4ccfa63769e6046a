"""Carry a signal from the vertices of a coarse mesh back to the fine mesh it was coarsened from.

V fine vertices, F fine triangles, W coarse vertices, G coarse triangles.

CoMA (Ranjan et al., 2018) embeds every fine vertex in the closest point of the coarse mesh. Two deliberate deviations:

- Its weights are not barycentric: a least-squares solve in absolute coordinates, so that rows do not sum to 1, may be far
  below 0, and change when the mesh is moved. Here they are the barycentric weights of the closest point.
- The closest point in space may lie across a gap: on the other lip, on the lid instead of the eyeball. Here it is
  searched along the surface, see `barycentric_embedding`.
"""

import typing

import numpy as np
from jaxtyping import Float64, Int

from headform.kernels.jit import njit
from headform.mesh._closest_on_triangle import on_triangle
from headform.mesh.closest_point import closest_points
from headform.mesh.topology import components


def barycentric_embedding(
    vertices: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    kept: Int[np.ndarray, " W"],
    coarse_faces: Int[np.ndarray, "G 3"],
    collapsed_to: Int[np.ndarray, " V"],
) -> tuple[Int[np.ndarray, "V 3"], Float64[np.ndarray, "V 3"]]:
    """Embed every fine vertex in a coarse triangle by barycentric weights.

    A kept vertex maps to itself. For any other the search starts at the triangles around the coarse vertex it was collapsed
    onto and continues, over triangles that share a vertex with the best so far, as long as one of those is closer. A vertex
    without such a coarse vertex maps to the closest point of its own connected component, and where no triangle of that is
    left (small parts such as eyeballs at coarse levels), to the closest point anywhere.

    Args:
        vertices: fine positions.
        faces: fine triangles.
        kept: fine index of each coarse vertex, ascending.
        coarse_faces: coarse triangles over the W, at least one.
        collapsed_to: coarse vertex that each fine vertex was collapsed onto, or -1.

    Returns:
        Indices into the coarse vertices (V, 3) and weights (V, 3), >= 0, rows that sum to 1 to rounding. A kept vertex
        has its own index three times and the weights 1, 0, 0.
    """
    corners = np.ascontiguousarray(vertices[kept][coarse_faces])
    flat = coarse_faces.ravel()
    around = np.argsort(flat, kind="stable") // 3
    start = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=len(kept)))])
    triangle, weights = _walk(vertices, corners, coarse_faces, start, around, collapsed_to)
    lost = np.flatnonzero(collapsed_to < 0)
    if len(lost):
        label = components(faces, len(vertices))
        coarse_label = label[kept[coarse_faces[:, 0]]]
        for one in np.unique(label[lost]):
            mine, own = lost[label[lost] == one], np.flatnonzero(coarse_label == one)
            allowed = own if len(own) else np.arange(len(coarse_faces))
            found = closest_points(vertices[mine], vertices[kept], coarse_faces[allowed])
            triangle[mine], weights[mine] = allowed[found.triangle], found.weights
    parents = coarse_faces[triangle]
    parents[kept] = np.arange(len(kept))[:, None]
    weights[kept] = [1.0, 0.0, 0.0]
    return parents, weights


@njit(cache=True, nogil=True)
@typing.no_type_check
def _walk(points, corners, faces, start, around, collapsed_to):
    """Descend from each point's coarse vertex to a triangle; points with ``collapsed_to < 0`` stay at triangle 0."""
    triangle = np.zeros(len(points), np.int64)
    weights = np.zeros((len(points), 3))
    for i in range(len(points)):
        if collapsed_to[i] < 0:
            continue
        best, at = np.inf, -1
        first, last = start[collapsed_to[i]], start[collapsed_to[i] + 1]
        for j in range(first, last):
            f = around[j]
            a, b, c, d = on_triangle(points[i], corners[f, 0], corners[f, 1], corners[f, 2])
            if d < best:
                best, at = d, f
                weights[i, 0], weights[i, 1], weights[i, 2] = a, b, c
        moved = True
        while moved:
            moved, here = False, at
            for k in range(3):
                v = faces[here, k]
                for j in range(start[v], start[v + 1]):
                    f = around[j]
                    a, b, c, d = on_triangle(points[i], corners[f, 0], corners[f, 1], corners[f, 2])
                    if d < best:
                        best, at, moved = d, f, True
                        weights[i, 0], weights[i, 1], weights[i, 2] = a, b, c
        triangle[i] = at
    return triangle, weights
