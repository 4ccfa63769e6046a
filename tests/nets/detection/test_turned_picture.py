import numpy as np
import pytest
from PIL import Image

from headform.nets.detection._candidates import Candidates
from headform.nets.detection._turned_picture import turn


def blob(width: int, height: int, x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width] + 0.5
    bright = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 50)
    return np.repeat(bright[..., None], 3, 2).astype(np.uint8)


def center_of_light(rgb: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]] + 0.5
    weight = rgb[..., 0].astype(float)
    return np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("degrees", [0, 90, 180, -90, 270, 45, -45, 30])
def test_what_is_seen_in_a_turned_picture_maps_back(degrees: int) -> None:
    turned = turn(blob(120, 80, 70, 30), degrees)
    seen = center_of_light(turned.rgb)
    boxes = np.concatenate([seen - [6, 4], seen + [6, 4]])[None]
    back = turned.back(Candidates(boxes, np.ones(1), np.tile(seen, (1, 5, 1))))
    tolerance = 1e-9 if degrees % 90 == 0 else 0.1
    np.testing.assert_allclose(back.points, np.tile([70.0, 30.0], (1, 5, 1)), atol=0.05 + tolerance)
    half = (4, 6) if degrees % 180 == 90 else (6, 4)
    expected = [70 - half[0], 30 - half[1], 70 + half[0], 30 + half[1]]
    np.testing.assert_allclose(back.boxes[0], expected, atol=0.05 + tolerance)


def test_the_sense_is_counter_clockwise_as_pillow_turns() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(rgb).transpose(Image.Transpose.ROTATE_90))
    np.testing.assert_array_equal(turn(rgb, 90).rgb, expected)
    light = center_of_light(turn(blob(100, 100, 80, 50), 45).rgb)
    assert light[0] > 85  # right of the center goes up and stays right
    assert light[1] < 60


def test_a_large_picture_is_reduced_before_a_free_turn() -> None:
    turned = turn(blob(2600, 1200, 2000, 400), 45)
    assert max(turned.rgb.shape) < 1500
    assert turned.scale == pytest.approx(3)
    seen = center_of_light(turned.rgb)
    back = turned.back(Candidates(np.zeros((1, 4)), np.ones(1), np.tile(seen, (1, 5, 1))))
    np.testing.assert_allclose(back.points[0, 0], [2000, 400], atol=0.5)
