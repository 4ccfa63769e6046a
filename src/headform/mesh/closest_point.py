"""Closest points of a triangle mesh, exact, by a tree of boxes.

P points, V vertices, F triangles. Everything is float64; the unit is the caller's, squared distances are in its square.
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int
from numba import njit

from headform.mesh.box_tree import box_distance, grow

Points = Float64[np.ndarray, "P 3"]


@dataclass(frozen=True)
class ClosestPoints:
    """Where on the mesh each point's nearest neighbour lies.

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
    """A mesh made ready for many queries; see `of`.

    Attributes:
        corners: (F, 3, 3) positions of the triangles' corners.
        nodes: What `mesh.box_tree.grow` made of them: order, child, low, high.
    """

    corners: Float64[np.ndarray, "F 3 3"]
    nodes: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of(
        cls, vertices: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
    ) -> "ClosestPointTree":
        """Grow the tree of a mesh.

        Args:
            vertices: finite positions.
            faces: at least one triangle; a triangle without area counts as the segment or point it is.

        Raises:
            ValueError: no triangle, or a position that is not finite.
        """
        if not len(faces):
            raise ValueError("there is no triangle to be close to")
        if not np.isfinite(vertices).all():
            raise ValueError("vertices must be finite")
        corners = np.ascontiguousarray(vertices[faces])
        return cls(corners, grow(corners.min(axis=1), corners.max(axis=1)))

    def query(self, points: Points) -> ClosestPoints:
        """The closest point of the mesh to every point.

        Raises:
            ValueError: a point is not finite.
        """
        if not np.isfinite(points).all():
            raise ValueError("points must be finite")
        return ClosestPoints(*_search(np.ascontiguousarray(points), self.corners, *self.nodes))


def closest_points(
    points: Points, vertices: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> ClosestPoints:
    """The closest point on a triangle mesh to every point; keep a `ClosestPointTree` to ask more than once.

    Args:
        points: where to start from.
        vertices: finite positions.
        faces: at least one triangle; a triangle without area counts as the segment or point it is.

    Returns:
        Triangles, barycentric weights and squared distances.

    Raises:
        ValueError: no triangle, or a position that is not finite.
    """
    return ClosestPointTree.of(vertices, faces).query(points)


@njit(cache=True, nogil=True)
@typing.no_type_check
def on_segment(p, a, b):
    """Weight of b, and squared distance, of the point of segment ab that is closest to p."""
    along, length = 0.0, 0.0
    for k in range(3):
        along += (p[k] - a[k]) * (b[k] - a[k])
        length += (b[k] - a[k]) ** 2
    t = 0.0 if length == 0.0 else min(max(along / length, 0.0), 1.0)
    squared = 0.0
    for k in range(3):
        squared += (a[k] + t * (b[k] - a[k]) - p[k]) ** 2
    return t, squared


@njit(cache=True, nogil=True)
@typing.no_type_check
def on_triangle(p, a, b, c):
    """Barycentric weights, and squared distance, of the point of triangle abc that is closest to p.

    The foot of the perpendicular where it falls inside, else the best of the three sides.
    """
    n0 = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
    n1 = (b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2])
    n2 = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    doubled = n0 * n0 + n1 * n1 + n2 * n2
    if doubled > 0.0:
        x, y, z = p[0] - a[0], p[1] - a[1], p[2] - a[2]
        # weights by the areas of (p, c, a) and (p, a, b) seen along the normal
        e0, e1, e2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        w_b = n0 * (y * e2 - z * e1) + n1 * (z * e0 - x * e2) + n2 * (x * e1 - y * e0)
        e0, e1, e2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        w_c = n0 * (e1 * z - e2 * y) + n1 * (e2 * x - e0 * z) + n2 * (e0 * y - e1 * x)
        w_b, w_c = w_b / doubled, w_c / doubled
        w_a = 1.0 - w_b - w_c
        if w_a >= 0.0 and w_b >= 0.0 and w_c >= 0.0:
            height = n0 * x + n1 * y + n2 * z
            return w_a, w_b, w_c, height * height / doubled
    t, best = on_segment(p, a, b)
    w_a, w_b, w_c = 1.0 - t, t, 0.0
    t, squared = on_segment(p, b, c)
    if squared < best:
        w_a, w_b, w_c, best = 0.0, 1.0 - t, t, squared
    t, squared = on_segment(p, c, a)
    if squared < best:
        w_a, w_b, w_c, best = t, 0.0, 1.0 - t, squared
    return w_a, w_b, w_c, best


@njit(cache=True, nogil=True)
@typing.no_type_check
def _search(points, corners, order, child, low, high):
    count = len(points)
    triangle = np.zeros(count, np.int64)
    weights = np.zeros((count, 3))
    squared = np.full(count, np.inf)
    stack = np.zeros(128, np.int64)
    for i in range(count):
        p = points[i]
        depth, stack[0] = 1, 0
        while depth > 0:
            depth -= 1
            node = stack[depth]
            if box_distance(p, low[node], high[node]) > squared[i] * (1.0 + 1e-12):
                continue
            if child[node, 0] < 0:
                for j in range(-child[node, 0] - 1, child[node, 1]):
                    f = order[j]
                    a, b, c, d = on_triangle(p, corners[f, 0], corners[f, 1], corners[f, 2])
                    if d < squared[i] or (d == squared[i] and f < triangle[i]):
                        squared[i], triangle[i] = d, f
                        weights[i, 0], weights[i, 1], weights[i, 2] = a, b, c
                continue
            first, second = child[node, 0], child[node, 1]
            if box_distance(p, low[first], high[first]) < box_distance(
                p, low[second], high[second]
            ):
                first, second = second, first
            stack[depth], stack[depth + 1] = first, second  # the nearer on top
            depth += 2
    return triangle, weights, squared
