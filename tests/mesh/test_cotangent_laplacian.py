"""Cotangent Laplacian and areas against a plain loop and closed forms."""

import numpy as np
import pytest

from headform.errors import InputError
from headform.mesh.cotangent_laplacian import MOST_COTANGENT, cotangent_laplacian, vertex_areas
from tests.mesh.surfaces import grid, sphere


def test_is_the_sum_over_triangles():
    vertices, faces = sphere(6, 9)
    vertices = vertices * [1.0, 0.7, 1.3]
    expected = np.zeros((len(vertices), len(vertices)))
    for triangle in faces:
        for k in range(3):
            a, i, j = triangle[k], triangle[(k + 1) % 3], triangle[(k + 2) % 3]
            u, v = vertices[i] - vertices[a], vertices[j] - vertices[a]
            half = u @ v / np.linalg.norm(np.cross(u, v)) / 2
            expected[[i, j], [j, i]] -= half
            expected[[i, j], [i, j]] += half
    np.testing.assert_allclose(cotangent_laplacian(vertices, faces).toarray(), expected, atol=1e-12)


def test_linear_functions_of_a_sheet_have_none_inside():
    vertices, faces = grid(7, 6)
    rng = np.random.default_rng(0)
    inner = (vertices[:, 0] > 0) & (vertices[:, 0] < 5) & (vertices[:, 1] > 0) & (vertices[:, 1] < 6)
    vertices[inner, :2] += rng.uniform(-0.2, 0.2, (int(inner.sum()), 2))
    value = vertices @ [0.3, -1.2, 0.0] + 5.0
    assert inner.sum() > 10
    np.testing.assert_allclose((cotangent_laplacian(vertices, faces) @ value)[inner], 0, atol=1e-12)


def test_coordinates_are_eigenfunctions_of_the_sphere():
    """On the unit sphere their eigenvalue is 2, and the areas sum to 4 pi."""
    vertices, faces = sphere(40, 60)
    area = vertex_areas(vertices, faces)
    assert area.sum() == pytest.approx(4 * np.pi, rel=0.01)
    ratio = vertices[:, 2] @ (cotangent_laplacian(vertices, faces) @ vertices[:, 2]) / (area @ vertices[:, 2] ** 2)
    assert ratio == pytest.approx(2.0, rel=0.01)


def test_needles_and_triangles_without_area_are_bounded():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, 1e-9, 0], [0.5, 0, 0]])
    matrix = cotangent_laplacian(vertices, np.array([[0, 1, 2], [0, 1, 3]]))
    assert np.isfinite(matrix.toarray()).all()
    assert np.abs(matrix.toarray()).max() <= MOST_COTANGENT
    with pytest.raises(InputError) as refused:
        vertex_areas(vertices, np.zeros((0, 3), np.int64))
    assert refused.value.code == "mesh_empty"
