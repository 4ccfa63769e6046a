"""Colors of teeth and eyes in a photo."""

import numpy as np

from headform.fit.openings import Openings
from headform.geometry.face_classes import EYES, FACE_CLASSES, MOUTH_INSIDE, SKIN
from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.light_gauges import light_gauges

SIDE = 96


def scene(
    teeth: tuple[int, int, int], white: tuple[int, int, int], height: int
) -> tuple[np.ndarray, Openings, ParsedFace]:
    labels = np.full((SIDE, SIDE), SKIN)
    rgb = np.full((SIDE, SIDE, 3), (190, 140, 120), np.uint8)
    labels[60:80, 20:70] = MOUTH_INSIDE
    rgb[60:80, 20:70] = (30, 10, 10)
    rgb[60:70, 20:70] = teeth
    labels[20 : 20 + height, 20:50] = EYES
    rgb[20 : 20 + height, 20:50] = (40, 30, 20)
    rgb[20 : 20 + height, 20:35] = white

    def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)

    probability = np.eye(len(FACE_CLASSES), dtype=np.float32)[labels].transpose(2, 0, 1)
    parsed = ParsedFace(np.ascontiguousarray(probability), np.array([[1.0, 0, 0], [0, 1, 0]]))
    return rgb, Openings((box(20, 20, 50, 20 + height),), box(20, 60, 70, 80)), parsed


def test_the_bright_part_of_teeth_and_eyes_is_read() -> None:
    found = light_gauges(*scene((220, 210, 190), (180, 175, 170), 18))
    np.testing.assert_allclose(found.teeth, LINEAR_FROM_SRGB8[[220, 210, 190]], rtol=1e-5)
    np.testing.assert_allclose(found.white, LINEAR_FROM_SRGB8[[180, 175, 170]], rtol=1e-5)


def test_tongues_and_small_eyes_say_nothing() -> None:
    found = light_gauges(*scene((200, 90, 90), (180, 175, 170), 6))
    assert found.teeth is None
    assert found.white is None
    rgb, openings, _ = scene((220, 210, 190), (180, 175, 170), 18)
    assert light_gauges(rgb, openings, None).teeth is None
