"""A generic eyeball that has the color of the photo's iris, and none of the photo's pixels."""

from dataclasses import replace

import numpy as np
import torch

from headform.fit.eye_material import BROWN, PUPIL, EyePattern, eye_local, iris_color, iris_of_photo, iris_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.texture import bake_textures, surface_of
from headform.fit.vertex_colors import EYES
from headform.heads.linear import LinearHead
from headform.render.unwrapping import unwrap_head

from .scenes import AMBIENT_LIGHT, camera_at, mean_vertices, photograph

BLUE = np.array([0.06, 0.10, 0.16])


def blue_eyed(head: LinearHead, size: int) -> FittedPhoto:
    vertices, camera = mean_vertices(head), camera_at(head, 0, size)
    color = head.albedo_of(torch.zeros(len(head.albedo))).numpy().astype(np.float64)
    eyes = np.isin(head.part.numpy(), EYES)
    color[eyes] = EyePattern.of(eye_local(head)[eyes]).colors(0.75 * BLUE)
    return FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, color, size))


def test_an_eye_is_pupil_iris_and_white_from_the_middle() -> None:
    radius = np.array([0.0, 0.27, 0.5, 0.99])
    local = np.stack([radius, 0 * radius, np.sqrt(1 - radius**2)], axis=1)
    pupil, iris, white, side = EyePattern.of(local).colors(BLUE)
    np.testing.assert_allclose(pupil, PUPIL, atol=1e-6)
    np.testing.assert_allclose(iris / iris.sum(), BLUE / BLUE.sum(), rtol=1e-3)
    assert white.min() > 0.3
    assert side.max() < 0.6 * white.max(), "shaded under the lids"
    back = EyePattern.of(-local).colors(BLUE)
    assert (back.min(axis=1) > 0.1).all(), "no iris on the back of the ball"


def test_the_iris_has_the_photos_color(head: LinearHead) -> None:
    surface = surface_of(blue_eyed(head, 640))
    found = iris_of_photo(head, surface, np.ones((len(head.mean), 3)))
    assert found[2] > 1.5 * found[0]
    assert np.abs(np.log(found / BLUE)).max() < 0.55
    masked = surface_of(blue_eyed(head, 640))
    masked.patch.mask[:] = 0
    np.testing.assert_allclose(iris_of_photo(head, masked, np.ones((len(head.mean), 3))), BROWN)
    eyes_alone = replace(masked, eye_mask=np.ones((640, 640)))
    np.testing.assert_array_equal(iris_of_photo(head, eyes_alone, np.ones((len(head.mean), 3))), found)
    hidden = replace(surface, eye_mask=np.zeros((640, 640)))
    np.testing.assert_allclose(iris_of_photo(head, hidden, np.ones((len(head.mean), 3))), BROWN)
    assert iris_vertices(head).sum() > 100


def test_few_pixels_give_way_to_brown_and_none_is_brown() -> None:
    few, many = iris_color(np.tile(BLUE, (3, 1))), iris_color(np.tile(BLUE, (500, 1)))
    assert few[2] / few[0] < 0.6 < 1.5 < many[2] / many[0]
    np.testing.assert_allclose(iris_color(np.zeros((0, 3))), BROWN)


def test_the_photo_is_not_baked_on_eyeballs(head: LinearHead) -> None:
    photo = blue_eyed(head, 640)
    baked, plain = bake_textures(photo, AMBIENT_LIGHT, head.albedo_mean.numpy(), 256)
    atlas = unwrap_head(head, 256)
    ball = np.isin(head.part.numpy(), EYES)[head.faces.numpy()[atlas.face]].all(1)
    assert baked.photo_weight.reshape(-1)[atlas.texels][ball].max() == 0
    colors = plain.rgb.reshape(-1, 3)[atlas.texels][ball].astype(int)
    assert (colors[:, 2] > colors[:, 0] + 15).sum() > 20, "the iris is blue"
    assert colors.max() < 190


def test_red_eyes_of_a_flash_are_brown_and_reddish_brown_ones_are_not() -> None:
    flash = np.array([0.4, 0.06, 0.05])
    np.testing.assert_allclose(iris_color(np.tile(flash, (500, 1))), BROWN)
    amber = np.array([0.12, 0.045, 0.025])
    np.testing.assert_allclose(iris_color(np.tile(amber, (5000, 1))), amber, rtol=0.05)
