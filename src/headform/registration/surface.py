"""Search structure over a surface that a head is fitted to: closest points with normals, and open edges.

V vertices, F triangles, N points. Float64; meters in the callers here.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from headform.errors import InputError
from headform.geometry.array_checks import kernel_array, require_array, require_faces, require_some
from headform.mesh.closest_point import ClosestPointTree
from headform.mesh.normals import face_area_vectors, vertex_normals
from headform.mesh.topology import edges

_ON_EDGE = 1e-9
"""A barycentric weight below this is 0."""


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Closest points of a surface.

    Attributes:
        triangle: (N,) triangle that each lies on.
        weights: (N, 3) barycentric, within it.
        positions: (N, 3) closest points.
        normals: (N, 3) outward, unit; vertex normals interpolated.
        distance: (N,) distance from the query point.
        at_border: (N,) true on an open edge of the surface: the query lies beside the surface, not above it.
    """

    triangle: Int[np.ndarray, " N"]
    weights: Float64[np.ndarray, "N 3"]
    positions: Float64[np.ndarray, "N 3"]
    normals: Float64[np.ndarray, "N 3"]
    distance: Float64[np.ndarray, " N"]
    at_border: Bool[np.ndarray, " N"]


@dataclass(frozen=True, eq=False)
class Border:
    """The open edges of a mesh.

    Attributes:
        opposite: (F, 3) true where the edge opposite to a corner is open.
        vertex: (V,) true where a vertex lies on an open edge.
    """

    opposite: Bool[np.ndarray, "F 3"]
    vertex: Bool[np.ndarray, " V"]

    @classmethod
    def of(cls, faces: Int[np.ndarray, "F 3"], count: int) -> "Border":
        """Find the edges that only one triangle uses."""
        pairs, uses = edges(faces)
        open_edges = pairs[uses == 1]
        keys = np.sort(open_edges[:, 0] * count + open_edges[:, 1])
        sides = np.stack([faces[:, [1, 2]], faces[:, [2, 0]], faces[:, [0, 1]]], axis=1)
        sides = np.sort(sides, axis=2)
        opposite = np.isin(sides[..., 0] * count + sides[..., 1], keys)
        vertex = np.zeros(count, bool)
        vertex[open_edges.ravel()] = True
        return cls(opposite, vertex)

    def holds(
        self,
        faces: Int[np.ndarray, "F 3"],
        triangle: Int[np.ndarray, " N"],
        weights: Float[np.ndarray, "N 3"],
    ) -> Bool[np.ndarray, " N"]:
        """Find the points of the surface that lie on an open edge or at one of its ends."""
        absent = weights < _ON_EDGE
        on_edge = (absent & self.opposite[triangle]).any(axis=1)
        at_vertex = absent.sum(axis=1) == 2
        nearest = faces[triangle, weights.argmax(axis=1)]
        return on_edge | (at_vertex & self.vertex[nearest])


