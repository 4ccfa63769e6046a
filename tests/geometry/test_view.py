"""Cameras that look at a point: the target in the middle, directions where they belong."""

import numpy as np

from headform.geometry.view import look_at, look_rotation, orbit_rotation

TARGET = np.array([0.3, -0.2, 0.5])


def test_the_target_is_in_the_middle_at_the_distance() -> None:
    for rotation in (orbit_rotation(0.4, -0.3), look_rotation(np.array([1.0, 2, 3]), np.array([0.0, 1, 0]))):
        camera = look_at(TARGET, rotation, distance=2.0, focal_px=100.0, side=64)
        np.testing.assert_allclose(camera.project(TARGET[None]), [[32, 32, 2]], atol=1e-12)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) > 0


def test_the_focal_length_sets_the_extent() -> None:
    camera = look_at(TARGET, orbit_rotation(0.0), distance=2.0, focal_px=100.0, side=64)
    edge = TARGET + [64 * 2.0 / 100.0 / 2, 0, 0]
    np.testing.assert_allclose(camera.project(edge[None])[0, :2], [64, 32], atol=1e-12)


def test_positive_yaw_shows_the_nose_to_the_right_and_positive_pitch_down() -> None:
    nose = TARGET + [0.0, 0.0, 0.1]
    x, y, _ = look_at(TARGET, orbit_rotation(0.5), distance=2.0, focal_px=100.0, side=64).project(nose[None])[0]
    assert x > 33
    assert abs(y - 32) < 1e-9
    _, y, _ = look_at(TARGET, orbit_rotation(0.0, 0.5), distance=2.0, focal_px=100.0, side=64).project(nose[None])[0]
    assert y > 33


def test_the_camera_stands_where_out_points_and_up_is_up() -> None:
    out, up = np.array([0.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.0])
    camera = look_at(TARGET, look_rotation(out, up), distance=3.0, focal_px=100.0, side=64)
    np.testing.assert_allclose(camera.center, TARGET + [0, 0, 3], atol=1e-12)
    np.testing.assert_allclose(look_rotation(out, up), orbit_rotation(0.0), atol=1e-12)
    assert camera.project((TARGET + 0.1 * up)[None])[0, 1] < 32
