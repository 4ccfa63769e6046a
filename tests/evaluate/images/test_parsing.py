"""Intersection over union of classes, by hand."""

import numpy as np
import pytest

from headform.errors import InputError, UsageError
from headform.evaluate.images.parsing import class_areas, overlaps
from headform.geometry.face_classes import BACKGROUND, HAIR, LIPS, OUTSIDE, SKIN, UNKNOWN


def test_overlap_by_hand() -> None:
    truth = np.array([[HAIR, HAIR, SKIN, SKIN], [HAIR, HAIR, UNKNOWN, OUTSIDE]], np.uint8)
    found = np.array([[HAIR, HAIR, HAIR, SKIN], [HAIR, UNKNOWN, HAIR, HAIR]], np.uint8)
    areas = class_areas(found, truth)
    hair, skin, lips = overlaps([areas], ("hair", "skin", "lips"))
    assert hair.mean == pytest.approx(100 * 3 / 5)  # 3 shared, 4 true, 4 found among the known
    assert skin.mean == pytest.approx(100 * 1 / 2)
    assert lips.faces == 0
    assert np.isnan(lips.mean)


def test_means_are_over_faces_and_pools_over_pixels() -> None:
    large = class_areas(np.full((10, 10), HAIR, np.uint8), np.full((10, 10), HAIR, np.uint8))
    small = class_areas(np.full((2, 2), BACKGROUND, np.uint8), np.full((2, 2), HAIR, np.uint8))
    without = class_areas(np.full((2, 2), LIPS, np.uint8), np.full((2, 2), SKIN, np.uint8))
    (hair,) = overlaps([large, small, without], ("hair",))
    assert (hair.faces, hair.mean, hair.least) == (2, 50.0, 0.0)
    assert hair.pooled == pytest.approx(100 * 100 / 104)


def test_pictures_of_two_sizes_and_unknown_names_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        class_areas(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8))
    assert caught.value.code == "array_shape"
    with pytest.raises(UsageError) as named:
        overlaps([], ("beard",))
    assert named.value.code == "option_unknown"
