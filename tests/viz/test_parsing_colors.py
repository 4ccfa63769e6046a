"""Tinted photos."""

import numpy as np

from headform.geometry.face_classes import FACE_CLASSES, HAIR, UNKNOWN
from headform.viz.parsing_colors import CLASS_COLORS, tinted


def test_every_class_has_its_color_and_the_unknown_none() -> None:
    assert set(CLASS_COLORS) == set(FACE_CLASSES)
    assert len(set(CLASS_COLORS.values())) == len(FACE_CLASSES)
    photo = np.full((2, 2, 3), 100, np.uint8)
    labels = np.array([[HAIR, UNKNOWN], [UNKNOWN, UNKNOWN]], np.uint8)
    out = tinted(photo, labels)
    np.testing.assert_array_equal(out[0, 1], [100, 100, 100])
    expected = 100 + 0.55 * (np.array(CLASS_COLORS["hair"]) - 100.0)
    np.testing.assert_allclose(out[0, 0], expected, atol=0.51)
