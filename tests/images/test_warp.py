"""Cutting crops: against plain slicing, box averages and turns."""

import numpy as np
import pytest

from headform.images.warp import apply, inverse, square_matrix, warp, warp_gray


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_a_square_of_the_same_size_is_a_slice(photo: np.ndarray) -> None:
    crop = warp(photo, square_matrix(7.0, 5.0, 20.0, 20), 20)
    np.testing.assert_array_equal(crop, photo[5:25, 7:27])


def test_halving_averages_two_by_two(photo: np.ndarray) -> None:
    crop = warp(photo, square_matrix(4.0, 2.0, 32.0, 16), 16)
    blocks = photo[2:34, 4:36].reshape(16, 2, 16, 2, 3).mean((1, 3))
    assert np.abs(crop - blocks).max() <= 0.51


def test_a_quarter_turn_is_rot90(photo: np.ndarray) -> None:
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # x' = y, y' = -x: counter-clockwise in the picture
    middle = np.array([30.0, 20.0])
    matrix = np.column_stack([turn, 10 - turn @ middle])
    crop = warp(photo, matrix, 20)
    np.testing.assert_array_equal(crop, np.rot90(photo[10:30, 20:40]))


def test_outside_repeats_the_border(photo: np.ndarray) -> None:
    crop = warp(photo, square_matrix(-8.0, -8.0, 8.0, 8), 8)
    np.testing.assert_array_equal(crop, np.broadcast_to(photo[0, 0], (8, 8, 3)))


def test_inverse_undoes() -> None:
    rng = np.random.default_rng(1)
    matrix = np.column_stack([rng.normal(size=(2, 2)) + 2 * np.eye(2), rng.normal(size=2)])
    points = rng.normal(size=(9, 2))
    np.testing.assert_allclose(apply(inverse(matrix), apply(matrix, points)), points, atol=1e-12)


@pytest.mark.parametrize("scale", [0.2, 1.0, 1.7])
def test_one_channel_is_warped_as_each_of_three(scale: float) -> None:
    gray = np.random.default_rng(3).integers(0, 256, (31, 24), dtype=np.uint8)
    matrix = np.array([[scale, -0.3 * scale, 2.0], [0.3 * scale, scale, -1.5]])
    three = warp(np.repeat(gray[..., None], 3, axis=2), matrix, 20)
    np.testing.assert_array_equal(warp_gray(gray, matrix, 20), three[..., 1])
