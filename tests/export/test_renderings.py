"""Textures and renderings of a result, by the names of the papers."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from headform.export.renderings import coarse_texture, encode_renderings, lit_texture, texture_of_vertices
from headform.export.writers import encode_all
from headform.geometry.spherical_harmonics import AMBIENT
from headform.images.transfer import srgb_from_linear
from headform.pipeline.reconstruction import Reconstruction
from headform.render.unwrapping import unwrap_head

PICTURES = {"texture_coarse.png", "texture_lit.png", "render.png", "render_on_photo.png"}


def opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_the_format_render_writes_the_named_pictures(result: Reconstruction) -> None:
    files = encode_all(result, ["render"])
    assert set(files) == PICTURES | {"parameters.npz", "landmarks.json"}
    np.testing.assert_array_equal(opened(files["texture_lit.png"]), result.texture)
    np.testing.assert_array_equal(opened(files["texture_coarse.png"]), coarse_texture(result))
    alone, on_photo = opened(files["render.png"]), opened(files["render_on_photo.png"])
    assert alone.shape == on_photo.shape == result.photo.shape
    beside = (alone == 236).all(axis=2)
    assert 0 < beside.sum() < beside.size
    np.testing.assert_array_equal(on_photo[beside], result.photo[beside])
    assert (on_photo[~beside] != result.photo[~beside]).any(axis=1).mean() > 0.9


def test_colors_of_vertices_come_back_from_the_atlas(result: Reconstruction) -> None:
    colors = np.random.default_rng(1).uniform(0, 1, (len(result.head.mean), 1)).repeat(3, axis=1)
    colors[:] = colors.mean()
    texture = texture_of_vertices(result.head, colors, 64).reshape(-1, 3)
    expected = 255 * float(srgb_from_linear(torch.tensor(colors[0, 0])))
    assert np.abs(texture[unwrap_head(result.head, 64).texels] - expected).max() <= 1


def test_a_refined_texture_is_written_and_lit(result: Reconstruction) -> None:
    refined = np.full((len(result.head.mean), 3), 0.2, np.float32)
    light = np.zeros((9, 3))
    light[0] = 0.25 * AMBIENT
    dark = replace(result, refined_albedo=refined, texture=None, light=light)
    files = encode_renderings(dark, dark.photo)
    assert set(files) == PICTURES | {"texture_refined.png"}
    lit = lit_texture(dark)
    assert lit is not None
    shown = lit.reshape(-1, 3)[unwrap_head(result.head, len(lit)).texels]
    np.testing.assert_allclose(shown, 255 * float(srgb_from_linear(torch.tensor(0.05))), atol=2)  # a quarter of 0.2


def test_a_photo_of_another_size_is_refused(result: Reconstruction) -> None:
    with pytest.raises(ValueError, match="the photo is"):
        encode_renderings(result, result.photo[1:])
