"""Neighbours around vertices and loops around holes, by half-edges.

V vertices, F triangles, S = V + 1, N neighbours in all. Half-edge ``3 f + k`` runs from corner k of triangle f to corner
k + 1. Faces must pass `mesh.manifold.require_manifold`; a vertex may join several fans (a bow-tie).
"""

import typing

import numpy as np
from jaxtyping import Int
from numba import njit


def twins(faces: Int[np.ndarray, "F 3"], count: int) -> Int[np.ndarray, " 3*F"]:
    """The half-edge that runs the other way, in the neighbouring triangle; -1 at a boundary.

    Args:
        faces: vertex indices below `count`.
        count: V.
    """
    start = faces.ravel().astype(np.int64)
    end = faces[:, [1, 2, 0]].ravel().astype(np.int64)
    keys = start * count + end
    order = np.argsort(keys)
    wanted = end * count + start
    place = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
    found = order[place]
    return np.where(keys[found] == wanted, found, -1)


def one_ring(
    faces: Int[np.ndarray, "F 3"], count: int
) -> tuple[Int[np.ndarray, " S"], Int[np.ndarray, " N"]]:
    """The neighbours of every vertex, counter-clockwise seen from outside.

    Args:
        faces: vertex indices below `count`.
        count: V.

    Returns:
        ``start, neighbours``: those of v are ``neighbours[start[v] : start[v + 1]]``. On a boundary they begin at the
        boundary edge that leaves v and end at the one that arrives; inside they begin in v's first triangle. The fans of
        a bow-tie follow one another. A vertex without triangles has none.
    """
    opposite = twins(faces, count)
    flat = faces.ravel().astype(np.int64)
    uses = np.bincount(flat, minlength=count)
    uses += np.bincount(faces[:, [1, 2, 0]].ravel()[opposite < 0], minlength=count)
    start = np.concatenate([[0], np.cumsum(uses)])
    first = np.argsort(flat, kind="stable")  # half-edges by the vertex they leave
    leaving = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=count))])
    return start, _turn_about(flat, opposite, leaving, first, int(start[-1]))


def boundary_loops(faces: Int[np.ndarray, "F 3"], count: int) -> list[Int[np.ndarray, " B"]]:
    """The closed rows of vertices along the mesh's boundaries.

    Args:
        faces: vertex indices below `count`.
        count: V.

    Returns:
        One array (B,) of vertices per loop, each running as its triangles do (the surface is on the left), longest
        first. A bow-tie appears in as many loops, or as often in one, as it has fans with a boundary.
    """
    opposite = twins(faces, count)
    start = faces.ravel()
    todo = dict.fromkeys(np.flatnonzero(opposite < 0).tolist())
    loops = []
    while todo:
        edge = next(iter(todo))
        loop = []
        while edge in todo:
            del todo[edge]
            loop.append(int(start[edge]))
            edge = _after(edge)
            while opposite[edge] >= 0:  # through the fan to its other border
                edge = _after(int(opposite[edge]))
        loops.append(np.array(loop, np.int64))
    return sorted(loops, key=len, reverse=True)


def _after(edge: int) -> int:
    return edge - edge % 3 + (edge + 1) % 3


@njit(cache=True, nogil=True)
@typing.no_type_check
def _turn_about(origin, opposite, leaving, first, total):
    """Neighbours in the order in which the triangles about each vertex follow one another."""
    ring = np.zeros(total, np.int64)
    seen = np.zeros(len(origin), np.bool_)
    fill = 0
    for v in range(len(leaving) - 1):
        for turn in range(2):  # fans with a border first, then what is closed
            for j in range(leaving[v], leaving[v + 1]):
                edge = first[j]
                if seen[edge] or (turn == 0 and opposite[edge] >= 0):
                    continue
                while edge >= 0 and not seen[edge]:
                    seen[edge] = True
                    base, k = edge - edge % 3, edge % 3
                    ring[fill] = origin[base + (k + 1) % 3]
                    fill += 1
                    arriving = base + (k + 2) % 3
                    edge = opposite[arriving]
                    if edge < 0:
                        ring[fill] = origin[arriving]
                        fill += 1
    return ring
