"""Lids that shut on every person's eyes."""

import numpy as np
import pytest
import torch

from headform.export.lid_closure import MOST_FACTOR, _Eye, shut_lid
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.heads.opaque import opaque_triangles


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return load_open()


def wide_eyed(head: LinearHead, side: str, millimeters: float) -> np.ndarray:
    """A person whose upper lid lies higher than the mean head's."""
    blink = head.expression[head.expression_names.index(f"eyeBlink{side}")].numpy()
    lid = np.clip(-blink[:, 1] / -blink[:, 1].min(), 0, 1)
    neutral = head.mean.numpy().copy()
    neutral[:, 1] += 1e-3 * millimeters * lid
    return neutral


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_eyes_that_a_models_blink_leaves_open_are_shut(head: LinearHead, side: str) -> None:
    neutral = wide_eyed(head, side, 1.5)
    delta = head.expression[head.expression_names.index(f"eyeBlink{side}")].numpy()
    faces, eye = head.faces.numpy()[opaque_triangles(head)], head.part_vertices(f"eye_{side.lower()}").numpy()
    around = _Eye.of(neutral.astype(np.float64), faces, eye)
    open_before = around.slits((neutral + delta)[around.ids].astype(np.float64))
    assert open_before.max() > 8e-4, "a slit of a millimeter"
    shape, factor = shut_lid(delta, neutral, faces, eye)
    left = around.slits((neutral + shape)[around.ids])
    assert left.sum() < 0.02 * open_before.sum()
    assert 1.05 < factor <= MOST_FACTOR
    moved = np.abs(shape - delta).max(axis=1) > 1e-6
    assert (delta[moved, 1] < 0).all(), "only the upper lid goes farther"
    assert not moved[eye].any()


def test_a_lid_that_shuts_is_left_as_it_is(head: LinearHead) -> None:
    faces, eye = head.faces.numpy()[opaque_triangles(head)], head.part_vertices("eye_left").numpy()
    delta = 1.6 * head.expression[head.expression_names.index("eyeBlinkLeft")].numpy()
    shape, factor = shut_lid(delta, head.mean.numpy(), faces, eye)
    assert factor == 1
    np.testing.assert_array_equal(shape, delta)


def test_without_an_eye_or_a_lid_nothing_changes(head: LinearHead) -> None:
    faces, none = head.faces.numpy(), torch.zeros(0, dtype=torch.int64).numpy()
    still = np.zeros((len(head.mean), 3))
    assert shut_lid(still, head.mean.numpy(), faces, none)[1] == 1
    assert shut_lid(still, head.mean.numpy(), faces, head.part_vertices("eye_left").numpy())[1] == 1
