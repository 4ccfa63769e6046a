"""Occluders amid a parsed face, and those that reach it from outside."""

import numpy as np

from headform.geometry.face_classes import BACKGROUND, FACE_CLASSES, NECK, OCCLUDER, SKIN
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.enclosed_occluders import without_enclosed_occluders

SIDE = 64


def face(occluder: tuple[slice, slice], sure: float) -> ParsedFace:
    """A face above a neck, with an occluder of some probability, the rest being skin."""
    labels = np.full((SIDE, SIDE), BACKGROUND)
    labels[8:50, 12:52] = SKIN
    labels[50:, 20:44] = NECK
    probability = np.eye(len(FACE_CLASSES), dtype=np.float32)[labels].transpose(2, 0, 1).copy()
    probability[:, *occluder] *= 1 - sure
    probability[OCCLUDER, *occluder] += sure
    return ParsedFace(probability, np.array([[1.0, 0, 0], [0, 1, 0]]))


def test_a_patch_on_the_chin_is_skin() -> None:
    for sure in (0.4, 0.98):
        given = face((slice(38, 46), slice(28, 36)), sure)
        found = without_enclosed_occluders(given).probability
        assert found[OCCLUDER].max() == 0
        np.testing.assert_allclose(found.sum(0), 1, atol=1e-6)
        assert found[SKIN, 40:44, 30:34].min() > 0.99
        assert given.probability[OCCLUDER].max() > 0.3, "the given face stays as it is"


def test_hands_from_below_and_large_regions_stay() -> None:
    for place in ((slice(40, 60), slice(28, 36)), (slice(14, 30), slice(16, 48))):
        given = face(place, 0.98)
        assert without_enclosed_occluders(given) is given


def test_a_hand_beside_a_patch_stays() -> None:
    given = face((slice(38, 44), slice(28, 34)), 0.98)
    given.probability[:, 47:60, 26:40] = 0
    given.probability[OCCLUDER, 47:60, 26:40] = 1
    found = without_enclosed_occluders(given).probability
    assert found[OCCLUDER, 38:44, 28:34].max() == 0
    assert found[OCCLUDER, 47:60, 26:40].min() == 1
