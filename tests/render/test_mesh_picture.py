"""Pictures of any mesh: colors arrive where they belong, and pixels lead back to the surface."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.camera import PerspectiveCamera
from headform.render.mesh_picture import MeshLook, draw_mesh, positions_at, reduced_texture

SIDE = 64
CAMERA = PerspectiveCamera.frontal(SIDE * 2.0, (SIDE, SIDE), 2.0)  # shows one unit at the origin
SQUARE = MeshLook(
    vertices=np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]]),
    faces=np.array([[0, 1, 2], [0, 2, 3]]),
)
UV = np.array([[0.0, 0], [1, 0], [1, 1], [0, 1]])


def test_a_texture_stands_upright():
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0], texture[0, 1] = (255, 0, 0), (0, 255, 0)  # v = 1: above
    texture[1, 0], texture[1, 1] = (0, 0, 255), (250, 250, 250)
    look = replace(SQUARE, uv=UV, uv_faces=SQUARE.faces, texture=texture)
    assert look.colored
    picture, _ = draw_mesh(look, CAMERA, (SIDE, SIDE))
    np.testing.assert_array_equal(picture[4, 4], (255, 0, 0))
    np.testing.assert_array_equal(picture[4, -5], (0, 255, 0))
    np.testing.assert_array_equal(picture[-5, 4], (0, 0, 255))
    np.testing.assert_array_equal(picture[-5, -5], (250, 250, 250))


def test_a_texture_is_bilinear_and_repeats():
    ramp = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], 3, 2).repeat(4, 0)
    look = replace(SQUARE, uv=UV + [3.0, -2.0], uv_faces=SQUARE.faces, texture=ramp)
    picture, _ = draw_mesh(look, CAMERA, (SIDE, SIDE), supersample=1)
    column = np.arange(SIDE) + 0.5
    expected = (column / SIDE * 32 - 0.5) * 8
    np.testing.assert_allclose(picture[20, 2:-2, 0], expected[2:-2], atol=1.01)


def test_vertex_colors_are_drawn_as_they_are():
    colors = np.array([[0.0, 0.2, 1], [1, 0.2, 1], [1, 0.2, 0], [0, 0.2, 0]])
    picture, _ = draw_mesh(replace(SQUARE, colors=colors), CAMERA, (SIDE, SIDE))
    x = (np.arange(SIDE) + 0.5) / SIDE
    np.testing.assert_allclose(picture[10, :, 0], 255 * x, atol=1)
    np.testing.assert_allclose(picture[:, 10, 2], 255 * x, atol=1)
    assert (picture[:, :, 1] == 51).all()


def test_clay_has_two_sides_and_light_from_above():
    front, _ = draw_mesh(SQUARE, CAMERA, (SIDE, SIDE))
    back, _ = draw_mesh(replace(SQUARE, faces=SQUARE.faces[:, ::-1].copy()), CAMERA, (SIDE, SIDE))
    np.testing.assert_array_equal(front, back)
    assert front[30, 30, 0] > 150
    leaning = SQUARE.vertices.copy()
    leaning[2:, 2] = 0.8  # the upper edge comes nearer: it faces the floor
    shade, _ = draw_mesh(replace(SQUARE, vertices=leaning), CAMERA, (SIDE, SIDE))
    assert shade[30, 30, 0] < front[30, 30, 0] - 30
    assert (draw_mesh(SQUARE, CAMERA, (200, 200), background=7.0)[0][150, 150] == 7).all()


def test_pixels_lead_back_to_the_surface():
    tilted = SQUARE.vertices + np.array([[0, 0, 0.3], [0, 0, -0.2], [0, 0, -0.2], [0, 0, 0.3]])
    look = replace(SQUARE, vertices=tilted)
    _, found = draw_mesh(look, CAMERA, (SIDE, SIDE), supersample=4)
    points = np.stack([np.linspace(-0.3, 0.3, 20), np.linspace(0.2, -0.35, 20)], 1)
    on = np.column_stack([points, 0.05 - 0.5 * points[:, 0]])
    pixels = CAMERA.project(on)[:, :2]
    places, seen = positions_at(look, found, pixels, supersample=4)
    assert seen.all()
    np.testing.assert_allclose(places, on, atol=1.0 / SIDE / 4)
    _, off = positions_at(look, found, np.array([[-3.0, 5], [5, 900], [63.9, 0.1]]), supersample=4)
    assert not off[:2].any()


def test_large_textures_are_averaged():
    texture = np.zeros((4100, 3, 3), np.uint8)
    texture[::2] = 100
    small = reduced_texture(texture)
    assert small.shape == (1366, 1, 3)
    assert set(np.unique(small)) <= {33, 67}
    assert reduced_texture(texture[:50]) is not None
    np.testing.assert_array_equal(reduced_texture(texture[:50]), texture[:50])


def test_values_replace_colors_and_are_shaded_gently():
    values = np.full((4, 3), 200.0)
    picture, _ = draw_mesh(SQUARE, CAMERA, (SIDE, SIDE), values=values)
    assert 140 <= picture[30, 30, 0] <= 200
    assert picture[30, 30, 0] == pytest.approx(200 * (0.7 + 0.3 * 0.834), abs=3)
