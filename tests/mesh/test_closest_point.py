"""Closest points against every triangle tried in turn, and against known places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from headform.mesh.closest_point import closest_points
from tests.mesh.surfaces import face_sheet, grid, shaken, sphere


def tried(points, vertices, faces):
    """Squared distance to every triangle (P, F): the foot if it is inside, else the nearest of many edge clamps."""
    out = np.empty((len(points), len(faces)))
    for j, (a, b, c) in enumerate(vertices[faces]):
        base = np.stack([b - a, c - a], axis=1)
        weights = (points - a) @ np.linalg.pinv(base).T
        inside = (weights >= 0).all(1) & (weights.sum(1) <= 1)
        foot = ((a + weights @ base.T - points) ** 2).sum(1)
        sides = []
        for p, q in ((a, b), (b, c), (c, a)):
            t = np.clip((points - p) @ (q - p) / ((q - p) @ (q - p)), 0, 1)[:, None]
            sides.append(((p + t * (q - p) - points) ** 2).sum(1))
        out[:, j] = np.where(inside, foot, np.min(sides, axis=0))
    return out


@given(seed=st.integers(0, 10_000), rows=st.integers(2, 7), spread=st.sampled_from([0.1, 1.0, 30.0]))
def test_equals_every_triangle_tried(seed, rows, spread) -> None:
    vertices, faces = grid(rows, 6)
    vertices = shaken(vertices, seed, by=0.3)
    points = np.random.default_rng(seed + 1).normal(0, spread, (25, 3)) + [2, 2, 0]
    found = closest_points(points, vertices, faces)
    distance = tried(points, vertices, faces)
    np.testing.assert_allclose(found.squared, distance.min(1), rtol=1e-9, atol=1e-12)
    own = distance[np.arange(25), found.triangle]
    np.testing.assert_allclose(own, distance.min(1), rtol=1e-9, atol=1e-12)
    at = (vertices[faces[found.triangle]] * found.weights[..., None]).sum(1)
    np.testing.assert_allclose(((at - points) ** 2).sum(1), found.squared, rtol=1e-9, atol=1e-12)
    assert (found.weights >= 0).all()
    np.testing.assert_allclose(found.weights.sum(1), 1.0, atol=1e-14)


def test_no_weights_do_better() -> None:
    vertices = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.3], [0.4, 1.5, -0.2]])
    faces = np.array([[0, 1, 2]])
    points = np.random.default_rng(0).normal(0, 1.5, (12, 3))
    found = closest_points(points, vertices, faces)
    for p, squared in zip(points, found.squared, strict=True):
        best = minimize(
            lambda w, p=p: ((np.array([1 - w[0] - w[1], *w]) @ vertices - p) ** 2).sum(),
            [0.3, 0.3],
            bounds=[(0, 1), (0, 1)],
            constraints={"type": "ineq", "fun": lambda w: 1 - w[0] - w[1]},
        )
        assert squared == pytest.approx(best.fun, abs=1e-6)


def test_known_places_and_ties() -> None:
    vertices, faces = grid(3, 3)
    found = closest_points(np.array([[1.0, 1.0, 2.0], [-3.0, -4.0, 0.0]]), vertices, faces)
    assert found.squared.tolist() == [4.0, 25.0]
    assert found.triangle[0] == np.flatnonzero((faces == 4).any(1))[0], "the first of equals"
    assert vertices[faces[found.triangle[1], found.weights[1].argmax()]].tolist() == [0, 0, 0]


def test_triangles_without_area_are_segments_and_points() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [3, 0, 0], [9, 9, 9]])
    found = closest_points(np.array([[2.0, 2.0, 0.0]]), vertices, np.array([[0, 1, 2]]))
    assert found.squared.tolist() == [4.0]
    found = closest_points(np.array([[9.0, 9.0, 8.0]]), vertices, np.array([[3, 3, 3], [0, 1, 2]]))
    assert (found.squared.tolist(), found.triangle.tolist()) == ([1.0], [0])


@given(seed=st.integers(0, 10_000), thin=st.sampled_from([1e-3, 1e-5, 1e-8, 1e-12]))
def test_thin_triangles_keep_their_digits(seed, thin) -> None:
    """A needle is the segment it nearly is; all corners take their turn at its point."""
    rng = np.random.default_rng(seed)
    ends = rng.normal(0, 1, (2, 3))
    side = rng.normal(0, thin, 3)
    vertices = np.array([ends[0], ends[1], ends.mean(0) + side])
    vertices = np.vstack([vertices, [ends[0], ends[1], ends[0] + side]])
    faces = np.array([np.roll([0, 1, 2], seed % 3), np.roll([3, 4, 5], seed % 3)])
    points = rng.normal(0, 1, (20, 3))
    along = np.clip((points - ends[0]) @ (ends[1] - ends[0]) / ((ends[1] - ends[0]) ** 2).sum(), 0, 1)
    way = np.linalg.norm(ends[0] + along[:, None] * (ends[1] - ends[0]) - points, axis=1)
    found = closest_points(points, vertices, faces)
    np.testing.assert_allclose(np.sqrt(found.squared), way, atol=4 * thin + 1e-13)
    assert (np.sqrt(found.squared) <= way + 1e-13).all(), "the segment is part of the needle"


def test_many_equal_boxes() -> None:
    """Median splits cannot tell these apart; the tree must still end."""
    vertices, faces = grid(2, 2)
    many = np.repeat(faces[:1], 1000, axis=0)
    assert closest_points(np.zeros((1, 3)), vertices, many).triangle.tolist() == [0]


def test_points_of_the_surface_lie_on_it() -> None:
    for vertices, faces in (face_sheet(20, 20), sphere(9, 12)):
        found = closest_points(vertices[faces].mean(1), vertices, faces)
        np.testing.assert_array_equal(found.triangle, np.arange(len(faces)))
        np.testing.assert_allclose(found.weights, 1 / 3, atol=1e-9)


def test_refusals() -> None:
    vertices, faces = grid(2, 2)
    with pytest.raises(ValueError, match="no triangles"):
        closest_points(vertices, vertices, faces[:0])
    with pytest.raises(ValueError, match="finite"):
        closest_points(np.full((1, 3), np.nan), vertices, faces)
