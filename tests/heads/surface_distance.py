"""Exact distance from points to a triangle mesh and how deep they lie inside it: the tests' own oracle."""

import numpy as np
from numba import njit
from scipy.spatial import cKDTree


@njit(cache=False)
def _nearest(points, corners, candidates, distance):
    for i in range(len(points)):
        best = np.inf
        for j in range(candidates.shape[1]):
            f = candidates[i, j]
            a, b, c = corners[f, 0], corners[f, 1], corners[f, 2]
            p = points[i]
            # Ericson, "Real-Time Collision Detection" (2005), section 5.1.5
            ab, ac, ap = b - a, c - a, p - a
            d1, d2 = np.sum(ab * ap), np.sum(ac * ap)
            bp = p - b
            d3, d4 = np.sum(ab * bp), np.sum(ac * bp)
            cp = p - c
            d5, d6 = np.sum(ab * cp), np.sum(ac * cp)
            va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
            if d1 <= 0 and d2 <= 0:
                q = a
            elif d3 >= 0 and d4 <= d3:
                q = b
            elif d6 >= 0 and d5 <= d6:
                q = c
            elif vc <= 0 and d1 >= 0 and d3 <= 0:
                q = a + d1 / (d1 - d3) * ab
            elif vb <= 0 and d2 >= 0 and d6 <= 0:
                q = a + d2 / (d2 - d6) * ac
            elif va <= 0 and d4 - d3 >= 0 and d5 - d6 >= 0:
                q = b + (d4 - d3) / ((d4 - d3) + (d5 - d6)) * (c - b)
            else:
                q = a + vb / (va + vb + vc) * ab + vc / (va + vb + vc) * ac
            best = min(best, np.sqrt(np.sum((p - q) ** 2)))
        distance[i] = best


@njit(cache=False)
def _winding(points, corners, turns):
    """Solid angle of the surface seen from each point over 4 pi (van Oosterom and Strackee, 1983)."""
    for i in range(len(points)):
        total = 0.0
        for f in range(len(corners)):
            a, b, c = corners[f, 0] - points[i], corners[f, 1] - points[i], corners[f, 2] - points[i]
            la, lb, lc = np.sqrt(np.sum(a * a)), np.sqrt(np.sum(b * b)), np.sqrt(np.sum(c * c))
            volume = (
                a[0] * (b[1] * c[2] - b[2] * c[1])
                + a[1] * (b[2] * c[0] - b[0] * c[2])
                + a[2] * (b[0] * c[1] - b[1] * c[0])
            )
            base = la * lb * lc + np.sum(a * b) * lc + np.sum(b * c) * la + np.sum(c * a) * lb
            total += 2.0 * np.arctan2(volume, base)
        turns[i] = total / (4.0 * np.pi)


def candidates_of(points, corners, count):
    """The `count` triangles whose centres are nearest: their distance bounds the true one from above."""
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
