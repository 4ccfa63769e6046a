"""Brows: coordinates over the forehead, and landmarks that follow what is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.landmarks68 import BROWS, LEFT_BROW, RIGHT_BROW
from headform.heads import load_open
from headform.synth.brow_maps import draw_brow_maps, fit_resolution, painted_brow_maps
from headform.synth.brows import Brow, BrowCoordinates, brow_coordinates, sample_brows
from headform.synth.randomization import BrowRandomization

PLAIN = Brow(outer=0.0, inner=1.0, lift=0.0, slant=0.0, arch=0.0, half_height=0.5, opacity=1.0, map=0)


@pytest.fixture(scope="module")
def coordinates() -> BrowCoordinates:
    return brow_coordinates(load_open())


def test_the_line_of_the_bone_has_height_zero(coordinates: BrowCoordinates) -> None:
    dense = load_open().dense.numpy()
    for side, rows in enumerate((RIGHT_BROW, LEFT_BROW)):
        ids = dense[:68][rows]
        ids = ids if side == 0 else ids[::-1]  # outer to inner
        assert (coordinates.side[ids] == side).all()
        np.testing.assert_allclose(coordinates.along[ids], np.linspace(0, 1, 5), atol=0.08)
        assert np.abs(coordinates.above[ids]).max() < 0.2, "cm"


def test_unmoved_brows_have_the_landmarks_of_the_bone(coordinates: BrowCoordinates) -> None:
    head = load_open()
    verts = head.mean.numpy()
    marks = verts[head.dense.numpy()[:68]][BROWS]
    drawn = coordinates.landmarks((PLAIN, PLAIN), verts)
    assert np.linalg.norm(drawn - marks, axis=1).max() < 0.003, "meters"
    lifted = coordinates.landmarks((replace(PLAIN, lift=0.5),) * 2, verts)
    rise = lifted - drawn
    np.testing.assert_allclose(np.linalg.norm(rise[:, :2], axis=1), 0.005, atol=0.001)
    assert (rise[:, 1] > 0.003).all()
    shorter = coordinates.landmarks((replace(PLAIN, outer=0.3),) * 2, verts)
    np.testing.assert_allclose(shorter[[4, 5]], drawn[[4, 5]], atol=1e-9)  # the inner ends stay
    assert (np.abs(shorter[[0, 9], 0]) < np.abs(drawn[[0, 9], 0]) - 0.005).all()


def test_brows_are_alike_but_not_equal() -> None:
    config = BrowRandomization()
    rng = np.random.default_rng(0)
    pairs = [sample_brows(rng, 8, config) for _ in range(300)]
    right, left = (np.array([p[k].lift for p in pairs]) for k in (0, 1))
    assert 0 < np.abs(right - left).mean() < 0.5 * right.std()
    assert np.corrcoef(right, left)[0, 1] > 0.9
    assert all(p[0].inner >= p[0].outer + 0.5 for p in pairs)
    assert {p[0].map for p in pairs} == set(range(8))


def test_maps_are_the_same_every_time_and_keep_their_density() -> None:
    maps = draw_brow_maps(2)
    np.testing.assert_array_equal(maps, draw_brow_maps(2))
    small = fit_resolution(maps, 30.0)
    assert small.shape[2] == 32
    np.testing.assert_allclose(small.mean((1, 2)), maps.mean((1, 2)), atol=1)
    assert fit_resolution(maps, 500.0).shape == maps.shape


def test_painted_brows_are_like_drawn_ones() -> None:
    painted, drawn = painted_brow_maps(), draw_brow_maps(4)
    assert painted.shape[1:] == drawn.shape[1:]
    assert len(painted) == 20
    spine, edges = painted[:, 20:28].mean((1, 2)), painted[:, [0, 1, -2, -1]].mean((1, 2))
    assert (spine > 2 * edges).all()
    heights = (painted > 80).sum(1)
    thicker = heights[:, 150:230].mean(1) > heights[:, :40].mean(1)
    assert thicker.mean() > 0.85, "outer end first"
