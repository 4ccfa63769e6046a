"""The crops of the networks."""

import numpy as np
import pytest

from headform.geometry.landmarks68 import eyes_and_mouth
from headform.nets.crop_geometry import (
    LOOSE_MARGIN,
    TIGHT_TARGETS,
    EyeFrame,
    loose_square,
    tight_similarity,
)


def test_tight_similarity_finds_the_similarity_that_made_the_anchors() -> None:
    angle, scale, shift = 0.4, 2.5, np.array([31.0, -7.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    anchors = (TIGHT_TARGETS * 132) @ turn.T + shift
    matrix = tight_similarity(anchors, 132.0)
    np.testing.assert_allclose(anchors @ matrix[:, :2].T + matrix[:, 2], TIGHT_TARGETS * 132, atol=1e-9)


def test_tight_similarity_never_mirrors() -> None:
    anchors = TIGHT_TARGETS[[1, 0, 2]] * 100  # eyes swapped
    assert np.linalg.det(tight_similarity(anchors, 100.0)[:, :2]) >= 0


def test_loose_square_surrounds_the_points() -> None:
    points = np.random.default_rng(0).uniform([10, 40], [90, 60], (68, 2))
    x, y, size = loose_square(points)
    assert size == np.ptp(points[:, 0]) * LOOSE_MARGIN
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose([x + size / 2, y + size / 2], (low + high) / 2)


def test_eyes_and_mouth_are_means_of_their_points() -> None:
    points = np.arange(136.0).reshape(68, 2)
    np.testing.assert_allclose(eyes_and_mouth(points)[0], points[36:42].mean(0))
    np.testing.assert_allclose(eyes_and_mouth(points)[2], points[48:68].mean(0))


@pytest.mark.parametrize("turn", [0.0, 0.5, -1.3, 3.0])
def test_the_frame_of_the_eyes(turn: float) -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(-40, 40, (68, 2))
    points[36:42], points[42:48], points[48:68] = [-20, 0], [20, 0], [0, 35]
    points[0], points[1] = [-60, -40], [60, 50]
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    frame = EyeFrame.of(points @ axes.T + [300, 200])
    np.testing.assert_allclose(frame.axes, axes, atol=1e-9)
    np.testing.assert_allclose(frame.extent, [120, 90], atol=1e-9)
    assert frame.size == pytest.approx(np.sqrt(120 * 90))
    crop = frame.crop(112, 1.25)
    level = (points @ axes.T + [300, 200]) @ crop[:, :2].T + crop[:, 2]
    assert level[36, 1] == pytest.approx(level[42, 1])
    assert level[42, 0] - level[36, 0] == pytest.approx(40 * 112 / 150)
    np.testing.assert_allclose((level.min(0) + level.max(0)) / 2, [56, 56], atol=1e-9)
    moved = frame.shifted(np.zeros((1, 2)), np.array([[0.1, 0.2]]))
    np.testing.assert_allclose(moved[0], axes @ [0.1, 0.2] * frame.size)


def test_the_frame_in_profile_and_of_no_face() -> None:
    profile = np.zeros((68, 2))
    profile[:17] = np.column_stack([np.linspace(-30, 10, 17), np.linspace(-20, 60, 17)])
    profile[36:42], profile[42:48] = [10, 0], [10, 2]  # one eye behind the other
    profile[48:68] = [14, 45]
    frame = EyeFrame.of(profile)
    assert abs(np.arctan2(frame.axes[1, 0], frame.axes[0, 0])) < np.radians(15)
    nothing = EyeFrame.of(np.full((68, 2), 7.0))
    np.testing.assert_array_equal(nothing.axes, np.eye(2))
    assert np.isfinite(nothing.crop(112, 1.2)).all()
