"""Compiled kernel of `graph.resample`: a sparse row operator on the vertices of one item.

Channels in blocks of 16 (`lanes`). Nothing is checked here.
"""

import typing

from headform.kernels.jit import njit
from headform.kernels.simd import int32_at, load, multiply_add, spread, store, zeros


@njit(cache=True, nogil=True)
@typing.no_type_check
def apply_rows(x, y, channels, starts, columns, values, rows):
    """y[r] = sum of values * x[column] over the entries of row r; x and y by address, float32, `channels` a row."""
    stride = 4 * channels
    at = int32_at(starts)
    for r in range(rows):
        end = int32_at(starts + 4 * (r + 1))
        for block in range(0, stride, 64):
            p = zeros()
            for e in range(at, end):
                source = x + int32_at(columns + 4 * e) * stride + block
                p = multiply_add(spread(values + 4 * e), load(source), p)
            store(y + r * stride + block, p)
        at = end


@njit(cache=True, nogil=True)
@typing.no_type_check
def apply_rows_narrow(x, y, starts, columns, values):
    """As `apply_rows`, for arrays (V_in, C) and (V_out, C) of any number of channels."""
    for r in range(y.shape[0]):
        for c in range(y.shape[1]):
            y[r, c] = 0
        for e in range(starts[r], starts[r + 1]):
            for c in range(y.shape[1]):
                y[r, c] += values[e] * x[columns[e], c]
