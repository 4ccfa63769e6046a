"""Search for the nearest triangle: a traversal of the tree of boxes, with a packed table of triangles.

F triangles, M nodes, P points; all float64. The table makes a triangle's squared distance cheap (no normal, two divisions
at most). The returned weights and distance come from `_closest_on_triangle`, which also handles triangles so thin that the
table's arithmetic would lose digits.
"""

import typing

import numpy as np

from headform.kernels.jit import njit
from headform.mesh._closest_on_triangle import on_triangle

_THIN = 1e-8  # squared sine of the first corner's angle below which the table's arithmetic is not used


@njit(cache=True, nogil=True)
@typing.no_type_check
def pack(corners):
    """Pack each triangle as its first corner, the two sides u, v that leave it, and u·u, u·v, v·v: (F, 12)."""
    table = np.empty((len(corners), 12))
    for f in range(len(corners)):
        row = table[f]
        for k in range(3):
            row[k] = corners[f, 0, k]
            row[3 + k] = corners[f, 1, k] - corners[f, 0, k]
            row[6 + k] = corners[f, 2, k] - corners[f, 0, k]
        row[9:] = 0.0
        for k in range(3):
            row[9] += row[3 + k] * row[3 + k]
            row[10] += row[3 + k] * row[6 + k]
            row[11] += row[6 + k] * row[6 + k]
    return table


@njit(cache=True, nogil=True, inline="always")
@typing.no_type_check
def _clamped(along, length):
    return 0.0 if length <= 0.0 else min(max(along / length, 0.0), 1.0)


@njit(cache=True, nogil=True, inline="always")
@typing.no_type_check
def _to_triangle(x, y, z, table, f):
    """Return the squared distance of (x, y, z) to a triangle; -1 for one too thin for this arithmetic."""
    a, b, c = table[f, 9], table[f, 10], table[f, 11]
    determinant = a * c - b * b
    if determinant <= _THIN * a * c:
        return -1.0
    x, y, z = x - table[f, 0], y - table[f, 1], z - table[f, 2]
    d = x * table[f, 3] + y * table[f, 4] + z * table[f, 5]
    e = x * table[f, 6] + y * table[f, 7] + z * table[f, 8]
    v, w = c * d - b * e, a * e - b * d
    if v >= 0.0 and w >= 0.0 and v + w <= determinant:
        v, w = v / determinant, w / determinant
    else:  # the best of the three sides, each as |p|² plus what the step along the side changes
        v, w = _clamped(d, a), 0.0
        least = v * (v * a - 2.0 * d)
        t = _clamped(e, c)
        other = t * (t * c - 2.0 * e)
        if other < least:
            v, w, least = 0.0, t, other
        t = _clamped(e - d + a - b, a - 2.0 * b + c)
        s = 1.0 - t
        if s * (s * a - 2.0 * d) + t * (t * c - 2.0 * e) + 2.0 * s * t * b < least:
            v, w = s, t
    x -= v * table[f, 3] + w * table[f, 6]
    y -= v * table[f, 4] + w * table[f, 7]
    z -= v * table[f, 5] + w * table[f, 8]
    return x * x + y * y + z * z


@njit(cache=True, nogil=True, inline="always")
@typing.no_type_check
def _to_box(x, y, z, low, high, n):
    dx = max(low[n, 0] - x, x - high[n, 0], 0.0)
    dy = max(low[n, 1] - y, y - high[n, 1], 0.0)
    dz = max(low[n, 2] - z, z - high[n, 2], 0.0)
    return dx * dx + dy * dy + dz * dz


@njit(cache=True, nogil=True)
@typing.no_type_check
def search(points, corners, table, order, child, low, high):
    """Find the nearest triangle of every point.

    Args:
        points: (P, 3) float64.
        corners: (F, 3, 3) float64.
        table: (F, 12) float64 table of `pack`.
        order: (F,) int64; this and the next three are the tree of `_box_tree.build_tree`.
        child: (M, 2) int64.
        low: (M, 3) float64.
        high: (M, 3) float64.

    Returns:
        triangle (P,) int64, weights (P, 3), squared (P,).
    """
    count = len(points)
    triangle = np.zeros(count, np.int64)
    weights = np.zeros((count, 3))
    squared = np.zeros(count)
    stack, ahead = np.zeros(128, np.int64), np.zeros(128)
    for i in range(count):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        best, nearest = np.inf, 0
        depth, stack[0], ahead[0] = 1, 0, 0.0
        while depth > 0:
            depth -= 1
            # rounding must not cut off a triangle that touches its box
            if ahead[depth] > best * (1.0 + 1e-12):
                continue
            near, far = child[stack[depth], 0], child[stack[depth], 1]
            if near < 0:
                for j in range(-near - 1, far):
                    f = order[j]
                    d = _to_triangle(x, y, z, table, f)
                    if d < 0.0:
                        d = on_triangle(points[i], corners[f, 0], corners[f, 1], corners[f, 2])[3]
                    if d < best or (d == best and f < nearest):
                        best, nearest = d, f
                continue
            near_distance = _to_box(x, y, z, low, high, near)
            far_distance = _to_box(x, y, z, low, high, far)
            if far_distance < near_distance:
                near, far, near_distance, far_distance = far, near, far_distance, near_distance
            stack[depth], ahead[depth] = far, far_distance
            stack[depth + 1], ahead[depth + 1] = near, near_distance  # the nearer is searched first
            depth += 2
        triangle[i] = nearest
        a, b, c = corners[nearest, 0], corners[nearest, 1], corners[nearest, 2]
        weights[i, 0], weights[i, 1], weights[i, 2], squared[i] = on_triangle(points[i], a, b, c)
    return triangle, weights, squared