@dataclass(frozen=True, eq=False)
class SurfaceIndex:
    """A triangle mesh prepared for closest-point queries; see `of`.

    Attributes:
        vertices: (V, 3) positions.
        faces: (F, 3) triangles, counter-clockwise from outside.
        normals: (V, 3) vertex normals, outward, unit.
        border: Open edges.
        tree: Search tree over the triangles.
    """

    vertices: Float64[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    normals: Float64[np.ndarray, "V 3"]
    border: Border
    tree: ClosestPointTree

    @classmethod
    def of(
        cls,
        vertices: Float[np.ndarray, "V 3"],
        faces: Int[np.ndarray, "F 3"],
        *,
        border: Border | None = None,
    ) -> "SurfaceIndex":
        """Prepare a mesh.

        Vertices at equal positions count as one for normals and borders: files split them where texture seams are.

        Args:
            vertices: (V, 3) finite positions.
            faces: (F, 3) triangles, at least one.
            border: Open edges if known already, as for a mesh that only moves; else they are found on the welded mesh.

        Raises:
            InputError: `mesh_empty`, `mesh_not_finite`, `mesh_index`, and for other arrays those of `geometry.array_checks`.
        """
        positions = kernel_array(require_array("vertices", vertices, ("V", 3), finite=True), np.float64)
        faces = require_faces("faces", faces, len(positions))
        require_some("triangles", len(faces))
        if border is not None:
            normals = vertex_normals(positions, faces)
            return cls(positions, faces, normals, border, ClosestPointTree.of(positions, faces))
        welded, place = _welded(positions)
        joined = place[faces]
        sound = (joined != np.roll(joined, 1, axis=1)).all(axis=1)
        joined, kept = joined[sound], np.ascontiguousarray(faces[sound])
        if not len(kept):
            raise InputError("mesh_empty", "the mesh has no triangle with three different corners", "faces")
        found = Border.of(joined, len(welded))
        return cls(
            positions,
            kept,
            vertex_normals(welded, joined)[place],
            Border(found.opposite, found.vertex[place]),
            ClosestPointTree.of(positions, kept),
        )

    def closest(self, points: Float64[np.ndarray, "N 3"]) -> SurfacePoints:
        """Find the closest point of the surface to each point.

        Raises:
            ValueError: a point is not finite.
        """
        found = self.tree.query(points)
        corners = self.faces[found.triangle]
        normals = (self.normals[corners] * found.weights[..., None]).sum(axis=1)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return SurfacePoints(
            triangle=found.triangle,
            weights=found.weights,
            positions=(self.vertices[corners] * found.weights[..., None]).sum(axis=1),
            normals=normals / np.maximum(length, 1e-12),
            distance=np.sqrt(found.squared),
            at_border=self.border.holds(self.faces, found.triangle, found.weights),
        )

    def samples(self, count: int, within: Bool[np.ndarray, " F"] | None = None) -> Float64[np.ndarray, "N 3"]:
        """Sample points spread evenly over the area, always the same ones.

        Every triangle gets its share of the area (systematic sampling); inside, the places follow the R2 sequence
        (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences"), folded into the triangle.

        Args:
            count: Number of points; there are none if the chosen triangles have no area.
            within: (F,) mask of the triangles to use; all if absent.
        """
        area = np.linalg.norm(face_area_vectors(self.vertices, self.faces), axis=1)
        if within is not None:
            area = np.where(within, area, 0.0)
        total = np.cumsum(area)
        if not total[-1] > 0:
            return np.zeros((0, 3))
        marks = (np.arange(count) + 0.5) / count * total[-1]
        chosen = np.minimum(np.searchsorted(total, marks), len(area) - 1)
        plastic = 1.324717957244746
        u, v = (np.mod(0.5 + np.arange(count) / plastic**k, 1.0) for k in (1, 2))
        fold = u + v > 1
        u, v = np.where(fold, 1 - u, u), np.where(fold, 1 - v, v)
        a, b, c = self.vertices[self.faces[chosen]].transpose(1, 0, 2)
        return np.asarray(a + u[:, None] * (b - a) + v[:, None] * (c - a))

    def reversed(self) -> "SurfaceIndex":
        """Return the same surface, inside out."""
        return SurfaceIndex(self.vertices, self.faces, -self.normals, self.border, self.tree)


def _welded(
    positions: Float64[np.ndarray, "V 3"],
) -> tuple[Float64[np.ndarray, "W 3"], Int[np.ndarray, " V"]]:
    """Unique positions, and the index of each vertex's: `numpy.unique` of rows, much faster for millions."""
    order = np.lexsort(positions.T)
    sorted_ = positions[order]
    first = np.ones(len(order), bool)
    first[1:] = (sorted_[1:] != sorted_[:-1]).any(axis=1)
    place = np.empty(len(order), np.int64)
    place[order] = np.cumsum(first) - 1
    return sorted_[first], place
