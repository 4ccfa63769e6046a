"""Projection by hand, its inverse, and cameras of scaled, cut and turned pictures."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck

from headform.geometry.camera import PerspectiveCamera, project
from headform.geometry.head_angles import rotation_from_euler


def made_camera(seed: int = 0) -> PerspectiveCamera:
    rng = np.random.default_rng(seed)
    turn = Rotation.from_rotvec(rng.normal(0, 0.4, 3)).as_matrix()
    return PerspectiveCamera(
        K=np.array([[520.0, 0.5, 130], [0, 515, 92], [0, 0, 1]]),
        R=turn @ np.diag([1.0, -1, -1]),
        t=np.array([0.02, -0.03, 0.6]),
    )


POINTS = np.random.default_rng(1).normal(0, 0.08, (20, 3))


def test_by_hand() -> None:
    camera = made_camera()
    got = camera.project(POINTS)
    for point, pixel in zip(POINTS, got, strict=True):
        x, y, z = [sum(camera.R[i, j] * point[j] for j in range(3)) + camera.t[i] for i in range(3)]
        assert pixel[0] == pytest.approx((520 * x + 0.5 * y) / z + 130)
        assert pixel[1] == pytest.approx(515 * y / z + 92)
        assert pixel[2] == pytest.approx(z)
    np.testing.assert_allclose(camera.unproject(got), POINTS, atol=1e-12)
    np.testing.assert_allclose(camera.to_camera(camera.center[None]), 0, atol=1e-12)


def test_a_frontal_head_is_upright_and_its_left_is_image_right() -> None:
    camera = PerspectiveCamera.frontal(100.0, (40, 30), 1.0)
    pixels = camera.project(np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.5]]))
    np.testing.assert_allclose(pixels, [[20, 15, 1], [30, 15, 1], [20, 5, 1], [20, 15, 0.5]])


def test_points_behind_the_camera_have_no_pixel() -> None:
    camera = PerspectiveCamera.frontal(100.0, (40, 30), 1.0)
    points = np.array([[0, 0, 2.0], [0, 0, 1.0], [0, 0, 0]])
    pixels = camera.project(points)
    assert np.isnan(pixels[:2, :2]).all()
    assert (pixels[:2, 2] <= 0).all()
    tensors = [torch.from_numpy(a) for a in (points, camera.K, camera.R, camera.t)]
    np.testing.assert_array_equal(project(*tensors), pixels)


def test_scaled_cut_and_turned() -> None:
    camera = made_camera()
    pixels = camera.project(POINTS)
    half = camera.resized(0.5).project(POINTS)
    np.testing.assert_allclose(half, pixels * [0.5, 0.5, 1])
    cut = camera.cropped(11.0, 7.0).project(POINTS)
    np.testing.assert_allclose(cut, pixels - [11, 7, 0])
    turn, about = rotation_from_euler(0.4, -0.2, 0.1), np.array([0.01, 0.02, -0.03])
    moved = (POINTS - about) @ turn.T + about
    np.testing.assert_allclose(camera.turned(turn, about).project(POINTS), camera.project(moved))


def test_torch_is_numpy_and_has_gradients() -> None:
    cameras = [made_camera(s) for s in range(2)]
    stacked = [torch.from_numpy(np.stack([getattr(c, k) for c in cameras])) for k in ("K", "R", "t")]
    points = torch.from_numpy(np.stack([POINTS, POINTS]))
    got = project(points, *stacked)
    for b in range(2):
        np.testing.assert_allclose(got[b], cameras[b].project(POINTS))
    inputs = [
        points[:, :3].clone().requires_grad_(),
        *(x.clone().requires_grad_() for x in stacked),
    ]
    assert gradcheck(project, inputs)
