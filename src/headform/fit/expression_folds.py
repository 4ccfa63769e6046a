"""Shortening of the skin by an expression, where it folds: the posed surface against the same at rest.

V vertices, F faces.

A smile folds the cheek beside the mouth and below the eyes. A head model presses its triangles together instead, and tells
by how much: the smaller principal stretch of a triangle is the root of the smaller eigenvalue of I⁻¹ I', where I and I' are
its first fundamental forms at rest and posed, the products of two of its edges.
"""

import typing

import numpy as np
from jaxtyping import Float, Float64, Integer

from headform.kernels.jit import njit

_TINY = 1e-18
"""Least squared area at rest that tells anything, m⁴: a triangle of a square micrometer has more."""


def least_stretch(
    rest: Float[np.ndarray, "V 3"], posed: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]
) -> Float64[np.ndarray, " F"]:
    """Compute the smaller principal stretch of each face: 1 where lengths are those at rest, 0.8 if one is a fifth shorter.

    Args:
        rest: Vertices at rest, meters.
        posed: The same vertices posed, meters.
        faces: Vertex indices.
    """
    out = np.empty(len(faces))
    points = (np.ascontiguousarray(each, np.float64) for each in (rest, posed))
    _stretch_kernel(*points, np.ascontiguousarray(faces, np.int32), out)
    return out


def shortening(
    rest: Float[np.ndarray, "V 3"], posed: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]
) -> Float64[np.ndarray, " V"]:
    """Compute by what part the skin at each vertex is shorter than at rest along the direction in which it is shortest.

    Args:
        rest: Vertices at rest, meters.
        posed: The same vertices with an expression, meters.
        faces: Vertex indices.

    Returns:
        Mean of the faces around, at least 0; 0 for a vertex without faces.
    """
    shorter = np.maximum(1 - least_stretch(rest, posed, faces), 0)
    total = np.bincount(faces.T.reshape(-1), np.tile(shorter, 3), len(rest))
    return np.asarray(total / np.maximum(np.bincount(faces.T.reshape(-1), minlength=len(rest)), 1))


@njit(cache=True, nogil=True)
@typing.no_type_check
def _form(points, i, j, m):
    """Return the first fundamental form of a face: its first edge by itself, by the other, the other by itself."""
    a = b = c = 0.0
    for k in range(3):
        one, other = points[j, k] - points[i, k], points[m, k] - points[i, k]
        a += one * one
        b += one * other
        c += other * other
    return a, b, c


@njit(cache=True, nogil=True)
@typing.no_type_check
def _stretch_kernel(rest, posed, faces, out):
    """Write the smaller principal stretch of each face (F,)."""
    for n in range(len(faces)):
        a, b, c = _form(rest, faces[n, 0], faces[n, 1], faces[n, 2])
        e, f, g = _form(posed, faces[n, 0], faces[n, 1], faces[n, 2])
        area = max(a * c - b * b, _TINY)
        half_trace = (c * e - 2 * b * f + a * g) / (2 * area)
        apart = max(half_trace * half_trace - (e * g - f * f) / area, 0.0)
        out[n] = np.sqrt(max(half_trace - np.sqrt(apart), 0.0))
