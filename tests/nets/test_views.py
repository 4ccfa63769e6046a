"""The crops of the networks."""

import numpy as np

from headform.nets.views import (
    LOOSE_MARGIN,
    TIGHT_TARGETS,
    eyes_and_mouth,
    loose_square,
    tight_similarity,
)


def test_tight_similarity_finds_the_similarity_that_made_the_anchors() -> None:
    angle, scale, shift = 0.4, 2.5, np.array([31.0, -7.0])
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    anchors = (TIGHT_TARGETS * 132) @ turn.T + shift
    matrix = tight_similarity(anchors, 132.0)
    np.testing.assert_allclose(
        anchors @ matrix[:, :2].T + matrix[:, 2], TIGHT_TARGETS * 132, atol=1e-9
    )


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
