"""The compiled part of `mesh.simplify`: half-edge collapses on a triangle mesh with texture corners and several shapes.

V vertices, F triangles, S shapes. No argument is checked here; `simplify` does. A vertex keeps its triangles as a slice of
a growing pool: ``pool[start[v] : start[v] + count[v]]``; dead triangles stay and are skipped. A quadric is the symmetric
4 x 4 matrix of Garland and Heckbert (1997) as xx xy xz xw yy yz yw zz zw ww.
"""

import heapq
import typing

import numpy as np
from numba import njit

from headform.mesh._quadric import quadric_value

_TURN = 0.2  # least cosine between the normals of a triangle before and after, first shape
_QUALITY = 0.08  # least shape quality (1 equilateral) of a new triangle, if the old was better


@njit(cache=True, nogil=True)
@typing.no_type_check
def _cost(u, v, points, quadrics, mass, spread):
    """Price of moving u onto v: the summed quadrics at v in every shape, and a little for a long way."""
    total = 0.0
    for s in range(points.shape[1]):
        x, y, z = points[v, s, 0], points[v, s, 1], points[v, s, 2]
        total += max(quadric_value(quadrics[u, s], x, y, z), 0.0)
        total += max(quadric_value(quadrics[v, s], x, y, z), 0.0)
    way = 0.0
    for c in range(3):
        way += (points[u, 0, c] - points[v, 0, c]) ** 2
    return total + spread * mass[u] * way


@njit(cache=True, nogil=True)
@typing.no_type_check
def _corner(face, v):
    for k in range(3):
        if face[k] == v:
            return k
    return -1


@njit(cache=True, nogil=True)
@typing.no_type_check
def _allowed(u, v, faces, corners, alive, start, count, pool, points, uv, marks):
    """Whether u may go onto v: manifold, boundary, seams, orientation. ``marks`` is a scratch array (V,) of zeros."""
    # triangles of both, wedges of u
    shared = 0
    wedges = 0
    wedge_a, wedge_b = -1, -1
    target_a, target_b = -1, -1
    valence = 0
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if not alive[f]:
            continue
        valence += 1
        k = _corner(faces[f], u)
        w = corners[f, k]
        if wedges == 0:
            wedge_a, wedges = w, 1
        elif w != wedge_a and wedges == 1:
            wedge_b, wedges = w, 2
        elif w != wedge_a and w != wedge_b:
            return False
        other = _corner(faces[f], v)
        if other >= 0:
            shared += 1
            to = corners[f, other]
            if w == wedge_a:
                if target_a >= 0 and target_a != to:
                    return False
                target_a = to
            else:
                if target_b >= 0 and target_b != to:
                    return False
                target_b = to
    if shared < 1 or shared > 2:
        return False
    if target_a < 0 or (wedges == 2 and target_b < 0):
        return False
    if wedges == 2 and (shared != 2 or target_a == target_b):
        return False
    # neighbors of u: seen once (boundary) or twice
    once = 0
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if alive[f]:
            for k in range(3):
                marks[faces[f, k]] += 1
    common = 0
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if alive[f]:
            for k in range(3):
                n = faces[f, k]
                if n != u and marks[n] == 1:
                    once += 1
    good = not (once > 0 and shared != 1) and not (once == 0 and shared != 2)
    # vertices around v that are also around u
    if good:
        for i in range(start[v], start[v] + count[v]):
            f = pool[i]
            if not alive[f]:
                continue
            for k in range(3):
                n = faces[f, k]
                if n != u and n != v and marks[n] > 0:
                    marks[n] = -marks[n]
                    common += 1
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if alive[f]:
            for k in range(3):
                marks[faces[f, k]] = 0
    if not good or common != shared:
        return False
    if valence <= shared:
        return False
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if not alive[f] or _corner(faces[f], v) >= 0:
            continue
        k = _corner(faces[f], u)
        b, c = faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
        # the same triangle must not exist already
        for j in range(start[v], start[v] + count[v]):
            g = pool[j]
            if alive[g] and _corner(faces[g], b) >= 0 and _corner(faces[g], c) >= 0:
                if _corner(faces[g], u) < 0:
                    return False
        for s in range(points.shape[1]):
            if not _upright(points[u, s], points[v, s], points[b, s], points[c, s], s == 0):
                return False
        if len(uv) == 0:
            continue
        to = target_a if corners[f, k] == wedge_a else target_b
        p, q = corners[f, (k + 1) % 3], corners[f, (k + 2) % 3]
        area = (uv[p, 0] - uv[to, 0]) * (uv[q, 1] - uv[to, 1])
        area -= (uv[q, 0] - uv[to, 0]) * (uv[p, 1] - uv[to, 1])
        legs = (uv[p, 0] - uv[to, 0]) ** 2 + (uv[p, 1] - uv[to, 1]) ** 2
        legs += (uv[q, 0] - uv[to, 0]) ** 2 + (uv[q, 1] - uv[to, 1]) ** 2
        if area <= 0.02 * legs:
            k0 = corners[f, k]
            old = (uv[p, 0] - uv[k0, 0]) * (uv[q, 1] - uv[k0, 1])
            old -= (uv[q, 0] - uv[k0, 0]) * (uv[p, 1] - uv[k0, 1])
            if area <= 0.5 * old or area <= 0.0:
                return False
    return True


