"""Closest points of a surface for the vertices of a mesh, with the checks that leave doubtful ones out.

V vertices of the mesh, F triangles. Meters, any one frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from headform.mesh.normals import vertex_normals
from headform.registration.surface import SurfaceIndex


@dataclass(frozen=True, eq=False)
class Correspondences:
    """Places that vertices are pulled to.

    Attributes:
        positions: (V, 3) closest points; the vertices themselves where the weight is 0.
        weights: (V,) 0 where there is no partner, at most 1.
        distance: (V,) to the closest point; NaN where it was not asked for.
    """

    positions: Float64[np.ndarray, "V 3"]
    weights: Float64[np.ndarray, " V"]
    distance: Float64[np.ndarray, " V"]


def correspondences(
    vertices: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    asked: Bool[np.ndarray, " V"],
    surface: SurfaceIndex,
    *,
    reach: float,
    cosine: float,
) -> Correspondences:
    """Pair vertices with the closest points of a surface.

    Left out are pairs farther than `reach`, those whose normals disagree, and those at an open edge of the surface, where
    the vertex lies beside it (Amberg et al. 2007, section 4). The others count less the farther they are: Tukey's biweight,
    which is 0 at `reach`.

    Args:
        vertices: (V, 3) the mesh as it is now.
        faces: (F, 3) its triangles, counter-clockwise from outside.
        asked: (V,) mask of the vertices that may have a partner.
        surface: Surface with outward normals.
        reach: Greatest distance, meters.
        cosine: Least cosine between the normals.
    """
    rows = np.flatnonzero(asked)
    found = surface.closest(vertices[rows])
    alike = (found.normals * vertex_normals(vertices, faces)[rows]).sum(axis=1)
    kept = ~found.at_border & (found.distance < reach) & (alike > cosine)
    positions, weights = vertices.copy(), np.zeros(len(vertices))
    distance = np.full(len(vertices), np.nan)
    distance[rows] = found.distance
    positions[rows[kept]] = found.positions[kept]
    weights[rows[kept]] = (1.0 - (found.distance[kept] / reach) ** 2) ** 2
    return Correspondences(positions, weights, distance)
