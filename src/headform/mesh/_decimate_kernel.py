"""Compiled kernel of `mesh.decimate`: a lazy heap, a disjoint set and joined triangle lists.

V vertices, F triangles, E edges. No argument is checked here. A class of the disjoint set is named by its root, which
is not the vertex that was kept: `holder[root]` is. The triangles of a class are a linked list of triangle corners;
joining two classes walks the shorter list only, so that all walks together take O(F log F).
"""

import heapq
import typing

import numpy as np

from headform.kernels.jit import njit
from headform.mesh._quadric import quadric_value


@njit(cache=True, nogil=True)
@typing.no_type_check
def _root(parent, v):
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@njit(cache=True, nogil=True)
@typing.no_type_check
def _costs(quadric_r, quadric_c, at_r, at_c):
    """Return the cost of keeping r, and that of keeping c."""
    both = quadric_r + quadric_c
    return quadric_value(both, at_r[0], at_r[1], at_r[2]), quadric_value(both, at_c[0], at_c[1], at_c[2])


@njit(cache=True, nogil=True)
@typing.no_type_check
def collapse_in_order(points, faces, edges, quadrics, target):
    """Collapse edges until at most `target` vertices have triangles.

    Args:
        points: (V, 3) float64.
        faces: (F, 3) int64.
        edges: (E, 2) int64, r < c, in the order that breaks ties.
        quadrics: (V, 10) float64, changed.
        target: number of vertices to stop at.

    Returns:
        vertex that each vertex was collapsed to (V,) int64; triangles over those (F, 3) int64; mask of the triangles left
        (F,) bool.
    """
    n_vertices, n_faces = len(points), len(faces)
    parent, size = np.arange(n_vertices), np.zeros(n_vertices, np.int64)
    holder = np.arange(n_vertices)
    alive = np.ones(n_faces, np.bool_)
    used_by = np.zeros(n_vertices, np.int64)  # living triangles of each class
    head, tail = np.full(n_vertices, -1), np.full(n_vertices, -1)
    following = np.full(3 * n_faces, -1)
    for corner in range(3 * n_faces):
        v = faces[corner // 3, corner % 3]
        if head[v] < 0:
            head[v] = corner
        else:
            following[tail[v]] = corner
        tail[v] = corner
        size[v] += 1
        used_by[v] += 1
    used = 0
    for v in range(n_vertices):
        used += used_by[v] > 0
    heap = [(0.0, 0)]
    heap.pop()
    for e in range(len(edges)):
        r, c = edges[e]
        keep_r, keep_c = _costs(quadrics[r], quadrics[c], points[r], points[c])
        heap.append((min(keep_r, keep_c), e))
    heapq.heapify(heap)
    while used > target and len(heap) > 0:
        price, e = heapq.heappop(heap)
        r, c = _root(parent, edges[e, 0]), _root(parent, edges[e, 1])
        if r == c:
            continue
        at_r, at_c = holder[r], holder[c]
        keep_r, keep_c = _costs(quadrics[r], quadrics[c], points[at_r], points[at_c])
        cost = min(keep_r, keep_c)
        if cost > price:  # stale: earlier collapses made this edge more expensive
            heapq.heappush(heap, (cost, e))
            continue
        stays = at_r if keep_r < keep_c else at_c
        small, large = (r, c) if size[r] < size[c] else (c, r)
        corner = head[small]
        used -= (used_by[small] > 0) + (used_by[large] > 0)
        used_by[large] += used_by[small]
        while corner >= 0:  # triangles that contain both ends disappear
            f = corner // 3
            if alive[f]:
                with_large, third = False, -1
                for k in range(3):
                    v = _root(parent, faces[f, k])
                    if v == large:
                        with_large = True
                    elif v != small:
                        third = v
                if with_large:
                    alive[f] = False
                    used_by[large] -= 2
                    used_by[third] -= 1
                    used -= used_by[third] == 0
            corner = following[corner]
        used += used_by[large] > 0
        if head[small] >= 0:
            if head[large] < 0:
                head[large] = head[small]
            else:
                following[tail[large]] = head[small]
            tail[large] = tail[small]
        parent[small] = large
        size[large] += size[small]
        holder[large] = stays
        quadrics[large] += quadrics[small]
    collapsed_to = np.empty(n_vertices, np.int64)
    for v in range(n_vertices):
        collapsed_to[v] = holder[_root(parent, v)]
    left = np.empty_like(faces)
    for f in range(n_faces):
        for k in range(3):
            left[f, k] = collapsed_to[faces[f, k]]
    return collapsed_to, left, alive
