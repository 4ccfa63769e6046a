"""Pure parts of the benchmark of synthetic faces against portraits: statistics of drawn pictures, areas, distances."""

import numpy as np
import pytest
from skimage import color

from benchmarks.face_statistics import gradients_histogram, lab, mouth_gap, statistics
from benchmarks.two_sample_tests import convolutional, cross_validated, frechet_distance, logistic
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.nets.recognition.embedder import roc_area


def test_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.integers(0, 6, 40).astype(float), rng.random(40) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[truth] for b in scores[~truth]]
    assert roc_area(scores, truth) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_logistic_regression_reaches_the_area_of_two_normals(shift: float) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, (400, 5)), rng.normal(0, 1, (400, 5))
    second[:, 2] += shift
    # P(N(shift, 1) > N(0, 1)) = Phi(shift / sqrt 2)
    expected = {0.0: 0.5, 1.0: 0.760}[shift]
    assert cross_validated(first, second, logistic()) == pytest.approx(expected, abs=0.08)


def test_small_network_sees_a_square_and_no_more() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.integers(0, 255, (48, 32, 32, 3)).astype(np.uint8) for _ in range(2))
    second[:, 12:20, 12:20] = 255
    assert cross_validated(first, second, convolutional(8, 16), folds=2) > 0.95
    assert 0.2 < cross_validated(first[:24], first[24:], convolutional(2, 16), folds=2) < 0.8


def test_frechet_distance_of_known_normals() -> None:
    rng = np.random.default_rng(3)
    first = rng.normal(0, 1, (4000, 3))
    second = first * np.array([2.0, 1.0, 1.0]) + np.array([0.0, 3.0, 0.0])
    # |difference of means|^2 + sum of (difference of standard deviations)^2
    assert frechet_distance(first, second) == pytest.approx(9 + 1, rel=0.05)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def drawn_face(side: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Beige face with dark brows, white eyes, red lips and an open mouth, before green."""
    points = np.zeros((68, 2))
    angle = np.linspace(np.pi, 0, 17)
    points[:17] = np.column_stack([0.5 + 0.36 * np.cos(angle), 0.45 + 0.42 * np.sin(angle)])
    for brow, x in ((17, 0.22), (22, 0.56)):
        points[brow : brow + 5] = np.column_stack([np.linspace(x, x + 0.22, 5), np.full(5, 0.3)])
    points[27:36] = [(0.5, y) for y in (0.4, 0.45, 0.5, 0.55)] + [(x, 0.6) for x in (0.42, 0.46, 0.5, 0.54, 0.58)]
    for eye, x in ((36, 0.26), (42, 0.58)):
        outline = [(0, 0), (0.05, -0.03), (0.11, -0.03), (0.16, 0), (0.11, 0.03), (0.05, 0.03)]
        points[eye : eye + 6] = np.array([x, 0.4]) + outline
    ring = np.linspace(np.pi, -np.pi, 13)[:-1]
    points[48:60] = np.column_stack([0.5 + 0.15 * np.cos(ring), 0.74 - 0.08 * np.sin(ring)])
    ring = np.linspace(np.pi, -np.pi, 9)[:-1]
    points[60:68] = np.column_stack([0.5 + 0.1 * np.cos(ring), 0.74 - 0.02 * np.sin(ring)])
    points *= side
    rgb = np.full((side, side, 3), (20, 200, 20), np.uint8)
    rows, columns = np.mgrid[:side, :side] / side
    rgb[((columns - 0.5) / 0.4) ** 2 + ((rows - 0.5) / 0.48) ** 2 < 1] = (200, 160, 140)
    for x in (0.22, 0.56):
        rgb[round(0.29 * side) : round(0.32 * side), round(x * side) : round((x + 0.22) * side)] = (40, 30, 20)
    for x in (0.26, 0.58):
        rgb[round(0.35 * side) : round(0.45 * side), round(x * side) : round((x + 0.16) * side)] = 255
    rgb[((columns - 0.5) / 0.15) ** 2 + ((rows - 0.74) / 0.08) ** 2 < 1] = (190, 60, 60)
    return rgb, points


def test_statistics_of_a_drawn_face() -> None:
    rgb, points = drawn_face()
    found = statistics(rgb, points)
    skin = LINEAR_FROM_SRGB8[[200, 160, 140]]
    light = np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose([found["skin_red"], found["skin_green"], found["skin_blue"]], skin)
    assert found["brow_over_skin"] == pytest.approx(LINEAR_FROM_SRGB8[[40, 30, 20]] @ light / (skin @ light))
    assert found["eye_white_over_skin"] == pytest.approx(1 / (skin @ light))
    lips = color.rgb2lab(np.array([[[190, 60, 60], [200, 160, 140]]], np.uint8))[0]
    assert found["lip_a_over_skin"] == pytest.approx(lips[0, 1] - lips[1, 1], abs=0.05)
    assert found["background_L"] == pytest.approx(
        color.rgb2lab(np.array([[[20, 200, 20]]], np.uint8))[0, 0, 0], abs=0.05
    )
    assert found["background_gradient"] == 0
    assert found["cheeks_apart"] == 0
    assert found["mouth_gap"] == pytest.approx(mouth_gap(points) / 128)
    assert found["mouth_open"] == 1
    assert found["mouth_gap"] == pytest.approx(0.04 * (1 + 2 * np.sin(np.pi / 4)) / 3, abs=1e-6)


def test_statistics_know_a_blurred_picture_and_a_closed_mouth() -> None:
    rgb, points = drawn_face()
    soft = rgb.reshape(32, 4, 32, 4, 3).mean((1, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    assert statistics(soft, points)["face_sharpness"] < statistics(rgb, points)["face_sharpness"]
    points[60:68, 1] = 0.74 * 128
    assert statistics(rgb, points)["mouth_open"] == 0


def test_lab_is_that_of_skimage() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_allclose(lab(LINEAR_FROM_SRGB8[rgb]), color.rgb2lab(rgb), atol=0.05)


def test_histogram_of_gradients_finds_the_direction() -> None:
    ramp = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[:, None], (32, 32))
    across = gradients_histogram(np.repeat(ramp.T[..., None], 3, 2), cells=2, bins=4).reshape(4, 4)
    down = gradients_histogram(np.repeat(ramp[..., None], 3, 2), cells=2, bins=4).reshape(4, 4)
    assert (across.argmax(1) == 0).all()
    assert (down.argmax(1) == 2).all()
