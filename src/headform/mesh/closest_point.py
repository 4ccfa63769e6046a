"""Exact closest points of a triangle mesh, by a tree of boxes.

P points, V vertices, F triangles. Everything is float64; the unit is the caller's, squared distances are in its square.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int, Integer

from headform.geometry.array_checks import (
    kernel_array,
    require_array,
    require_faces,
    require_finite,
    require_indices,
    require_some,
)
from headform.mesh._box_tree import build_tree
from headform.mesh._closest_point_search import pack, search

Points = Float[np.ndarray, "P 3"]


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

    def __post_init__(self) -> None:
        """Refuse arrays that the search would read outside of."""
        count = len(require_array("corners", self.corners, ("F", 3, 3)))
        require_array("table", self.table, (count, 12))
        order, child, low, high = self.nodes
        require_indices("order", order, (count,), count, of="triangles")
        size = len(require_array("child", child, ("M", 2), "int"))
        for name, box in (("low", low), ("high", high)):
            require_array(name, box, (size, 3))
        inner = child[:, 0] >= 0
        require_indices("child", child[inner], ("N", 2), size, of="nodes")
        begin, end = -child[~inner, 0] - 1, child[~inner, 1]
        require_indices("leaves", np.stack([begin, end], axis=1), ("N", 2), count + 1, of="triangles")

    @classmethod
    def of(cls, vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]) -> "ClosestPointTree":
        """Build the tree of a mesh.

        Args:
            vertices: finite positions.
            faces: at least one triangle; a triangle without area counts as a segment or a point.

        Raises:
            InputError: `mesh_empty`, `mesh_not_finite`, `mesh_index`, and for other arrays those of `geometry.array_checks`.
        """
        vertices = require_array("vertices", vertices, ("V", 3), finite=True)
        faces = require_faces("faces", faces, len(vertices))
        require_some("triangles", len(faces))
        corners = kernel_array(vertices[faces], np.float64)
        return cls(corners, pack(corners), build_tree(corners.min(axis=1), corners.max(axis=1)))

    def query(self, points: Points) -> ClosestPoints:
        """Find the closest point of the mesh to every point.

        Raises:
            InputError: `mesh_not_finite`, `array_kind`, `array_shape`, `array_dtype`.
        """
        points = kernel_array(require_array("points", points, ("P", 3)), np.float64)
        require_finite("points", points)
        return ClosestPoints(*search(points, self.corners, self.table, *self.nodes))


def closest_points(
    points: Points, vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]
) -> ClosestPoints:
    """Find the closest point on a triangle mesh to every point; keep a `ClosestPointTree` to query it repeatedly.

    Args:
        points: query points.
        vertices: finite positions.
        faces: at least one triangle; a triangle without area counts as a segment or a point.

    Returns:
        Triangles, barycentric weights and squared distances.

    Raises:
        InputError: see `ClosestPointTree.of` and `ClosestPointTree.query`.
    """
    return ClosestPointTree.of(vertices, faces).query(points)
