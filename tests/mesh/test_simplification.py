"""Simplification against closed forms: planes cost nothing, boundaries and seams stay, both sides alike."""

import numpy as np
import pytest

from headform.mesh.simplification import simplify
from headform.mesh.topology import edges
from tests.mesh.surfaces import sphere


def grid(size):
    """A symmetric square of 2 (size-1)² triangles about x = 0 and its mirror map; z = 0."""
    x, y = np.meshgrid(np.arange(size) - size // 2, np.arange(size))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(size * size)], axis=1).astype(float)
    number = np.arange(size * size).reshape(size, size)
    faces = []
    for row in range(size - 1):
        for column in range(size - 1):
            a, b = number[row, column], number[row, column + 1]
            d, c = number[row + 1, column], number[row + 1, column + 1]
            left = vertices[a, 0] < 0
            faces += [(a, b, c), (a, c, d)] if left else [(a, b, d), (b, c, d)]
    return vertices, np.array(faces), number[:, ::-1].ravel()


def areas(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.cross(b - a, c - a) / 2


def test_a_plane_keeps_its_outline_and_its_area() -> None:
    vertices, faces, _ = grid(15)
    less = simplify(vertices[None], faces, 30)
    assert len(less.vertices) == 30
    corners = {(-7, 0), (7, 0), (-7, 14), (7, 14)}
    left = vertices[less.vertices]
    assert corners <= {(int(x), int(y)) for x, y, _ in left}
    up = areas(left, less.faces)[:, 2]
    assert (up > 0).all()
    assert up.sum() == pytest.approx(14 * 14, abs=1e-9)


def test_both_sides_collapse_alike() -> None:
    vertices, faces, mirror = grid(15)
    bumpy = vertices.copy()
    bumpy[:, 2] = np.cos(0.4 * vertices[:, 0]) * np.sin(0.3 * vertices[:, 1])
    less = simplify(bumpy[None], faces, 81, mirror=mirror)
    assert 80 <= len(less.vertices) <= 81
    np.testing.assert_array_equal(np.sort(mirror[less.vertices]), less.vertices)
    here = {frozenset(f) for f in less.vertices[less.faces].tolist()}
    assert {frozenset(f) for f in mirror[less.vertices[less.faces]].tolist()} == here


def test_vertices_that_must_stay_stay() -> None:
    vertices, faces, _ = grid(15)
    keep = np.zeros(len(vertices), bool)
    keep[[16, 50, 100, 101]] = True
    less = simplify(vertices[None], faces, 12, keep=keep)
    assert set(np.flatnonzero(keep)) <= set(less.vertices.tolist())


def test_a_closed_surface_stays_closed_round_and_outward() -> None:
    vertices, faces = sphere(16, 32)
    less = simplify(vertices[None], faces, 120)
    assert len(less.vertices) == 120
    pairs, uses = edges(less.faces)
    assert (uses == 2).all()
    assert len(less.vertices) - len(pairs) + len(less.faces) == 2
    directed = np.concatenate([less.faces[:, [0, 1]], less.faces[:, [1, 2]], less.faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)  # one way each: oriented alike
    left = vertices[less.vertices]
    normals = areas(left, less.faces)
    assert ((normals * left[less.faces].mean(1)).sum(1) > 0).all()
    # a chord of the mean edge length (4 pi / 120 per vertex) sags by about a hundredth
    assert np.linalg.norm(left[less.faces].mean(1), axis=1).min() > 0.93


def test_a_crease_of_any_shape_survives() -> None:
    """Flat in the mean but folded along a line in the second shape: that line must keep its vertices' plane."""
    vertices, faces, _ = grid(15)
    folded = vertices.copy()
    folded[:, 2] = np.abs(vertices[:, 0] - 3.0)
    less = simplify(np.stack([vertices, folded]), faces, 24)
    corners = folded[less.vertices][less.faces]
    # every triangle lies on one side of the fold
    side = vertices[less.vertices][less.faces][..., 0] - 3.0
    assert ((side >= 0).all(1) | (side <= 0).all(1)).all()
    assert np.abs(areas(folded[less.vertices], less.faces)).sum() > 0
    assert np.isfinite(corners).all()


def test_texture_seams_and_orientation_stay() -> None:
    """The two halves of a square are separate charts: each keeps its area, no triangle turns over."""
    vertices, faces, mirror = grid(15)
    right = (vertices[faces][..., 0].mean(1) > 0)[:, None]
    uv = np.concatenate([vertices[:, :2], vertices[:, :2] + [40.0, 0.0]]) / 60
    uv_faces = np.where(right, faces + len(vertices), faces)
    less = simplify(vertices[None], faces, 40, mirror=mirror, uv=uv, uv_faces=uv_faces)
    assert less.uv_faces is not None
    assert len(less.vertices) <= 40
    assert (less.uv_faces % len(vertices) == less.vertices[less.faces]).all()
    of_right = less.uv_faces >= len(vertices)
    assert (of_right.all(1) | ~of_right.any(1)).all()
    flat = np.concatenate([uv, np.zeros((len(uv), 1))], axis=1)
    area = areas(flat, less.uv_faces)[:, 2] * 3600
    assert (area > 0).all()
    assert area[of_right.all(1)].sum() == pytest.approx(98, abs=1e-9)
    assert area[~of_right.any(1)].sum() == pytest.approx(98, abs=1e-9)


def test_same_input_same_output() -> None:
    vertices, faces = sphere(12, 20)
    first = simplify(vertices[None], faces, 60)
    second = simplify(vertices[None], faces, 60)
    np.testing.assert_array_equal(first.faces, second.faces)


def test_refuses_what_it_cannot_do() -> None:
    vertices, faces, _ = grid(5)
    with pytest.raises(ValueError, match="given together"):
        simplify(vertices[None], faces, 10, uv=vertices[:, :2])
    with pytest.raises(ValueError, match="more than two triangles"):
        simplify(vertices[None], np.concatenate([faces, faces[:1], faces[:1]]), 10)
