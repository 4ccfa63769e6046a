"""Vertex normals against a sphere, a loop and the corner cases."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headform.mesh.normals import face_area_vectors, unit, vertex_normals
from headform.render.normals import vertex_normals as vertex_normals_torch
from headform.synth._kernels import vertex_normals_into

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


def by_loop(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    total = np.zeros((len(vertices), 3))
    for a, b, c in faces:
        normal = np.cross(vertices[b] - vertices[a], vertices[c] - vertices[a])
        for corner in (a, b, c):
            total[corner] += normal
    return total / np.linalg.norm(total, axis=1, keepdims=True)


@given(st.integers(0, 2**31))
def test_equals_a_loop(seed: int) -> None:
    vertices = np.random.default_rng(seed).normal(size=(4, 3))
    normals = vertex_normals(vertices, TETRAHEDRON)
    np.testing.assert_allclose(normals, by_loop(vertices, TETRAHEDRON), atol=1e-12)


def test_counter_clockwise_points_outwards() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    center = vertices.mean(0)
    normals = vertex_normals(vertices, TETRAHEDRON)
    assert (np.einsum("vc,vc->v", normals, vertices - center) > 0.1).all()


def test_area_is_half_the_length() -> None:
    vertices = np.array([[0.0, 0, 5], [3, 0, 5], [0, 4, 5]])
    assert face_area_vectors(vertices, np.array([[0, 1, 2]])) == pytest.approx(np.array([[0, 0, 12]]))


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_any_unit(scale: float) -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]) * scale
    lengths = np.linalg.norm(vertex_normals(vertices, TETRAHEDRON), axis=1)
    np.testing.assert_allclose(lengths, 1.0, atol=1e-12)


def test_a_vertex_without_triangles_has_the_normal_zero() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [9, 9, 9]], np.float32)
    normals = vertex_normals(vertices, np.array([[0, 1, 2]]))  # a sliver, and vertex 3 unused
    assert not normals.any()
    assert not unit(np.zeros((1, 3))).any()


def test_all_three_implementations_agree() -> None:
    rng = np.random.default_rng(3)
    vertices, faces = rng.normal(size=(30, 3)), rng.integers(0, 28, (60, 3))  # the last two belong to none
    expected = vertex_normals(vertices, faces)
    assert not expected[28:].any()
    in_torch = vertex_normals_torch(torch.from_numpy(vertices), torch.from_numpy(faces))
    np.testing.assert_allclose(in_torch, expected, atol=1e-12)
    single = np.full(vertices.shape, np.nan, np.float32)
    vertex_normals_into(vertices.astype(np.float32), faces, single)
    np.testing.assert_allclose(single, expected, atol=1e-4)
