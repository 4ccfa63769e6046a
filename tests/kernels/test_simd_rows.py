"""Rows of sixteen floats in compiled code, sums over the entries of a sparse operator and over matrix products, by NumPy."""

from functools import cache

import numpy as np
import pytest
from numba import njit

from headform.kernels.simd_rows import ROWS, products, recurrence_of

RNG = np.random.default_rng(0)


@cache
def compiled(less, more, product):
    recurrence = recurrence_of(less=less, more=more, product=product)

    @njit
    def run(*arguments):
        recurrence(*arguments)

    return run


@njit
def run_products(*arguments):
    products(*arguments)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("less", [False, True])
@pytest.mark.parametrize("more", [False, True])
@pytest.mark.parametrize("product", [False, True])
@pytest.mark.parametrize("entries", [0, 1, 6])
@pytest.mark.parametrize("steps", [0, 1, 5, 16])
def test_a_recurrence_adds_entries_and_products(less, more, product, entries, steps) -> None:
    past, before, out = floats(20, 16), floats(ROWS, 16), floats(ROWS + 1, 16)
    rows, values = RNG.integers(0, 20, (entries, ROWS)), floats(entries, ROWS)
    places = (64 * rows).astype(np.int32)
    x, weight = floats(ROWS, 18), floats(steps, 16)
    want = np.einsum("er,erl->rl", values.astype(float), past[rows])
    want += (out[:ROWS] if more else 0) - (before if less else 0)
    want += x[:, :steps].astype(float) @ weight if product else 0
    beyond = out[ROWS].copy()
    compiled(less, more, product)(
        entries, places.ctypes.data, values.ctypes.data, past.ctypes.data, before.ctypes.data, x.ctypes.data,
        x.strides[0], steps, weight.ctypes.data, out.ctypes.data,
    )  # fmt: skip
    np.testing.assert_allclose(out[:ROWS], want, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(out[ROWS], beyond)


@pytest.mark.parametrize("terms", [0, 1, 3])
@pytest.mark.parametrize("steps", [1, 16])
@pytest.mark.parametrize("same", [False, True], ids=["own_starts", "one_start"])
def test_products_sum_over_terms(terms, steps, same) -> None:
    a, b, start = floats(terms, ROWS + 2, 16), floats(terms, steps + 1, 16), floats(ROWS, 16)
    out = floats(ROWS + 1, 16)
    beyond = out[ROWS].copy()
    run_products(
        terms, a.ctypes.data, a.strides[0], b.ctypes.data, b.strides[0], steps, start.ctypes.data,
        0 if same else 64, out.ctypes.data,
    )  # fmt: skip
    want = np.einsum("trs,tsl->rl", a[:, :ROWS, :steps].astype(float), b[:, :steps]) + (start[0] if same else start)
    np.testing.assert_allclose(out[:ROWS], want, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(out[ROWS], beyond)
