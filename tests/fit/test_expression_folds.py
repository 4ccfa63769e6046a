"""Shortening of a surface by an expression, against singular values and known scales."""

import numpy as np
import pytest
import torch

from headform.fit.expression_folds import least_stretch, shortening
from headform.heads.linear import LinearHead


def test_the_least_stretch_is_the_smaller_singular_value() -> None:
    rng = np.random.default_rng(0)
    rest = rng.normal(size=(30, 3)) * 0.01
    posed = rest + rng.normal(size=(30, 3)) * 0.004
    faces = np.arange(30).reshape(10, 3)
    for face, found in zip(faces, least_stretch(rest, posed, faces), strict=True):
        edges = np.stack([rest[face[1]] - rest[face[0]], rest[face[2]] - rest[face[0]]])
        moved = np.stack([posed[face[1]] - posed[face[0]], posed[face[2]] - posed[face[0]]])
        frame = np.linalg.qr(edges.T)[0]  # of the triangle's plane
        gradient = moved.T @ np.linalg.inv((edges @ frame).T)
        assert found == pytest.approx(np.linalg.svd(gradient)[1][1], rel=1e-6)


def test_skin_that_is_a_fifth_shorter_says_so_and_stretched_skin_says_nothing() -> None:
    x, y = np.meshgrid(np.arange(5) * 0.004, np.arange(5) * 0.004)
    rest = np.stack([x.ravel(), y.ravel(), np.zeros(25)], axis=1)
    corner = (np.arange(20)[:, None] + [0, 1, 5])[[n for n in range(20) if n % 5 < 4]]
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    posed = rest * [1.5, 0.8, 1.0] @ turn.T + [0.1, 0.2, 0.3]
    used = np.unique(corner)
    np.testing.assert_allclose(shortening(rest, posed, corner)[used], 0.2, atol=1e-9)
    np.testing.assert_allclose(shortening(rest, 1.3 * rest, corner), 0, atol=1e-9)
    collapsed = np.zeros_like(rest)
    np.testing.assert_allclose(
        shortening(collapsed, rest, corner)[used], 1
    )  # a face without area tells nothing: finite
    assert shortening(rest, posed, corner[:1])[24] == 0


def test_a_smile_shortens_the_skin_beside_the_mouth_and_not_the_forehead(head: LinearHead) -> None:
    weights = np.zeros(len(head.expression_names), np.float32)
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        weights[head.expression_names.index(name)] = 0.8
    rest = head.vertices().numpy()
    smiling = head.vertices(expression=torch.from_numpy(weights)).numpy()
    shorter = shortening(rest, smiling, head.faces.numpy())
    beside = np.linalg.norm(rest - rest[int(head.now7[5])] - [-0.008, 0, 0], axis=1) < 0.008
    assert beside.sum() > 10
    assert shorter[beside].mean() > 0.1
    assert shorter[head.regions["forehead"].numpy()].max() < 0.02
