"""Quadric error: the summed squared distance from planes, the cost of a collapse in both simplifications.

A quadric is the symmetric 4 x 4 matrix of Garland and Heckbert (1997) as xx xy xz xw yy yz yw zz zw ww.
"""

import typing

import numpy as np
from jaxtyping import Float

from headform.kernels.jit import njit


def plane_quadric(normal: Float[np.ndarray, "*F 3"], point: Float[np.ndarray, "*F 3"]) -> Float[np.ndarray, "*F 10"]:
    """Return the quadric of each plane, given by a unit normal and a point of it."""
    plane = np.concatenate([normal, -(normal * point).sum(-1, keepdims=True)], axis=-1)
    first, second = np.triu_indices(4)
    return plane[..., first] * plane[..., second]


@njit(cache=True, nogil=True)
@typing.no_type_check
def quadric_value(q, x, y, z):
    """Evaluate a quadric, ten numbers, at a point; rounding may leave a value slightly below 0."""
    return (
        q[0] * x * x + q[4] * y * y + q[7] * z * z + q[9]
        + 2.0 * (q[1] * x * y + q[2] * x * z + q[5] * y * z + q[3] * x + q[6] * y + q[8] * z)
    )  # fmt: skip
