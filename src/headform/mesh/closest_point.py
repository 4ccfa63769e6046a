"""Exact closest points of a triangle mesh, by a tree of boxes.

P points, V vertices, F triangles. Everything is float64; the unit is the caller's, squared distances are in its square.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from headform.mesh._box_tree import build_tree
from headform.mesh._closest_point_search import pack, search

Points = Float64[np.ndarray, "P 3"]


@dataclass(frozen=True)
class ClosestPoints:
    """Closest points on a mesh.

    Attributes:
        triangle: (P,) int64; of several equally near triangles the one with the smallest number.
        weights: (P, 3) barycentric, >= 0, each row sums to 1 to rounding.
        squared: (P,) squared distance.
    """

    triangle: Int[np.ndarray, " P"]
    weights: Float64[np.ndarray, "P 3"]
    squared: Float64[np.ndarray, " P"]


@dataclass(frozen=True, eq=False)
class ClosestPointTree:
    """Search tree of a mesh; build it with `of` and query it many times.

    Attributes:
        corners: (F, 3, 3) positions of the triangles' corners.
        table: (F, 12) packed triangles, see `_closest_point_search.pack`.
        nodes: Order, child, low and high of the tree, see `_box_tree.build_tree`.
    """

    corners: Float64[np.ndarray, "F 3 3"]
    table: Float64[np.ndarray, "F 12"]
    nodes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(cls, vertices: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> "ClosestPointTree":
        """Build the tree of a mesh.

        Args:
            vertices: finite positions.
            faces: at least one triangle; a triangle without area counts as a segment or a point.

        Raises:
            ValueError: no triangle, or a position that is not finite.
        """
        if not len(faces):
            raise ValueError("the mesh has no triangles")
        if not np.isfinite(vertices).all():
            raise ValueError("vertices must be finite")
        corners = np.ascontiguousarray(vertices[faces])
        return cls(corners, pack(corners), build_tree(corners.min(axis=1), corners.max(axis=1)))

    def query(self, points: Points) -> ClosestPoints:
        """Find the closest point of the mesh to every point.

        Raises:
            ValueError: a point is not finite.
        """
        if not np.isfinite(points).all():
            raise ValueError("points must be finite")
        points = np.ascontiguousarray(points)
        return ClosestPoints(*search(points, self.corners, self.table, *self.nodes))


def closest_points(
    points: Points, vertices: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> ClosestPoints:
    """Find the closest point on a triangle mesh to every point; keep a `ClosestPointTree` to query it repeatedly.

    Args:
        points: query points.
        vertices: finite positions.
        faces: at least one triangle; a triangle without area counts as a segment or a point.

    Returns:
        Triangles, barycentric weights and squared distances.

    Raises:
        ValueError: no triangle, or a position that is not finite.
    """
    return ClosestPointTree.of(vertices, faces).query(points)
