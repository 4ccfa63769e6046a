import itertools

import numpy as np
import pytest

from headform.geometry.polyline import distances, height_at, nearest_on


def test_by_hand() -> None:
    line = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]])
    np.testing.assert_allclose(nearest_on(np.array([1.0, 2.0]), line), [1, 0])
    np.testing.assert_allclose(nearest_on(np.array([9.0, 9.0]), line), [4, 3])
    np.testing.assert_allclose(distances(np.array([[1.0, 2.0], [7.0, 1.0], [-3, -4]]), line), [2, 3, 5])
    assert height_at(np.array([[4.0, 3.0], [0.0, 1.0]]), 1.0) == pytest.approx(1.5)
    assert height_at(np.array([[0.0, 1.0], [4.0, 3.0]]), 9.0) == 3.0


def test_against_many_samples() -> None:
    rng = np.random.default_rng(0)
    line = rng.normal(size=(6, 2))
    share = np.linspace(0, 1, 4001)[:, None]
    dense = np.concatenate([a + share * (b - a) for a, b in itertools.pairwise(line)])
    points = rng.normal(size=(20, 2)) * 2
    expected = np.linalg.norm(points[:, None] - dense, axis=2).min(1)
    np.testing.assert_allclose(distances(points, line), expected, atol=1e-3)
