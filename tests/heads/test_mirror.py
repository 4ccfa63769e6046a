"""Coefficients in the mirror, checked on the surface itself."""

import numpy as np
import pytest
import torch

from headform.heads import load_open
from headform.heads.mirror import mirror_identity_map, mirrored_expressions


def test_mirrored_expressions_mirror_the_dense_points() -> None:
    head = load_open()
    order = mirrored_expressions(head.expression_names)
    np.testing.assert_array_equal(order[order], np.arange(len(order)))
    shapes = head.expression[:, head.dense].numpy()
    image = shapes[:, head.dense_mirror.numpy()] * np.array([-1, 1, 1])
    worst = np.abs(shapes[order] - image).max((1, 2)) * 1000  # mm
    assert np.median(worst) < 0.3
    # the sides of ICT's shapes are not exact mirror images, but no other shape may be nearer
    distance = np.square(shapes[:, None] - image[None]).sum((2, 3))
    assert (distance.argmin(0) == order).mean() > 0.9


def test_mirror_identity_map_mirrors_the_dense_points() -> None:
    head = load_open()
    matrix = mirror_identity_map(head)
    code = np.random.default_rng(0).normal(0, 1, (20, len(head.identity)))
    here = code @ head.identity[:, head.dense].flatten(1).numpy()
    image = (code @ matrix) @ head.identity[:, head.dense].flatten(1).numpy()
    wanted = here.reshape(20, -1, 3)[:, head.dense_mirror.numpy()] * [-1, 1, 1]
    error = np.linalg.norm(image.reshape(20, -1, 3) - wanted, axis=2).mean()
    assert error < 0.25 * np.linalg.norm(wanted, axis=2).mean()


def test_unknown_names_stay() -> None:
    np.testing.assert_array_equal(mirrored_expressions(("jawOpen", "aLeft", "aRight")), [0, 2, 1])
    with pytest.raises(KeyError):
        mirrored_expressions(("onlyLeft",))


def test_gazed_turns_the_eyeballs_only() -> None:
    head = load_open()
    turn = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    moved = head.rotate_eyes(head.mean, turn, turn)
    changed = (moved - head.mean).abs().sum(1) > 0
    assert set(head.part[changed].tolist()) == {7, 8}
    center = head.eye_center(head.mean, "eye_left")
    torch.testing.assert_close(head.eye_center(moved, "eye_left"), center)
