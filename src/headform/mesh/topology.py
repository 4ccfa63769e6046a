"""Topology of polygon and triangle meshes: edges, boundaries, components, mirror maps.

V vertices, F triangles, P polygons, E edges; every index is zero-based, polygons wind counter-clockwise seen from outside.
"""

import operator
from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from headform.errors import InputError
from headform.geometry.array_checks import require_array, require_count, require_faces, require_number

Polygons = Sequence[tuple[int, ...]]
_LARGEST = 1 << 31
"""Number of vertices below which an edge's number fits 64 bits."""


def edges(faces: Integer[np.ndarray, "F 3"]) -> tuple[Int[np.ndarray, "E 2"], Int[np.ndarray, " E"]]:
    """Return the unique undirected edges of a triangle mesh.

    Args:
        faces: (F,3) vertex indices.

    Returns:
        Edges (E,2) with the smaller index first, sorted, and the number of triangles of each (E,).

    Raises:
        InputError: `mesh_index` for a negative index, `array_kind`, `array_shape`, `array_dtype`.
    """
    faces = require_faces("faces", faces, _LARGEST)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    width = int(pairs.max(initial=0)) + 1  # one number per edge sorts many times faster than two
    keys, count = np.unique(pairs.min(axis=1) * width + pairs.max(axis=1), return_counts=True)
    return np.stack(np.divmod(keys, width), axis=1), count


def components(faces: Integer[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " V"]:
    """Label the connected component of each of ``count`` vertices.

    Raises:
        InputError: `mesh_index`, `array_kind`, `array_shape`, `array_dtype`, `array_value`.
    """
    count = require_count("count", count)
    faces = require_faces("faces", faces, count)
    pairs, _ = edges(faces)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def chart_labels(uv_faces: Integer[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " F"]:
    """Label the UV chart (connected component over texture vertices) of every triangle.

    Raises:
        InputError: as of `components`.
    """
    uv_faces = require_faces("uv_faces", uv_faces, require_count("count", count), of="texture vertices")
    return components(uv_faces, count)[uv_faces[:, 0]]


def mirror_map(vertices: Float[np.ndarray, "V 3"], polygons: Polygons, *, tolerance: float) -> Int[np.ndarray, " V"]:
    """Find the mirror partner of every vertex across the plane x = 0 by traversing the polygons.

    Position alone is ambiguous where surfaces touch (lips, lids), so the traversal of a component starts at one
    polygon whose corners have unambiguous partners and follows directed edges: edge (a, b) corresponds to (b', a').

    Args:
        vertices: (V,3) positions; only the seeds are compared by position.
        polygons: vertex tuples of any length.
        tolerance: greatest distance of a seed vertex from its partner's mirror image, in the unit of ``vertices``.

    Returns:
        (V,) partner indices; -1 where no partner is found (unused vertices, asymmetric components).

    Raises:
        InputError: `mesh_not_finite`, `mesh_index`, `array_kind`, `array_shape`, `array_dtype`, `array_value`.
    """
    vertices = require_array("vertices", vertices, ("V", 3), finite=True)
    polygons = _polygons(polygons, len(vertices))
    require_number("tolerance", tolerance)
    if len(vertices) < 2:  # no other vertex to compare distances with
        return np.full(len(vertices), -1, np.int64)
    owner: dict[tuple[int, int], int] = {}
    for index, polygon in enumerate(polygons):
        for edge in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            owner[edge] = index
    distance, nearest = cKDTree(vertices).query(vertices * np.array([-1.0, 1.0, 1.0]), k=2)
    certain = (
        (nearest[nearest[:, 0], 0] == np.arange(len(vertices)))
        & (distance[:, 0] < tolerance)
        & (distance[:, 1] > 10.0 * (distance[:, 0] + tolerance))
    )
    partner = np.full(len(vertices), -1, np.int64)
    done = np.zeros(len(polygons), bool)
    for index, polygon in enumerate(polygons):
        if done[index] or partner[polygon[0]] >= 0 or not certain[list(polygon)].all():
            continue
        a, b = int(nearest[polygon[0], 0]), int(nearest[polygon[1], 0])
        if (b, a) in owner:
            _walk(polygons, owner, partner, done, (polygon[0], polygon[1], a, b))
    broken = (partner >= 0) & (partner[partner] != np.arange(len(vertices)))
    partner[broken] = -1
    return partner


def _polygons(polygons: Polygons, count: int) -> list[tuple[int, ...]]:
    """Check polygons, tuples or an array of indices; return tuples of plain numbers."""
    try:
        found = [tuple(map(operator.index, polygon)) for polygon in polygons]
    except (TypeError, ValueError) as error:
        what = "polygons must be a sequence of tuples of vertex indices"
        raise InputError("array_kind", what, "polygons") from error
    if any(len(polygon) < 3 for polygon in found):
        what = f"polygons must have 3 corners or more, got one of {min(map(len, found))}"
        raise InputError("array_shape", what, "polygons")
    low, high = (extreme(map(extreme, found), default=0) for extreme in (min, max))
    if found and (low < 0 or high >= count):
        what = f"polygons must index {count} vertices, got indices from {low} to {high}"
        raise InputError("mesh_index", what, "polygons")
    return found


def _walk(
    polygons: Polygons,
    owner: dict[tuple[int, int], int],
    partner: Int[np.ndarray, " V"],
    done: Bool[np.ndarray, " P"],
    start: tuple[int, int, int, int],
) -> None:
    """Pair vertices breadth-first from one corresponding edge pair; writes ``partner`` and ``done``."""
    todo = deque([start])
    while todo:
        a, b, mirror_a, mirror_b = todo.popleft()
        here, there = owner.get((a, b)), owner.get((mirror_b, mirror_a))
        if here is None or there is None or done[here]:
            continue
        done[here] = True
        left, right = polygons[here], polygons[there]
        if len(left) != len(right):
            continue
        size, i, j = len(left), left.index(a), right.index(mirror_b)
        ring = [left[(i + k) % size] for k in range(size)]
        image = [right[(j + 1 - k) % size] for k in range(size)]
        for vertex, mirrored in zip(ring, image, strict=True):
            partner[vertex] = mirrored
        for k in range(size):
            todo.append((ring[(k + 1) % size], ring[k], image[(k + 1) % size], image[k]))
