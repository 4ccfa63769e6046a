"""Pictures of any mesh: colors arrive where they belong, and pixels lead back to the surface."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import AMBIENT
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw, surface_positions

SIDE = 64
CAMERA = PerspectiveCamera.frontal(SIDE * 2.0, (SIDE, SIDE), 2.0)  # shows one unit at the origin
SQUARE = TriangleMesh(
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
    picture = draw(look, CAMERA, (SIDE, SIDE)).over()
    np.testing.assert_array_equal(picture[4, 4], (255, 0, 0))
    np.testing.assert_array_equal(picture[4, -5], (0, 255, 0))
    np.testing.assert_array_equal(picture[-5, 4], (0, 0, 255))
    np.testing.assert_array_equal(picture[-5, -5], (250, 250, 250))


def test_a_texture_is_bilinear_and_repeats():
    ramp = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], 3, 2).repeat(4, 0)
    look = replace(SQUARE, uv=UV + [3.0, -2.0], uv_faces=SQUARE.faces, texture=ramp)
    picture = draw(look, CAMERA, (SIDE, SIDE), Look(supersample=1)).over()
    column = np.arange(SIDE) + 0.5
    expected = (column / SIDE * 32 - 0.5) * 8
    np.testing.assert_allclose(picture[20, 2:-2, 0], expected[2:-2], atol=1.01)


def test_vertex_colors_are_drawn_as_they_are():
    colors = np.array([[0.0, 0.2, 1], [1, 0.2, 1], [1, 0.2, 0], [0, 0.2, 0]])
    picture = draw(replace(SQUARE, colors=colors), CAMERA, (SIDE, SIDE)).over()
    x = (np.arange(SIDE) + 0.5) / SIDE
    np.testing.assert_allclose(picture[10, :, 0], 255 * x, atol=1)
    np.testing.assert_allclose(picture[:, 10, 2], 255 * x, atol=1)
    assert (picture[:, :, 1] == 51).all()


def test_clay_has_two_sides_and_light_from_above():
    front = draw(SQUARE, CAMERA, (SIDE, SIDE)).over()
    back = draw(replace(SQUARE, faces=SQUARE.faces[:, ::-1].copy()), CAMERA, (SIDE, SIDE)).over()
    np.testing.assert_array_equal(front, back)
    assert front[30, 30, 0] > 150
    leaning = SQUARE.vertices.copy()
    leaning[2:, 2] = 0.8  # the upper edge comes nearer: it faces the floor
    shade = draw(replace(SQUARE, vertices=leaning), CAMERA, (SIDE, SIDE)).over()
    assert shade[30, 30, 0] < front[30, 30, 0] - 30
    assert (draw(SQUARE, CAMERA, (200, 200)).over(7.0)[150, 150] == 7).all()


def test_pixels_lead_back_to_the_surface():
    tilted = SQUARE.vertices + np.array([[0, 0, 0.3], [0, 0, -0.2], [0, 0, -0.2], [0, 0, 0.3]])
    look = replace(SQUARE, vertices=tilted)
    drawing = draw(look, CAMERA, (SIDE, SIDE), Look(supersample=4))
    points = np.stack([np.linspace(-0.3, 0.3, 20), np.linspace(0.2, -0.35, 20)], 1)
    on = np.column_stack([points, 0.05 - 0.5 * points[:, 0]])
    pixels = CAMERA.project(on)[:, :2]
    places, seen = surface_positions(look, drawing, pixels)
    assert seen.all()
    np.testing.assert_allclose(places, on, atol=1.0 / SIDE / 4)
    _, off = surface_positions(look, drawing, np.array([[-3.0, 5], [5, 900], [63.9, 0.1]]))
    assert not off[:2].any()


def gray(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, None], 3, axis=1)


def test_values_replace_colors_and_are_shaded_gently():
    colored = replace(SQUARE, colors=np.zeros((4, 3)))
    picture = draw(colored, CAMERA, (SIDE, SIDE), Look(values=np.full(4, 200.0), palette=gray)).over()
    assert 140 <= picture[30, 30, 0] <= 200
    assert picture[30, 30, 0] == pytest.approx(200 * (0.7 + 0.3 * 0.834), abs=3)


def test_values_are_interpolated_before_the_palette():
    look = Look(values=np.array([0.0, 1, 1, 0]), palette=lambda v: gray(np.where(v < 0.5, 0.0, 250.0)), ambient=1.0)
    row = draw(SQUARE, CAMERA, (SIDE, SIDE), look).over()[10, :, 0]
    assert (row[: SIDE // 2] == 0).all()
    assert (row[SIDE // 2 :] == 250).all()


def test_linear_light_averages_as_a_camera_does_and_harmonics_shade():
    camera = PerspectiveCamera.frontal(SIDE * 1.0, (SIDE, SIDE), 2.0)
    half = camera.cropped(0.5, 0.0)  # the square's left and right edges run through the middle of pixels
    white = replace(SQUARE, colors=np.ones((4, 3)))
    edge = draw(white, half, (SIDE, SIDE), Look(linear=True)).over(0.0)
    # Linear 0.5 is sRGB 0.7354 (IEC 61966-2-1).
    assert edge[30, 15, 0] == 188
    assert draw(white, half, (SIDE, SIDE)).over(0.0)[30, 15, 0] == 128
    light = np.zeros((9, 3))
    light[0] = AMBIENT * np.array([0.2, 0.5, 1.0])
    lit = draw(white, camera, (SIDE, SIDE), Look(linear=True, light=light)).over(0.0)
    # Linear 0.2 is sRGB 0.4845.
    np.testing.assert_array_equal(lit[30, 30], [124, 188, 255])


def test_opacity_cover_and_culling():
    camera = PerspectiveCamera.frontal(SIDE * 1.0, (SIDE, SIDE), 2.0)
    ground = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    drawing = draw(replace(SQUARE, colors=np.ones((4, 3))), camera, (SIDE, SIDE))
    away = drawing.cover == 0
    assert away.mean() == pytest.approx(0.75)
    np.testing.assert_array_equal(drawing.over(ground)[away], ground[away])
    np.testing.assert_allclose(drawing.over(ground, 0.5)[~away], (ground[~away] + 255.0) / 2, atol=0.51)
    reverse = replace(SQUARE, faces=SQUARE.faces[:, ::-1].copy())
    assert draw(reverse, camera, (SIDE, SIDE), Look(cull_back=True)).cover.max() == 0
