"""Eyes that are a few pixels high: as dark as they look, not the model's white."""

import numpy as np
import torch

from headform.fit.eye_gains import WHITE_ALBEDO, eye_gains
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.texture import bake_textures
from headform.fit.vertex_colors import EYES, PhotoSurface
from headform.heads.linear import LinearHead
from headform.render.unwrapping import unwrap_head

from .scenes import AMBIENT_LIGHT, camera_at, mean_vertices, photograph

SMALL, LARGE = 110, 640
"""Sides of pictures in which a head's eyes are 2 and 12 pixels high."""
DARKER = np.array([0.35, 0.3, 0.25])
"""Colors of the eyes in the picture over those of the model."""


def surface_of(head: LinearHead, size: int, darker: np.ndarray, mask: np.ndarray | None = None) -> PhotoSurface:
    vertices, camera = mean_vertices(head), camera_at(head, 0, size)
    color = head.albedo_of(torch.zeros(len(head.albedo))).numpy().astype(np.float64)
    color[np.isin(head.part.numpy(), EYES)] *= darker
    photo = FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, color, size), mask)
    return PhotoSurface.of(photo, None, resolution=920)


def gains_of(head: LinearHead, surface: PhotoSurface) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gains, and the vertices of the white and of the iris."""
    albedo = head.albedo_of(torch.zeros(len(head.albedo))).numpy().astype(np.float64)
    eyes, white = np.isin(head.part.numpy(), EYES), albedo.min(axis=1) > WHITE_ALBEDO
    gains = np.exp(eye_gains(head, surface, surface.colors(), albedo, np.ones_like(albedo)))
    return gains, eyes & white, eyes & ~white


def test_large_eyes_have_the_gain_that_is_seen(head: LinearHead) -> None:
    surface = surface_of(head, LARGE, DARKER)
    gains, white, iris = gains_of(head, surface)
    assert (surface.colors().weight[white] > 0.5).sum() > 20
    np.testing.assert_allclose(gains[white][0], DARKER, rtol=0.1)
    np.testing.assert_allclose(gains[iris][0], DARKER, rtol=0.1)
    assert (gains[~(white | iris)] == 1).all()


def test_small_eyes_have_about_the_gain_of_their_mean(head: LinearHead) -> None:
    surface = surface_of(head, SMALL, DARKER)
    gains, white, iris = gains_of(head, surface)
    assert (surface.colors().weight[white | iris] < 0.5).all(), "no texel is copied"
    assert np.ptp(gains[white], axis=0).max() == 0
    assert (gains[white][0] > 0.8 * DARKER).all()
    assert (gains[white][0] < 0.7).all(), "lids are mixed in, but the model's white is gone"
    assert (gains[iris][0] <= gains[white][0]).all(), "white is mixed into the iris too"
    bright = gains_of(head, surface_of(head, SMALL, np.ones(3)))[0]
    assert (bright[white][0] > 1.3 * gains[white][0]).all()


def test_glasses_before_the_eyes_leave_the_models_own(head: LinearHead) -> None:
    gains, *_ = gains_of(head, surface_of(head, SMALL, DARKER, np.zeros((SMALL, SMALL))))
    assert (gains == 1).all()


def test_the_texture_of_a_small_photo_has_dark_eyes(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0, SMALL)
    albedo = head.albedo_of(torch.zeros(len(head.albedo))).numpy()
    color = albedo.astype(np.float64)
    color[np.isin(head.part.numpy(), EYES)] *= DARKER
    photo = FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, color, SMALL))
    baked, _ = bake_textures(photo, AMBIENT_LIGHT, albedo, 256)
    atlas = unwrap_head(head, 256)
    corners = head.faces.numpy()[atlas.face]
    white = (np.isin(head.part.numpy(), EYES) & (albedo.min(axis=1) > WHITE_ALBEDO))[corners].all(1)
    assert baked.rgb.reshape(-1, 3)[atlas.texels][white].mean() < 160  # the model's white is 178
