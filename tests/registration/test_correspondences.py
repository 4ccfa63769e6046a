"""Pairs of a sheet with a surface, and those that are left out."""

import numpy as np

from headform.registration.correspondences import correspondences
from headform.registration.surface import SurfaceIndex
from tests.mesh.surfaces import grid


def paired(lift: float, reach: float = 1.0, *, reverse: bool = False):
    vertices, faces = grid(8, 8)
    surface = SurfaceIndex.of(vertices * [0.5, 1.0, 1.0], faces)  # half as wide
    surface = surface.reversed() if reverse else surface
    moved = vertices + [0.0, 0.0, lift]
    asked = vertices[:, 1] != 3
    return moved, asked, correspondences(moved, faces, asked, surface, reach=reach, cosine=0.5)


def test_pairs_lie_below_where_there_is_a_surface():
    moved, asked, found = paired(0.4)
    inside = asked & (moved[:, 0] < 3.5) & (moved[:, 0] > 0) & (moved[:, 1] > 0) & (moved[:, 1] < 7)
    np.testing.assert_allclose(found.positions[inside], moved[inside] * [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(found.weights[inside], (1 - 0.4**2) ** 2)
    np.testing.assert_allclose(found.distance[inside], 0.4)


def test_beside_the_surface_and_unasked_there_is_no_pair():
    moved, asked, found = paired(0.4)
    beside = moved[:, 0] > 3.5
    assert (found.weights[beside] == 0).all()
    assert (found.weights[~asked] == 0).all()
    assert np.isnan(found.distance[~asked]).all()
    np.testing.assert_array_equal(found.positions[beside], moved[beside])


def test_far_or_opposed_surfaces_give_none():
    assert not paired(0.4, reach=0.3)[2].weights.any()
    assert not paired(0.4, reverse=True)[2].weights.any()
