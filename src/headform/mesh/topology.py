"""Topology of polygon and triangle meshes: edges, boundaries, components, mirror maps.

V vertices, F triangles, P polygons, E edges; every index is zero-based, polygons wind counter-clockwise seen from outside.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Polygons = Sequence[tuple[int, ...]]


def edges(faces: Int[np.ndarray, "F 3"]) -> tuple[Int[np.ndarray, "E 2"], Int[np.ndarray, " E"]]:
    """Return the unique undirected edges of a triangle mesh.

    Args:
        faces: (F,3) vertex indices.

    Returns:
        Edges (E,2) with the smaller index first, sorted, and the number of triangles of each (E,).
    """
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    width = int(pairs.max(initial=0)) + 1  # one number per edge sorts many times faster than two
    keys, count = np.unique(pairs.min(axis=1) * width + pairs.max(axis=1), return_counts=True)
    return np.stack(np.divmod(keys, width), axis=1), count


def components(faces: Int[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " V"]:
    """Label the connected component of each of ``count`` vertices."""
    pairs, _ = edges(faces)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def chart_labels(uv_faces: Int[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " F"]:
    """Label the UV chart (connected component over texture vertices) of every triangle."""
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
    """
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
