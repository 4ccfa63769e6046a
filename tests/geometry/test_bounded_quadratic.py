"""Quadratics with bounds, against scipy on the same function."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from headform.geometry.bounded_quadratic import bounded_minimum


def made(seed: int, size: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size + 5, size)), 3.0 * rng.normal(size=size + 5)


@given(st.integers(0, 10_000))
def test_equals_scipy_within_a_box(seed):
    rows, goal = made(seed)
    lower, upper = np.full(12, -0.3), np.full(12, 0.4)
    ours = bounded_minimum(rows.T @ rows, rows.T @ goal, lower, upper)
    theirs = lsq_linear(rows, goal, (lower, upper), method="bvls", tol=1e-14).x
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    assert (ours >= lower).all()
    assert (ours <= upper).all()


def test_half_lines_and_free_unknowns_together():
    rows, goal = made(3)
    lower = np.where(np.arange(12) < 6, -np.inf, 0.0)
    upper = np.where(np.arange(12) < 9, np.inf, 1.0)
    ours = bounded_minimum(rows.T @ rows, rows.T @ goal, lower, upper)
    np.testing.assert_allclose(ours, lsq_linear(rows, goal, (lower, upper)).x, atol=1e-6)
    assert (ours[6:] == 0).any(), "some bound is active, else this tests nothing"


def test_without_bounds_it_is_the_linear_solution():
    rows, goal = made(4)
    free = np.full(12, np.inf)
    ours = bounded_minimum(rows.T @ rows, rows.T @ goal, -free, free)
    np.testing.assert_allclose(ours, np.linalg.lstsq(rows, goal)[0], atol=1e-9)


def test_a_badly_scaled_quadratic_still_meets_the_optimality_conditions():
    rows, goal = made(5)
    scale = np.logspace(-4, 4, 12)
    matrix, right = (rows * scale).T @ (rows * scale), (rows * scale).T @ goal
    lower, upper = np.zeros(12), np.full(12, 0.5)
    x = bounded_minimum(matrix, right, lower, upper)
    gradient = (matrix @ x - right) / np.sqrt(np.diag(matrix))
    inner = (x > lower) & (x < upper)
    assert np.abs(gradient[inner]).max(initial=0) < 1e-7
    assert (gradient[x == lower] >= -1e-7).all()
    assert (gradient[x == upper] <= 1e-7).all()


def test_a_matrix_that_is_not_positive_definite_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        bounded_minimum(-np.eye(2), np.ones(2), np.full(2, -np.inf), np.full(2, np.inf))
