"""Errors of shapes: SciPy's rotation, NumPy's similarity, and what must not change them."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from headform.geometry.shape_errors import ShapeErrors, shape_errors
from headform.geometry.similarity import fit_similarity

RNG = np.random.default_rng(0)
WANTED = RNG.normal(0, 0.08, (3, 60, 3))
FOUND = WANTED * [1.1, 1.0, 0.95] + RNG.normal(0, 0.004, WANTED.shape)


def errors(found: np.ndarray, wanted: np.ndarray) -> ShapeErrors:
    return shape_errors(torch.from_numpy(found), torch.from_numpy(wanted))


def moved(points: np.ndarray, scale: float = 1.0) -> np.ndarray:
    turns = Rotation.from_rotvec([[0.3, -2.0, 0.7], [3.0, 0.1, 0.0], [0.0, 0.0, 1e-9]]).as_matrix()
    return scale * np.einsum("bij,bvj->bvi", turns, points) + np.array([[0.1, -2.0, 5.0]])


def test_they_are_those_of_scipy_and_numpy() -> None:
    found = errors(moved(FOUND), WANTED)
    for k in range(3):
        a, b = moved(FOUND)[k], WANTED[k]
        a0, b0 = a - a.mean(0), b - b.mean(0)
        turn = Rotation.align_vectors(b0, a0)[0]
        metrical = 1000 * np.linalg.norm(turn.apply(a0) - b0, axis=1).mean()
        aligned = 1000 * np.linalg.norm(fit_similarity(a, b).apply(a) - b, axis=1).mean()
        assert found.metrical[k] == pytest.approx(metrical, rel=1e-6)
        assert found.aligned[k] == pytest.approx(aligned, rel=1e-6)
        assert metrical > aligned > 1


def test_where_a_head_lies_has_no_part_in_it_but_its_size_has() -> None:
    here = errors(FOUND, WANTED)
    there = errors(moved(FOUND), WANTED)
    larger = errors(moved(FOUND, 1.3), WANTED)
    np.testing.assert_allclose(there.metrical, here.metrical, rtol=1e-6)
    np.testing.assert_allclose(there.aligned, here.aligned, rtol=1e-6)
    np.testing.assert_allclose(larger.aligned, here.aligned, rtol=1e-6)
    assert (larger.metrical > 2 * here.metrical).all()
    same = errors(moved(WANTED), WANTED)
    np.testing.assert_allclose(same.metrical, 0, atol=1e-9)


def test_a_mirror_image_is_another_head() -> None:
    mirrored = errors(WANTED * [-1.0, 1.0, 1.0], WANTED)
    assert (mirrored.aligned > 10).all()
    flat = WANTED * [1.0, 1.0, 0.0]
    np.testing.assert_allclose(errors(flat * [-1.0, 1.0, 1.0], flat).metrical, 0, atol=1e-9)
    # a flat head may be turned over, which is a rotation


def test_a_larger_ball_by_hand() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(12)], 1)
    ball = np.concatenate([ring, ring[:, [1, 2, 0]], ring[:, [2, 0, 1]]])[None]
    found = errors(0.11 * ball, 0.10 * ball)
    assert found.metrical == pytest.approx([10.0])
    assert found.aligned == pytest.approx([0.0], abs=1e-9)