@njit(cache=True, nogil=True)
@typing.no_type_check
def _upright(u, v, b, c, strict):
    """Whether triangle (u, b, c), become (v, b, c), keeps its side and, where `strict`, a decent form."""
    ab0, ab1, ab2 = b[0] - u[0], b[1] - u[1], b[2] - u[2]
    ac0, ac1, ac2 = c[0] - u[0], c[1] - u[1], c[2] - u[2]
    n0, n1, n2 = ab1 * ac2 - ab2 * ac1, ab2 * ac0 - ab0 * ac2, ab0 * ac1 - ab1 * ac0
    vb0, vb1, vb2 = b[0] - v[0], b[1] - v[1], b[2] - v[2]
    vc0, vc1, vc2 = c[0] - v[0], c[1] - v[1], c[2] - v[2]
    m0, m1, m2 = vb1 * vc2 - vb2 * vc1, vb2 * vc0 - vb0 * vc2, vb0 * vc1 - vb1 * vc0
    old = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
    new = np.sqrt(m0 * m0 + m1 * m1 + m2 * m2)
    dot = n0 * m0 + n1 * m1 + n2 * m2
    if not strict:
        return dot > 0.0 or old == 0.0
    if dot < _TURN * old * new:
        return False
    bc = (b[0] - c[0]) ** 2 + (b[1] - c[1]) ** 2 + (b[2] - c[2]) ** 2
    old_legs = ab0 * ab0 + ab1 * ab1 + ab2 * ab2 + ac0 * ac0 + ac1 * ac1 + ac2 * ac2 + bc
    new_legs = vb0 * vb0 + vb1 * vb1 + vb2 * vb2 + vc0 * vc0 + vc1 * vc1 + vc2 * vc2 + bc
    quality = 2.0 * np.sqrt(3.0) * new / new_legs
    return quality >= min(_QUALITY, 2.0 * np.sqrt(3.0) * old / old_legs) and new > 0.0


@njit(cache=True, nogil=True)
@typing.no_type_check
def _apply(u, v, faces, corners, alive, start, count, pool, fill, changed, saved):
    """Move u onto v. Returns the new fill of the pool and how many triangles of u were touched (for `_undo`)."""
    wedge_a, target_a, target_b = -1, -1, -1
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if alive[f]:
            other = _corner(faces[f], v)
            if other >= 0:
                w = corners[f, _corner(faces[f], u)]
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
        k = _corner(faces[f], u)
        changed[touched] = f
        saved[touched, 0], saved[touched, 1] = k, corners[f, k]
        touched += 1
        if _corner(faces[f], v) >= 0:
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
    """Cheaper direction of edge (a, b): cost, from, to; on a tie b stays (CoMA's rule with its ``<``)."""
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
    """Collapse until `target` vertices are left or nothing may go. Writes into its arrays.

    Args:
        faces: (F, 3) int64, changed.
        corners: (F, 3) int64 texture corners, changed.
        points: (V, S, 3) float64 positions in every shape.
        quadrics: (V, S, 10) float64, changed.
        mass: (V,) float64 weight of each vertex in the price of a long way, changed.
        uv: (T, 2) float64; empty where there is no texture, with corners all zero.
        keep: (V,) bool, vertices that stay.
        mirror: (V,) int64 partner, or the empty array.
        target: number of vertices to stop at.
        spread: weight of the squared way.
        exact: whether a pair may go only where `target` is not undercut.

    Returns:
        alive triangles (F,) bool, where each vertex was collapsed to in one step (V,) int64 (itself where it stayed).
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
            cost, u, v = _best(a, b, points, quadrics, mass, spread, keep)
            if cost > popped * (1.0 + 1e-9) + 1e-300:
                heapq.heappush(heap, (cost, a, b))
                continue
            if fill + 4 * n_faces > len(pool):
                fill = _compact(alive, start, count, pool, collapsed_to)
            for attempt in range(2):
                if attempt == 1:
                    u, v = v, u
                    if keep[u]:
                        break
                mu, mv = u, v
                if paired:
                    mu, mv = mirror[u], mirror[v]
                    if mu < 0 or mv < 0 or keep[mu] or collapsed_to[mu] != mu or collapsed_to[mv] != mv or mu == v:
                        continue
                    if (mu == u and mv != v) or (exact and mu != u and used == target + 1):
                        continue
                if not _allowed(u, v, faces, corners, alive, start, count, pool, points, uv, marks):
                    continue
                start_v, count_v = start[v], count[v]
                before = fill
                fill, touched = _apply(u, v, faces, corners, alive, start, count, pool, fill, changed, saved)
                if mu != u:
                    if not _allowed(mu, mv, faces, corners, alive, start, count, pool, points, uv, marks):
                        for i in range(touched):
                            f = changed[i]
                            if saved[i, 0] >= 0:
                                faces[f, saved[i, 0]] = u
                                corners[f, saved[i, 0]] = saved[i, 1]
                            alive[f] = True
                        start[v], count[v], fill = start_v, count_v, before
                        continue
                    fill, _ = _apply(mu, mv, faces, corners, alive, start, count, pool, fill, changed2, saved2)
                collapsed_to[u] = v
                count[u] = 0
                quadrics[v] += quadrics[u]
                mass[v] += mass[u]
                used -= 1
                if mu != u:
                    collapsed_to[mu] = mv
                    count[mu] = 0
                    quadrics[mv] += quadrics[mu]
                    mass[mv] += mass[mu]
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
    """Rewrite the pool without dead triangles; returns its new fill."""
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
