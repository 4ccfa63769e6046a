"""Compiled kernel of `mesh.simplify`: half-edge collapses on a triangle mesh with texture corners and several shapes.

V vertices, F triangles, S shapes. No argument is checked here; `simplify` does. A vertex keeps its triangles as a slice of
a growing pool: ``pool[start[v] : start[v] + count[v]]``; dead triangles stay and are skipped. A quadric is the symmetric
4 x 4 matrix of Garland and Heckbert (1997) as xx xy xz xw yy yz yw zz zw ww.
"""

import heapq
import typing

import numpy as np

from headform.kernels.jit import njit
from headform.mesh._collapse_rules import corner_of, is_allowed
from headform.mesh._quadric import quadric_value


@njit(cache=True, nogil=True)
@typing.no_type_check
def _cost(u, v, points, quadrics, mass, spread):
    """Cost of moving u onto v: the summed quadrics at v in every shape, and a small penalty on distance."""
    total = 0.0
    for s in range(points.shape[1]):
        x, y, z = points[v, s, 0], points[v, s, 1], points[v, s, 2]
        total += max(quadric_value(quadrics[u, s], x, y, z), 0.0)
        total += max(quadric_value(quadrics[v, s], x, y, z), 0.0)
    squared = 0.0
    for c in range(3):
        squared += (points[u, 0, c] - points[v, 0, c]) ** 2
    return total + spread * mass[u] * squared


@njit(cache=True, nogil=True)
@typing.no_type_check
def _apply(u, v, faces, corners, alive, start, count, pool, fill, changed, saved):
    """Move u onto v; return the new fill of the pool and the number of triangles of u that `_undo` restores."""
    wedge_a, target_a, target_b = -1, -1, -1
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if alive[f]:
            other = corner_of(faces[f], v)
            if other >= 0:
                w = corners[f, corner_of(faces[f], u)]
                if wedge_a < 0 or w == wedge_a:
                    wedge_a, target_a = w, corners[f, other]
                else:
                    target_b = corners[f, other]
    touched = 0
    first = fill
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if not alive[f]:
            continue
        k = corner_of(faces[f], u)
        changed[touched] = f
        saved[touched, 0], saved[touched, 1] = k, corners[f, k]
        touched += 1
        if corner_of(faces[f], v) >= 0:
            alive[f] = False
            saved[touched - 1, 0] = -1
        else:
            faces[f, k] = v
            corners[f, k] = target_a if corners[f, k] == wedge_a else target_b
            pool[fill] = f
            fill += 1
    for i in range(start[v], start[v] + count[v]):
        f = pool[i]
        if alive[f]:
            pool[fill] = f
            fill += 1
    start[v], count[v] = first, fill - first
    return fill, touched


@njit(cache=True, nogil=True)
@typing.no_type_check
def _undo(u, touched, faces, corners, alive, changed, saved):
    """Give the triangles that `_apply` changed back to u."""
    for i in range(touched):
        f = changed[i]
        if saved[i, 0] >= 0:
            faces[f, saved[i, 0]] = u
            corners[f, saved[i, 0]] = saved[i, 1]
        alive[f] = True


@njit(cache=True, nogil=True)
@typing.no_type_check
def _merge(u, v, collapsed_to, count, quadrics, mass):
    """Record that u was moved onto v."""
    collapsed_to[u] = v
    count[u] = 0
    quadrics[v] += quadrics[u]
    mass[v] += mass[u]


@njit(cache=True, nogil=True)
@typing.no_type_check
def _push_around(v, heap, faces, alive, start, count, pool, points, quadrics, mass, spread, keep):
    for i in range(start[v], start[v] + count[v]):
        f = pool[i]
        if not alive[f]:
            continue
        for k in range(3):
            n = faces[f, k]
            if n != v:
                _push(min(n, v), max(n, v), heap, points, quadrics, mass, spread, keep)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _best(a, b, points, quadrics, mass, spread, keep):
    """Return the cheaper direction of edge (a, b): cost, from, to; on a tie b stays (CoMA's rule with its ``<``)."""
    cost_a = np.inf if keep[a] else _cost(a, b, points, quadrics, mass, spread)
    cost_b = np.inf if keep[b] else _cost(b, a, points, quadrics, mass, spread)
    if cost_b < cost_a:
        return cost_b, b, a
    return cost_a, a, b


@njit(cache=True, nogil=True)
@typing.no_type_check
def _push(a, b, heap, points, quadrics, mass, spread, keep):
    cost, _, _ = _best(a, b, points, quadrics, mass, spread, keep)
    if cost < np.inf:
        heapq.heappush(heap, (cost, a, b))


