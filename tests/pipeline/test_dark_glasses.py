"""Eyes behind a dark lens, on a made map of classes."""

import numpy as np
import pytest

from headform.geometry.face_classes import EYES, FACE_CLASSES, GLASSES, SKIN
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.dark_glasses import behind_dark_glasses

RIGHT, LEFT = (80.0, 90.0), (140.0, 90.0)
"""Middles of the eyes, pixels of the photo."""


def points() -> np.ndarray:
    marks = np.full((68, 2), 150.0)
    turn = np.linspace(0, 2 * np.pi, 7)[:-1]
    for first, middle in ((36, RIGHT), (42, LEFT)):
        marks[first : first + 6] = np.array(middle) + np.column_stack([12 * np.cos(turn), 5 * np.sin(turn)])
    return marks


def parsed(lens: float, frame: bool = False) -> ParsedFace:
    """Skin and eyes; a lens of some probability over the subject's right eye, or a frame across it."""
    probability = np.zeros((len(FACE_CLASSES), 96, 96), np.float32)
    probability[SKIN] = 1
    crop = np.array([[0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
    for x, y in (RIGHT, LEFT):
        box = slice(int(y / 2) - 4, int(y / 2) + 4), slice(int(x / 2) - 8, int(x / 2) + 8)
        probability[:, *box] = 0
        probability[EYES, *box] = 1
    x, y = (int(v / 2) for v in RIGHT)
    rows = slice(y + 1, y + 3) if frame else slice(y - 8, y + 8)
    box = rows, slice(x - 12, x + 12)
    probability[GLASSES, *box] = lens
    probability[EYES, *box] *= 1 - lens
    probability[SKIN, *box] *= 1 - lens
    return ParsedFace(probability, crop)


@pytest.mark.parametrize(("lens", "hidden"), [(0.9, True), (0.3, False)])
def test_the_eye_behind_the_lens_is_covered_and_the_other_is_not(lens: float, hidden: bool) -> None:
    found = behind_dark_glasses(parsed(lens), points())
    assert found[36:42].all() == hidden
    assert found.sum() == 6 * hidden


def test_a_frame_across_an_eye_hides_it_not() -> None:
    assert not behind_dark_glasses(parsed(1.0, frame=True), points()).any()


def test_eyes_beyond_the_map_are_left_alone() -> None:
    assert not behind_dark_glasses(parsed(0.9), points() - 100).any()
