"""Quadric error: the squared distance from planes, as both simplifications price a collapse.

A quadric is the symmetric 4 x 4 matrix of Garland and Heckbert (1997) as xx xy xz xw yy yz yw zz zw ww.
"""

import typing

from numba import njit


@njit(cache=True, nogil=True)
@typing.no_type_check
def quadric_value(q, x, y, z):
    """Value of a quadric, ten numbers, at a point; may be a little below 0 by rounding."""
    return (
        q[0] * x * x + q[4] * y * y + q[7] * z * z + q[9]
        + 2.0 * (q[1] * x * y + q[2] * x * z + q[5] * y * z + q[3] * x + q[6] * y + q[8] * z)
    )  # fmt: skip
