"""Crops of the pipeline frame faces as the networks were trained to see them."""

import numpy as np
import pytest

from headform.geometry.camera import FRONTAL
from headform.geometry.landmarks68 import eyes_and_mouth
from headform.images.warp import apply
from headform.nets.crop_geometry import LOOSE_MARGIN, TIGHT_TARGETS, tight_similarity
from headform.nets.detection.face import Face
from headform.pipeline.crops import crop_of_face, crop_of_points


def _points() -> np.ndarray:
    return np.random.default_rng(0).uniform([200, 300], [300, 420], (68, 2))


def _rolled(angle: float) -> np.ndarray:
    """Camera from head of a head rolled clockwise in the picture."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ FRONTAL


def test_the_loose_crop_centers_the_points_at_the_trained_scale() -> None:
    points = _points()
    crop = crop_of_points(points, FRONTAL)
    seen = apply(crop, points)
    np.testing.assert_allclose((seen.min(0) + seen.max(0)) / 2, 64, atol=1e-9)
    assert np.ptp(seen, axis=0).max() == pytest.approx(128 / LOOSE_MARGIN)
    closer = apply(crop_of_points(points, FRONTAL, zoom=1.2), points)
    assert np.ptp(closer, axis=0).max() == pytest.approx(1.2 * 128 / LOOSE_MARGIN)


@pytest.mark.parametrize("angle", [0.6, -1.2, 3.0])
def test_a_rolled_head_is_turned_upright(angle: float) -> None:
    crop = crop_of_points(_points(), _rolled(angle))
    up = crop[:, :2] @ (_rolled(angle) @ [0, 1, 0])[:2]
    assert up[1] < 0
    assert abs(up[0]) < 1e-9 * abs(up[1]) + 1e-12
    assert np.linalg.det(crop[:, :2]) > 0, "never mirrored"


def test_a_slightly_rolled_head_is_left_as_it_is() -> None:
    crop = crop_of_points(_points(), _rolled(0.1))
    assert crop[0, 1] == crop[1, 0] == 0


def test_the_tight_crop_puts_eyes_and_mouth_in_their_places() -> None:
    points = _points()
    angle = 0.3
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    anchors = (TIGHT_TARGETS * 100) @ turn.T + [40, 70]
    for block, anchor in zip((slice(36, 42), slice(42, 48), slice(48, 68)), anchors, strict=True):
        points[block] += anchor - points[block].mean(0)
    found = apply(tight_similarity(eyes_and_mouth(points), 128.0), eyes_and_mouth(points))
    np.testing.assert_allclose(found, TIGHT_TARGETS * 128, atol=1e-9)


def test_a_box_found_upside_down_is_cut_upright() -> None:
    points5 = np.array([[60.0, 80], [40, 80], [50, 65], [58, 50], [42, 50]])
    face = Face(np.array([30.0, 30, 70, 90]), points5, 0.9)
    crop = crop_of_face(face)
    eye, mouth = apply(crop, points5)[[0, 3]]
    assert eye[1] < mouth[1], "eyes above the mouth"
    assert apply(crop, points5)[0, 0] < apply(crop, points5)[1, 0], "right eye at the left"
