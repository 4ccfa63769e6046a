"""Surfaces made ready for closest points: borders, seams, even samples."""

import numpy as np
import pytest

from headform.registration.surface import Border, SurfaceIndex
from tests.mesh.surfaces import grid, sphere


def test_points_beside_a_sheet_are_at_its_border_and_points_above_are_not():
    vertices, faces = grid(5, 6)
    sheet = SurfaceIndex.of(vertices, faces)
    above = sheet.closest(np.array([[2.3, 1.9, 0.7], [0.4, 0.2, -2.0], [3.0, 2.0, 0.5]]))
    np.testing.assert_allclose(above.distance, [0.7, 2.0, 0.5])
    np.testing.assert_allclose(above.normals, np.tile([0.0, 0, 1], (3, 1)), atol=1e-12)
    assert not above.at_border.any()
    beside = sheet.closest(np.array([[-1.0, 2.0, 0.1], [2.5, 9.0, 0.0], [6.0, 5.0, 1.0]]))
    assert beside.at_border.all()


def test_a_closed_surface_has_no_border_and_outward_normals():
    vertices, faces = sphere(12, 20)
    points = 1.5 * vertices[3:90]
    found = SurfaceIndex.of(vertices, faces).closest(points)
    assert not found.at_border.any()
    assert ((found.normals * points).sum(1) > 1.4).all()
    np.testing.assert_allclose(found.positions, vertices[3:90], atol=1e-9)


def test_a_texture_seam_is_no_border():
    """Every triangle with corners of its own, as some programs write: only the true rim stays open."""
    vertices, faces = grid(4, 4)
    split = SurfaceIndex.of(vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3))
    whole = SurfaceIndex.of(vertices, faces)
    points = np.random.default_rng(0).uniform([-1, -1, -1], [4, 4, 1], (200, 3))
    ours, truth = split.closest(points), whole.closest(points)
    np.testing.assert_array_equal(ours.at_border, truth.at_border)
    assert 0 < truth.at_border.sum() < 200
    np.testing.assert_allclose(ours.normals, truth.normals, atol=1e-12)


def test_border_by_hand_on_two_triangles():
    border = Border.of(np.array([[0, 1, 2], [0, 2, 3]]), 5)
    np.testing.assert_array_equal(border.opposite, [[True, False, True], [True, True, False]])
    np.testing.assert_array_equal(border.vertex, [True, True, True, True, False])


def test_samples_are_even_over_the_area_and_always_the_same():
    vertices, faces = grid(9, 9)
    vertices[:, 0] = (vertices[:, 0] / 8) ** 3  # triangles of very different sizes
    vertices[:, 1] /= 8
    sheet = SurfaceIndex.of(vertices, faces)
    samples = sheet.samples(4000)
    counts, _, _ = np.histogram2d(samples[:, 0], samples[:, 1], bins=8, range=[[0, 1], [0, 1]])
    assert abs(counts / 4000 * 64 - 1).max() < 0.12  # at random it would be 0.4
    np.testing.assert_array_equal(samples, sheet.samples(4000))
    np.testing.assert_allclose(sheet.closest(samples).distance, 0, atol=1e-12)


def test_samples_of_chosen_triangles_stay_on_them():
    vertices, faces = grid(5, 5)
    sheet = SurfaceIndex.of(vertices, faces)
    left = vertices[faces].mean(1)[:, 0] < 2
    samples = sheet.samples(100, left)
    assert len(samples) == 100
    assert samples[:, 0].max() <= 2
    assert len(sheet.samples(100, np.zeros(len(faces), bool))) == 0


def test_inside_out():
    vertices, faces = sphere(8, 12)
    surface = SurfaceIndex.of(vertices, faces).reversed()
    found = surface.closest(2 * vertices[5:50])
    assert ((found.normals * vertices[5:50]).sum(1) < -0.9).all()


def test_nothing_but_points_is_refused():
    vertices, _ = grid(3, 3)
    with pytest.raises(ValueError, match="three different corners"):
        SurfaceIndex.of(vertices, np.array([[0, 0, 1]]))


def test_a_heap_of_equal_positions_is_welded_as_numpy_does():
    """Rows that share some numbers but not all stay apart, and nought has no sign."""
    rng = np.random.default_rng(3)
    positions = rng.integers(-1, 2, (300, 3)) * 1.0
    positions[::7] *= -1.0
    faces = rng.integers(0, 300, (100, 3))
    rows, place = np.unique(positions, axis=0, return_inverse=True)
    place = place.reshape(-1)
    kept = [f for f in faces if len(set(place[f])) == 3]
    found = SurfaceIndex.of(positions, faces)
    np.testing.assert_array_equal(found.faces, kept)
    border = Border.of(place[np.array(kept)], len(rows))
    np.testing.assert_array_equal(found.border.vertex, border.vertex[place])
    np.testing.assert_array_equal(found.border.opposite, border.opposite)
