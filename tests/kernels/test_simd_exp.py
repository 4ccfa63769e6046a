"""The exponential function of SIMD values, against NumPy in double precision."""

import numpy as np
import pytest
from numba import njit

from headform.kernels.simd import load, store
from headform.kernels.simd_exp import elu


@njit
def run(source, target, count):
    for at in range(0, 4 * count, 64):
        store(target + at, elu(load(source + at)))


def answers(x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    run(x.ctypes.data, out.ctypes.data, len(x))
    return out


def test_elu_is_exact_to_a_few_units_in_the_last_place() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([
        rng.uniform(-100, 5, 4000), -np.exp(rng.uniform(-80, 4.6, 4000)), np.log(2) * (np.arange(-160, 0) / 2),
    ]).astype(np.float32)  # fmt: skip
    x = x[: len(x) // 16 * 16]
    wanted = np.where(x > 0, x, np.expm1(x.astype(np.float64)))
    np.testing.assert_allclose(answers(x), wanted, rtol=3e-7, atol=0)


@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, 0.0, 3e38, -3e38])
def test_special_values(special: float) -> None:
    x = np.full(16, -0.5, np.float32)
    x[3] = special
    found = answers(x)
    wanted = special if not special < 0 else -1.0
    np.testing.assert_array_equal(found[3], np.float32(wanted))
    np.testing.assert_allclose(np.delete(found, 3), np.expm1(-0.5), rtol=3e-7)
