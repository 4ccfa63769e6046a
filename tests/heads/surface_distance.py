"""Exact distance from points to a triangle mesh and how deep they lie inside it: the tests' own oracle."""

import numpy as np
from numba import njit
from scipy.spatial import cKDTree


@njit(cache=False)
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=False)
def _from(a, b):
    return b[0] - a[0], b[1] - a[1], b[2] - a[2]


@njit(cache=False)
def _along(p, a, way, t):
    x = p[0] - a[0] - t * way[0], p[1] - a[1] - t * way[1], p[2] - a[2] - t * way[2]
    return _dot(x, x)


@njit(cache=False)
def _nearest(points, corners, candidates, distance):
    for i in range(len(points)):
        best = np.inf
        p = (points[i, 0], points[i, 1], points[i, 2])
        for j in range(candidates.shape[1]):
            t = corners[candidates[i, j]]
            a, b, c = (
                (t[0, 0], t[0, 1], t[0, 2]),
                (t[1, 0], t[1, 1], t[1, 2]),
                (t[2, 0], t[2, 1], t[2, 2]),
            )
            # Ericson, "Real-Time Collision Detection" (2005), section 5.1.5
            ab, ac, bc, ap, bp, cp = (
                _from(a, b),
                _from(a, c),
                _from(b, c),
                _from(a, p),
                _from(b, p),
                _from(c, p),
            )
            d1, d2, d3, d4, d5, d6 = (
                _dot(ab, ap),
                _dot(ac, ap),
                _dot(ab, bp),
                _dot(ac, bp),
                _dot(ab, cp),
                _dot(ac, cp),
            )
            va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
            if d1 <= 0 and d2 <= 0:
                squared = _dot(ap, ap)
            elif d3 >= 0 and d4 <= d3:
                squared = _dot(bp, bp)
            elif d6 >= 0 and d5 <= d6:
                squared = _dot(cp, cp)
            elif vc <= 0 and d1 >= 0 and d3 <= 0:
                squared = _along(p, a, ab, d1 / (d1 - d3))
            elif vb <= 0 and d2 >= 0 and d6 <= 0:
                squared = _along(p, a, ac, d2 / (d2 - d6))
            elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
                squared = _along(p, b, bc, (d4 - d3) / ((d4 - d3) + (d5 - d6)))
            else:
                v, w = vb / (va + vb + vc), vc / (va + vb + vc)
                gap = (
                    ap[0] - v * ab[0] - w * ac[0],
                    ap[1] - v * ab[1] - w * ac[1],
                    ap[2] - v * ab[2] - w * ac[2],
                )
                squared = _dot(gap, gap)
            best = min(best, squared)
        distance[i] = np.sqrt(best)


@njit(cache=False)
def _winding(points, corners, turns):
    """Solid angle of the surface seen from each point over 4 pi (van Oosterom and Strackee, 1983)."""
    for i in range(len(points)):
        total = 0.0
        p = (points[i, 0], points[i, 1], points[i, 2])
        for f in range(len(corners)):
            t = corners[f]
            a = (t[0, 0] - p[0], t[0, 1] - p[1], t[0, 2] - p[2])
            b = (t[1, 0] - p[0], t[1, 1] - p[1], t[1, 2] - p[2])
            c = (t[2, 0] - p[0], t[2, 1] - p[1], t[2, 2] - p[2])
            la, lb, lc = np.sqrt(_dot(a, a)), np.sqrt(_dot(b, b)), np.sqrt(_dot(c, c))
            cross = (
                b[1] * c[2] - b[2] * c[1],
                b[2] * c[0] - b[0] * c[2],
                b[0] * c[1] - b[1] * c[0],
            )
            base = la * lb * lc + _dot(a, b) * lc + _dot(b, c) * la + _dot(c, a) * lb
            total += 2.0 * np.arctan2(_dot(a, cross), base)
        turns[i] = total / (4.0 * np.pi)


def candidates_of(points, corners, count):
    """The `count` triangles whose centers are nearest: their distance bounds the true one from above."""
    return cKDTree(corners.mean(1)).query(points, k=min(count, len(corners)))[1]


def distances(points, corners, candidates):
    """Distance (N,) of points (N,3) to the candidate triangles (N,k) of (F,3,3)."""
    distance = np.zeros(len(points))
    _nearest(np.ascontiguousarray(points), np.ascontiguousarray(corners), candidates, distance)
    return distance


def depths(points, corners, body, count=24):
    """How far inside closed bodies each point lies (N,), 0 outside; ``body`` (F,) numbers the body of each triangle."""
    depth = np.zeros(len(points))
    for number in np.unique(body):
        own = np.ascontiguousarray(corners[body == number])
        low, high = own.min((0, 1)), own.max((0, 1))
        maybe = np.flatnonzero(((points > low) & (points < high)).all(1))
        turns = np.zeros(len(maybe))
        _winding(np.ascontiguousarray(points[maybe]), own, turns)
        inner = maybe[turns > 0.5]
        if len(inner):
            found = distances(points[inner], own, candidates_of(points[inner], own, count))
            depth[inner] = np.maximum(depth[inner], found)
    return depth
