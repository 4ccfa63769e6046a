"""Depth-buffer visibility against rays, and distances against scipy."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull

from headform.geometry.camera import PerspectiveCamera
from headform.render.rasterize import rasterize
from headform.render.visibility import outline_distance, visible_points, visible_vertices


def sphere(radius: float, center: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    unit = np.random.default_rng(seed).normal(size=(count, 3))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    return radius * unit + center, ConvexHull(unit).simplices


def test_sees_the_front_of_a_sphere_and_what_a_smaller_one_leaves() -> None:
    big, big_faces = sphere(0.1, np.zeros(3), 3000, 0)
    small, small_faces = sphere(0.03, np.array([0.02, 0.0, 0.14]), 800, 1)
    vertices = np.concatenate([big, small])
    faces = np.concatenate([big_faces, small_faces + len(big)])
    camera = PerspectiveCamera.frontal(700.0, (400, 400), 0.6)
    seen = visible_vertices(camera.project(vertices), faces, 400, 400)
    # Closed form: a point of a sphere faces the eye, and its ray misses the other sphere.
    eye = camera.center
    ray = vertices - eye
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    centers = np.where(np.arange(len(vertices))[:, None] < len(big), 0.0, [0.02, 0.0, 0.14])
    normal = vertices - centers
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    facing = -(normal * ray).sum(1)
    to_small = np.array([0.02, 0.0, 0.14]) - eye
    along = ray @ to_small
    miss = np.linalg.norm(to_small - along[:, None] * ray, axis=1)
    hidden = (np.arange(len(vertices)) < len(big)) & (miss < 0.03)
    # Within a pixel (0.9 mm) of an outline the answer is open.
    certain = (np.abs(facing) > 0.15) & (np.abs(miss - 0.03) > 0.002)
    expected = (facing > 0) & ~hidden
    assert (hidden & certain & (facing > 0)).sum() > 50
    np.testing.assert_array_equal(seen[certain], expected[certain])


def test_a_steep_plane_sees_itself() -> None:
    # 85 degrees to the view: a pixel spans 9 mm of depth, far more than the tolerance.
    slope = np.tan(np.radians(85))
    x, y = np.meshgrid(np.linspace(-0.02, 0.02, 60), np.linspace(-0.1, 0.1, 60))
    vertices = np.column_stack([x.ravel(), y.ravel(), slope * x.ravel()])
    i = np.arange(3600).reshape(60, 60)
    a, b, c, d = (g.ravel() for g in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    points = PerspectiveCamera.frontal(1000.0, (300, 300), 1.0).project(vertices)
    inner = (np.abs(x) < 0.018).ravel() & (np.abs(y) < 0.095).ravel()
    assert visible_vertices(points, faces, 300, 300)[inner].all()
    behind = points + [0, 0, 0.05]
    fragments = rasterize(points, faces, 300, 300)
    assert not visible_points(behind[inner], points, faces, fragments).any()


def test_outside_and_not_a_number_are_not_seen() -> None:
    points = np.array([[0.0, 0, 1], [9, 0, 1], [0, 9, 1.0]])
    faces = np.array([[0, 1, 2]])
    fragments = rasterize(points, faces, 8, 8)
    query = np.array([[2.0, 2, 1], [-1, 2, 1], [2, 9, 1], [np.nan, 2, 1], [2, 2, 1.1]])
    seen = visible_points(query, points, faces, fragments)
    np.testing.assert_array_equal(seen, [True, False, False, False, False])


def test_distances_to_outlines() -> None:
    depth = np.full((60, 70), np.inf, np.float32)
    depth[10:50, 8:60] = 1.0
    depth[20:30, 20:40] = 0.95  # hides what is behind
    to_empty, to_occluder = outline_distance(depth, step=0.02, reach=100.0)
    inside = np.isfinite(depth)
    exact = distance_transform_edt(inside)
    np.testing.assert_allclose(to_empty[inside], exact[inside], rtol=0.085)
    assert (to_empty[~inside] == 0).all()
    # The nearer surface is not eroded where it starts; the far side is, from 0.
    assert to_occluder[25, 19] == 0
    assert to_occluder[25, 41] == 1
    assert to_occluder[25, 20] == 1
    assert to_occluder[25, 15] == pytest.approx(4)
