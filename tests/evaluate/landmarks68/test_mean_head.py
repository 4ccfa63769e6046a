"""Weak-perspective pose from five points: made with a known pose, recovered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from headform.evaluate.landmarks68.mean_head import (
    fit_weak_perspective,
    posed_mean_head,
)
from headform.geometry.camera import FRONTAL
from headform.geometry.landmarks68 import five_points

FACE5 = np.array(
    [
        [-0.03, 0.03, 0.0],
        [0.03, 0.03, 0.0],
        [0, 0, 0.04],
        [-0.025, -0.035, 0.01],
        [0.025, -0.035, 0.01],
    ]
)


@given(
    st.floats(-60, 60),
    st.floats(-20, 20),
    st.floats(-40, 40),
    st.floats(50, 5000),
    st.floats(-900, 900),
)
def test_a_known_pose_comes_back(yaw, pitch, roll, scale, shift):
    R = Rotation.from_euler("zyx", [roll, yaw, pitch], degrees=True).as_matrix() @ FRONTAL
    t = np.array([shift, 2 * shift])
    pixels = scale * FACE5 @ R[:2].T + t
    got_scale, got_R, got_t = fit_weak_perspective(FACE5, pixels)
    assert got_scale == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(got_R, R, atol=1e-3)
    np.testing.assert_allclose(got_scale * FACE5 @ got_R[:2].T + got_t, pixels, atol=1e-3 * scale * 0.1)


def test_the_five_points_of_68():
    points = np.column_stack([np.arange(68.0), np.zeros(68)])
    np.testing.assert_allclose(five_points(points)[:, 0], [38.5, 44.5, 30, 48, 54])


def test_unusable_pixels_are_refused():
    with pytest.raises(ValueError, match="one point"):
        fit_weak_perspective(FACE5, np.ones((5, 2)))
    with pytest.raises(ValueError, match="finite"):
        fit_weak_perspective(FACE5, np.full((5, 2), np.nan))


def test_the_posed_mean_head_goes_through_its_own_five_points(sheet, sheet_with_offset):
    offset = np.zeros((68, 3))
    offset[:, 1] = 0.004  # all up by 4 mm: the pose takes it up, nothing changes
    R = Rotation.from_euler("y", 20, degrees=True).as_matrix() @ FRONTAL
    true = 900 * sheet.mean.double().numpy() @ R[:2].T + [300.0, 200.0]
    for head in (sheet, sheet_with_offset(offset)):
        np.testing.assert_allclose(posed_mean_head(head, five_points(true)), true, atol=0.05)
