"""Rules of `mesh._collapse`: which vertex may move onto which, so that surface, seams and triangles stay sound.

V vertices, F triangles, S shapes. Arrays are those of `mesh._collapse.collapse`.
"""

import typing

import numpy as np

from headform.kernels.jit import njit

_TURN = 0.2  # least cosine between the normals of a triangle before and after, first shape
_UV_QUALITY = 0.02  # least area of a texture triangle over its squared legs; below, it may lose half its area at most
_QUALITY = 0.08  # least shape quality (1 equilateral) of a new triangle, if the old was better


@njit(cache=True, nogil=True)
@typing.no_type_check
def corner_of(face, v):
    for k in range(3):
        if face[k] == v:
            return k
    return -1


@njit(cache=True, nogil=True)
@typing.no_type_check
def is_allowed(u, v, faces, corners, alive, start, count, pool, points, uv, marks):
    """Return whether u may move onto v: manifold, boundary, seams, orientation; ``marks`` is scratch, (V,) zeros."""
    # A wedge is a texture corner of u: one in the interior of a chart, two on a seam. Each must find the corner of v that
    # it moves onto in a triangle that contains both, else a chart would tear.
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
        k = corner_of(faces[f], u)
        w = corners[f, k]
        if wedges == 0:
            wedge_a, wedges = w, 1
        elif w != wedge_a and wedges == 1:
            wedge_b, wedges = w, 2
        elif w != wedge_a and w != wedge_b:
            return False
        other = corner_of(faces[f], v)
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
    if not _link_condition(u, v, shared, faces, alive, start, count, pool, marks) or valence <= shared:
        return False
    for i in range(start[u], start[u] + count[u]):
        f = pool[i]
        if not alive[f] or corner_of(faces[f], v) >= 0:
            continue
        k = corner_of(faces[f], u)
        b, c = faces[f, (k + 1) % 3], faces[f, (k + 2) % 3]
        if _duplicates(u, v, b, c, faces, alive, start, count, pool):
            return False
        for s in range(points.shape[1]):
            if not _upright(points[u, s], points[v, s], points[b, s], points[c, s], s == 0):
                return False
        if len(uv) > 0:
            to = target_a if corners[f, k] == wedge_a else target_b
            if not _uv_upright(uv[corners[f, k]], uv[to], uv[corners[f, (k + 1) % 3]], uv[corners[f, (k + 2) % 3]]):
                return False
    return True


@njit(cache=True, nogil=True)
@typing.no_type_check
def _link_condition(u, v, shared, faces, alive, start, count, pool, marks):
    """Return whether the surface stays manifold: u and v share as many neighbors as triangles, and boundaries are kept."""
    # a neighbor of u is in one triangle of u on the boundary, in two elsewhere; a boundary vertex moves along it only
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
    return good and common == shared


@njit(cache=True, nogil=True)
@typing.no_type_check
def _duplicates(u, v, b, c, faces, alive, start, count, pool):
    """Return whether triangle (v, b, c) exists already."""
    for j in range(start[v], start[v] + count[v]):
        g = pool[j]
        if alive[g] and corner_of(faces[g], b) >= 0 and corner_of(faces[g], c) >= 0:
            if corner_of(faces[g], u) < 0:
                return True
    return False


@njit(cache=True, nogil=True)
@typing.no_type_check
def _uv_upright(old, new, p, q):
    """Return whether texture triangle (old, p, q), moved to (new, p, q), stays positive and keeps most of its area."""
    area = (p[0] - new[0]) * (q[1] - new[1])
    area -= (q[0] - new[0]) * (p[1] - new[1])
    legs = (p[0] - new[0]) ** 2 + (p[1] - new[1]) ** 2
    legs += (q[0] - new[0]) ** 2 + (q[1] - new[1]) ** 2
    if area > _UV_QUALITY * legs:
        return True
    before = (p[0] - old[0]) * (q[1] - old[1])
    before -= (q[0] - old[0]) * (p[1] - old[1])
    return not (area <= 0.5 * before or area <= 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
@typing.no_type_check
def _upright(u, v, b, c, strict):
    """Return whether triangle (u, b, c), moved to (v, b, c), keeps its orientation and, if `strict`, an acceptable shape."""
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
