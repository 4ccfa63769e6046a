"""Gaze: recovered from projected pupils, held by its prior where an eye is shut."""

import numpy as np
import pytest

from headform.fit.gaze import LIMIT, fit_gaze, gaze_rotation
from headform.geometry.camera import PerspectiveCamera

CENTERS = np.array([[-0.031, 0.035, 0.085], [0.031, 0.035, 0.085]])
PUPILS = CENTERS + [0, 0, 0.012]
CAMERA = PerspectiveCamera(
    K=np.array([[900.0, 0, 320], [0, 900, 240], [0, 0, 1]]),
    R=np.diag([1.0, -1.0, -1.0]),
    t=np.array([0.01, 0.02, 0.7]),
)


def seen(gaze: np.ndarray) -> np.ndarray:
    return CAMERA.project(CENTERS + (PUPILS - CENTERS) @ gaze_rotation(gaze).T)[:, :2]


def test_the_rotation_looks_where_the_angles_say() -> None:
    left = gaze_rotation(np.array([0.3, 0.0])) @ [0, 0, 1]
    up = gaze_rotation(np.array([0.0, 0.2])) @ [0, 0, 1]
    np.testing.assert_allclose(left, [np.sin(0.3), 0, np.cos(0.3)], atol=1e-12)
    np.testing.assert_allclose(up, [0, np.sin(0.2), np.cos(0.2)], atol=1e-12)


@pytest.mark.parametrize("gaze", [(0.0, 0.0), (0.4, -0.2), (-0.5, 0.3)])
def test_pupils_tell_the_gaze(gaze: tuple[float, float]) -> None:
    true = np.array(gaze)
    found = fit_gaze(CENTERS, PUPILS, CAMERA, seen(true), np.full(2, 0.01), prior=np.zeros(2), prior_sigma=1.0)
    np.testing.assert_allclose(found, true, atol=2e-3)


def test_a_shut_eye_says_nothing() -> None:
    true = np.array([0.3, 0.1])
    wrong = seen(true)
    wrong[0] += [30.0, -20.0]
    found = fit_gaze(CENTERS, PUPILS, CAMERA, wrong, np.array([np.inf, 0.01]), prior=np.zeros(2), prior_sigma=1.0)
    np.testing.assert_allclose(found, true, atol=2e-3)
    shut = fit_gaze(
        CENTERS,
        PUPILS,
        CAMERA,
        wrong,
        np.full(2, np.inf),
        prior=np.array([0.1, 0.05]),
        prior_sigma=0.1,
    )
    np.testing.assert_allclose(shut, [0.1, 0.05], atol=1e-9)


def test_no_eye_turns_farther_than_eyes_do() -> None:
    far = seen(np.zeros(2)) + [400.0, 300.0]
    found = fit_gaze(CENTERS, PUPILS, CAMERA, far, np.full(2, 0.01), prior=np.zeros(2), prior_sigma=1.0)
    assert (np.abs(found) <= LIMIT + 1e-12).all()
