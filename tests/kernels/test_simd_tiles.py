"""Tiles of sixteen floats in compiled code: products, triples, transposition and sums, against NumPy."""

import numpy as np
import pytest
from numba import njit

from headform.kernels import simd_tiles as lane_tiles
from headform.kernels.simd import load, store
from headform.kernels.simd_tiles import product_of

RNG = np.random.default_rng(0)


def floats(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (6, 1), (8, 3)])
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_a_product_adds_to_what_is_there(rows, columns, steps) -> None:
    a, b = floats(rows, 10), floats(10, 16 * columns + 5)
    start, out = floats(rows, 16 * columns), np.full((rows, 16 * columns + 3), 7, np.float32)
    product = product_of(rows, columns, a.strides[0], 4, b.strides[0])

    @njit
    def run(*addresses):
        product(*addresses)

    run(
        a.ctypes.data, b.ctypes.data, steps, start.ctypes.data, start.strides[0], out.ctypes.data, out.strides[0]
    )  # fmt: skip
    want = start + a[:, :steps].astype(float) @ b[:steps, : 16 * columns]
    np.testing.assert_allclose(out[:, : 16 * columns], want, rtol=1e-5, atol=1e-5)
    assert (out[:, 16 * columns :] == 7).all()


def test_the_left_side_may_lie_by_columns() -> None:
    a, b, start = floats(5, 3), floats(5, 16), np.zeros((3, 16), np.float32)
    product = product_of(3, 1, 4, a.strides[0], b.strides[0])

    @njit
    def run(*addresses):
        product(*addresses)

    run(a.ctypes.data, b.ctypes.data, 5, start.ctypes.data, 64, start.ctypes.data, 64)
    np.testing.assert_allclose(start, a.T @ b, rtol=1e-5, atol=1e-5)


def test_triples_and_transposition() -> None:
    store_triples, load_triples = lane_tiles.store_triples, lane_tiles.load_triples
    transpose_tile = lane_tiles.transpose_tile
    planes, woven, back = floats(3, 16), floats(16, 3), np.zeros((3, 16), np.float32)

    @njit
    def weave(planes, woven, back):
        store_triples(woven, load(planes), load(planes + 64), load(planes + 128))
        x, y, z = load_triples(woven)
        store(back, x)
        store(back + 64, y)
        store(back + 128, z)

    weave(planes.ctypes.data, woven.ctypes.data, back.ctypes.data)
    np.testing.assert_array_equal(woven, planes.T)
    np.testing.assert_array_equal(back, planes)

    source, target = floats(16, 20), np.zeros((16, 24), np.float32)

    @njit
    def turn(source, source_row, target, target_row):
        transpose_tile(source, source_row, target, target_row)

    turn(source.ctypes.data, source.strides[0], target.ctypes.data, target.strides[0])
    np.testing.assert_array_equal(target[:, :16], source[:, :16].T)
    assert not target[:, 16:].any()


def test_sums_and_products_of_lanes() -> None:
    total, multiply, store_float = lane_tiles.total, lane_tiles.multiply, lane_tiles.store_float
    a, b, out = floats(16), floats(16), np.zeros(3, np.float32)

    @njit
    def run(a, b, out):
        store_float(out + 4, total(multiply(load(a), load(b))))

    run(a.ctypes.data, b.ctypes.data, out.ctypes.data)
    np.testing.assert_allclose(out, [0, a.astype(float) @ b, 0], rtol=1e-5)
