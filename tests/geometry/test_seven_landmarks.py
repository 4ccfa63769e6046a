"""The seven landmarks of NoW and their sphere."""

import numpy as np
import pytest

from headform.geometry.landmarks68 import NOW7, NOW7_OF_51
from headform.geometry.seven_landmarks import NAMES, face_sphere, inside


def test_rows_of_68_and_51_are_the_same_points():
    assert len(NAMES) == len(NOW7) == len(NOW7_OF_51) == 7
    assert [row - 17 for row in NOW7] == list(NOW7_OF_51)
    assert NOW7 == (36, 39, 42, 45, 33, 48, 54)


def test_the_sphere_by_hand():
    landmarks = np.array(
        [
            [-50.0, 40, 0],
            [-20, 40, 0],
            [20, 40, 0],
            [50, 40, 0],
            [0, 0, 0],
            [-25, -20, 0],
            [25, -20, 0],
        ]
    )
    center, radius = face_sphere(landmarks, 1.2)
    assert center.tolist() == [0.0, 12.0, 0.0]
    assert radius == pytest.approx(1.2 * (100 + 40) / 2)


def test_the_sphere_of_now_unless_told():
    now7 = np.array([[-4.5, 0, 0], [-1.5, 0, 0], [1.5, 0, 0], [4.5, 0, 0], [0, -5, 0], [-2, -7, 0], [2, -7, 0]])
    center, radius = face_sphere(now7)
    np.testing.assert_allclose(center, [0, -3.5, 0])
    assert radius == pytest.approx(1.4 * (9 + 5) / 2)
    assert inside(now7, center, radius).all()
    edge = center + np.array([[0, radius, 0], [0, 1.001 * radius, 0]])
    assert inside(edge, center, radius).tolist() == [True, False]