@njit(cache=True, nogil=True)
@typing.no_type_check
def collapse(faces, corners, points, quadrics, mass, uv, keep, mirror, target, spread, exact):
    """Collapse until `target` vertices are left or no collapse is allowed; writes into its arrays.

    Args:
        faces: (F, 3) int64, changed.
        corners: (F, 3) int64 texture corners, changed.
        points: (V, S, 3) float64 positions in every shape.
        quadrics: (V, S, 10) float64, changed.
        mass: (V,) float64 weight of each vertex in the penalty on distance, changed.
        uv: (T, 2) float64; empty where there is no texture, with corners all zero.
        keep: (V,) bool, vertices that stay.
        mirror: (V,) int64 partner, or the empty array.
        target: number of vertices to stop at.
        spread: weight of the squared distance.
        exact: whether a pair is removed only where at least `target` vertices remain.

    Returns:
        mask of the triangles left (F,) bool; the vertex that each was moved onto in one step (V,) int64, itself where it
        stayed.
    """
    n_vertices, n_faces = points.shape[0], faces.shape[0]
    alive = np.ones(n_faces, np.bool_)
    collapsed_to = np.arange(n_vertices)
    count = np.zeros(n_vertices, np.int64)
    for f in range(n_faces):
        for k in range(3):
            count[faces[f, k]] += 1
    start = np.zeros(n_vertices, np.int64)
    for v in range(1, n_vertices):
        start[v] = start[v - 1] + count[v - 1]
    pool = np.zeros(n_faces * 3 * 24 + 4096, np.int64)
    place = start.copy()
    for f in range(n_faces):
        for k in range(3):
            v = faces[f, k]
            pool[place[v]] = f
            place[v] += 1
    fill = n_faces * 3
    used = 0
    for v in range(n_vertices):
        used += count[v] > 0
    marks = np.zeros(n_vertices, np.int64)
    changed, saved = np.zeros(n_faces, np.int64), np.zeros((n_faces, 2), np.int64)
    changed2, saved2 = np.zeros(n_faces, np.int64), np.zeros((n_faces, 2), np.int64)
    paired = len(mirror) > 0
    # Collapses that are not allowed now may be allowed later, so passes over all edges go on while one of them succeeds.
    progress = True
    while used > target and progress:
        progress = False
        heap = [(0.0, np.int64(0), np.int64(0))]
        heap.pop()
        for f in range(n_faces):
            if alive[f]:
                for k in range(3):
                    a, b = faces[f, k], faces[f, (k + 1) % 3]
                    if a < b:
                        _push(a, b, heap, points, quadrics, mass, spread, keep)
                    else:
                        # boundary edges run one way only
                        _push(b, a, heap, points, quadrics, mass, spread, keep)
        while used > target and len(heap) > 0:
            popped, a, b = heapq.heappop(heap)
            if collapsed_to[a] != a or collapsed_to[b] != b:
                continue
            # the heap is lazy: an edge whose cost has grown since it was pushed goes back
            cost, u, v = _best(a, b, points, quadrics, mass, spread, keep)
            if cost > popped * (1.0 + 1e-9) + 1e-300:
                heapq.heappush(heap, (cost, a, b))
                continue
            if fill + 4 * n_faces > len(pool):
                fill = _compact(alive, start, count, pool, collapsed_to)
            for attempt in range(2):  # the cheaper direction, then the other
                if attempt == 1:
                    u, v = v, u
                    if keep[u]:
                        break
                mu, mv = u, v
                if paired:
                    mu, mv = mirror[u], mirror[v]
                    # the mirror image must be possible too, and not interfere with this collapse
                    if mu < 0 or mv < 0 or keep[mu] or collapsed_to[mu] != mu or collapsed_to[mv] != mv or mu == v:
                        continue
                    if (mu == u and mv != v) or (exact and mu != u and used == target + 1):
                        continue
                if not is_allowed(u, v, faces, corners, alive, start, count, pool, points, uv, marks):
                    continue
                start_v, count_v = start[v], count[v]
                before = fill
                fill, touched = _apply(u, v, faces, corners, alive, start, count, pool, fill, changed, saved)
                if mu != u:  # its mirror image must be allowed after it, else both are dropped
                    if not is_allowed(mu, mv, faces, corners, alive, start, count, pool, points, uv, marks):
                        _undo(u, touched, faces, corners, alive, changed, saved)
                        start[v], count[v], fill = start_v, count_v, before
                        continue
                    fill, _ = _apply(mu, mv, faces, corners, alive, start, count, pool, fill, changed2, saved2)
                _merge(u, v, collapsed_to, count, quadrics, mass)
                used -= 1
                if mu != u:
                    _merge(mu, mv, collapsed_to, count, quadrics, mass)
                    used -= 1
                    _push_around(
                        mv, heap, faces, alive, start, count, pool, points, quadrics, mass, spread, keep
                    )  # fmt: skip
                _push_around(v, heap, faces, alive, start, count, pool, points, quadrics, mass, spread, keep)
                progress = True
                break
    return alive, collapsed_to


@njit(cache=True, nogil=True)
@typing.no_type_check
def _compact(alive, start, count, pool, collapsed_to):
    """Rewrite the pool without dead triangles; return its new fill."""
    fresh = np.zeros_like(pool)
    fill = 0
    for v in range(len(start)):
        first = fill
        if collapsed_to[v] == v:
            for i in range(start[v], start[v] + count[v]):
                if alive[pool[i]]:
                    fresh[fill] = pool[i]
                    fill += 1
        start[v], count[v] = first, fill - first
    pool[:] = fresh
    return fill
