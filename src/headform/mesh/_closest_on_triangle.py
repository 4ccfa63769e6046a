"""Closest point of one segment and of one triangle, for kernels.

Points are (3,) float64 arrays; squared distances are in the square of their unit.
"""

import typing

from headform.kernels.jit import njit


@njit(cache=True, nogil=True)
@typing.no_type_check
def on_segment(p, a, b):
    """Return the weight of b, and the squared distance, of the point of segment ab that is closest to p."""
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
    """Return barycentric weights, and the squared distance, of the point of triangle abc that is closest to p.

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
