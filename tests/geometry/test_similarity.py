"""Similarity fits: exact recovery, scipy as the oracle, weights, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from headform.geometry.similarity import Similarity, fit_similarity


def made(seed: int, D: int) -> tuple[np.ndarray, Similarity]:
    rng = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(rng.normal(0, 2, 3)).as_matrix()
    if D == 2:
        angle = rng.uniform(-3, 3)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = float(np.exp(rng.normal()))
    return rng.normal(0, 2, (9, D)), Similarity(scale, turn, rng.normal(0, 5, D))


@given(st.integers(0, 10**6), st.sampled_from([2, 3]))
def test_exact_maps_come_back(seed: int, D: int) -> None:
    points, truth = made(seed, D)
    found = fit_similarity(points, truth.apply(points))
    assert found.scale == pytest.approx(truth.scale)
    np.testing.assert_allclose(found.R, truth.R, atol=1e-9)
    np.testing.assert_allclose(found.t, truth.t, atol=1e-8)
    np.testing.assert_allclose(found.inverse().apply(found.apply(points)), points, atol=1e-9)
    homogeneous = np.column_stack([points, np.ones(9)]) @ found.matrix().T
    np.testing.assert_allclose(homogeneous[:, :D], found.apply(points), atol=1e-9)


@pytest.mark.parametrize("scale", [True, False])
def test_the_least_squares_of_scipy(scale: bool) -> None:
    rng = np.random.default_rng(3)
    points, truth = made(3, 3)
    target, weights = truth.apply(points) + rng.normal(0, 0.3, points.shape), rng.uniform(0, 2, 9)
    found = fit_similarity(points, target, weights, scale=scale)

    def residuals(x: np.ndarray) -> np.ndarray:
        turn = Rotation.from_rotvec(x[:3]).as_matrix()
        factor = np.exp(x[6]) if scale else 1.0
        return ((factor * points @ turn.T + x[3:6] - target) * np.sqrt(weights)[:, None]).ravel()

    start = np.concatenate([Rotation.from_matrix(truth.R).as_rotvec(), truth.t, [0.0]])
    oracle = least_squares(residuals, start, xtol=1e-14, ftol=1e-14, gtol=1e-12)
    cost = 0.5 * (weights[:, None] * (found.apply(points) - target) ** 2).sum()
    assert cost == pytest.approx(oracle.cost, rel=1e-9)
    assert found.scale == pytest.approx(np.exp(oracle.x[6]) if scale else 1.0, rel=1e-5)


def test_never_a_reflection() -> None:
    points, _ = made(5, 3)
    found = fit_similarity(points, points * [1, 1, -1])
    assert np.linalg.det(found.R) == pytest.approx(1)


@pytest.mark.parametrize(
    ("src", "weights", "words"),
    [
        (np.zeros((9, 3)), None, "coincide"),
        (np.full((9, 3), np.nan), None, "finite"),
        (np.eye(3)[:2], None, "N >= D"),
        (np.eye(3), -np.ones(3), "non-negative"),
        (np.eye(3), np.zeros(3), "positive sum"),
    ],
)
def test_refusals(src: np.ndarray, weights: np.ndarray | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_similarity(src, np.zeros_like(src) + np.arange(len(src))[:, None], weights)
