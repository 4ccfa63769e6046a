"""Triangles turned over by hand, and smoothed until none is left."""

import numpy as np

from headform.mesh.normals import face_area_vectors
from headform.registration.fold_overs import neighbor_means, turned_over, unfolded
from tests.mesh.surfaces import grid


def test_a_vertex_pulled_across_its_neighbors_turns_triangles_over():
    vertices, faces = grid(7, 7)
    moved = vertices.copy()
    moved[24, 0] += 1.6  # past the next vertex
    wrong = turned_over(vertices, moved, faces)
    np.testing.assert_array_equal(wrong, face_area_vectors(moved, faces)[:, 2] <= 0)
    assert 0 < wrong.sum() < 7
    mended, left = unfolded(vertices, moved, faces)
    assert not left.any()
    assert (face_area_vectors(mended, faces)[:, 2] > 0).all()
    far = np.abs(vertices[:, :2] - vertices[24, :2]).max(axis=1) > 2
    np.testing.assert_array_equal(mended[far], moved[far])


def test_a_sheet_that_is_crumpled_everywhere_is_smoothed():
    vertices, faces = grid(12, 12)
    moved = vertices + np.random.default_rng(3).normal(size=vertices.shape)
    assert turned_over(vertices, moved, faces).mean() > 0.2
    mended, left = unfolded(vertices, moved, faces)
    assert not left.any()
    assert not turned_over(vertices, mended, faces).any()


def test_squeezed_triangles_count_and_those_without_area_do_not():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0]])
    faces = np.array([[0, 1, 2], [0, 1, 3]])
    flat = vertices.copy()
    flat[2] = [0, 0.005, 0]
    np.testing.assert_array_equal(turned_over(vertices, flat, faces), [True, False])
    np.testing.assert_array_equal(turned_over(vertices, vertices, faces), [False, False])


def test_means_over_neighbors_and_a_vertex_without_any():
    mean = neighbor_means(np.array([[0, 1, 2]]), 4)
    np.testing.assert_allclose(mean @ np.array([0.0, 2.0, 4.0, 7.0]), [3, 2, 1, 7])
