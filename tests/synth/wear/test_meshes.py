"""Meshes of simple solids: volumes against closed forms, orientation outward."""

import numpy as np
import pytest

from headform.synth.wear.meshes import ellipsoid, grid_faces, join, section, smooth_path, sweep, tube


def volume(mesh):
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_a_tube_has_the_volume_of_a_cylinder():
    path = np.column_stack([np.zeros(9), np.linspace(0, 2, 9), np.zeros(9)])
    assert volume(tube(path, 0.5, 64)) == pytest.approx(np.pi * 0.25 * 2, rel=0.01)


def test_a_closed_sweep_has_the_volume_of_a_torus():
    turn = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    outward = np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    depth = np.tile([0, 0, -0.2], (80, 1))
    mesh = sweep(outward, outward * 0.2, depth, section(40), closed=True)
    assert volume(mesh) == pytest.approx(2 * np.pi**2 * 0.2**2, rel=0.02)


def test_an_ellipsoid_has_its_volume():
    mesh = ellipsoid(np.array([1.0, 2, 3]), np.diag([0.5, 1.0, 2.0]), 40, 60)
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_a_grid_faces_the_side_from_which_it_is_written():
    x, y = np.meshgrid(np.arange(4.0), -np.arange(3.0))
    points = np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()])
    a, b, c = (points[grid_faces(3, 4)[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()
    assert len(grid_faces(3, 4, closed=True)) == 2 * 2 * 4


def test_meshes_are_joined_with_their_own_vertices():
    unit = (np.eye(3), np.array([[0, 1, 2]], np.int32))
    vertices, faces = join([unit, (unit[0] + 5, unit[1])])
    assert vertices[faces[1]].min() == 5


def test_a_smooth_path_meets_its_points():
    points = np.random.default_rng(0).normal(0, 1, (5, 3))
    assert np.allclose(smooth_path(points, 13)[::3], points)
