"""Pictures and the unwrapped atlas of the open head."""

import numpy as np
import pytest

from headform import heads
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads.linear import LinearHead
from headform.render.picture import render, sample_texture
from headform.render.unwrap import GUTTER, unwrap, unwrap_head


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


def test_texture_rows_start_at_v_one_and_are_bilinear() -> None:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0] = 255  # top left
    uv = np.array([[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [0.5, 0.75], [0.5, 0.5], [0.0, 1.0]])
    expected = [1, 0, 0, 0.5, 0.25, 1]
    np.testing.assert_allclose(sample_texture(texture, uv)[:, 0], expected, atol=1e-6)


def test_unwrap_of_two_triangles() -> None:
    uv = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    atlas = unwrap(uv, faces, 20)
    row, column = atlas.texels // 20, atlas.texels % 20
    where = (uv[faces[atlas.face]] * atlas.barycentric[..., None]).sum(1)
    np.testing.assert_allclose(where[:, 0], (column + 0.5) / 20, atol=1e-6)
    np.testing.assert_allclose(where[:, 1], 1 - (row + 0.5) / 20, atol=1e-6)
    assert len(atlas.texels) == 16 * 16
    # All other texels lie within the gutter's width.
    assert len(atlas.gutter) == 400 - 256
    dr = atlas.gutter // 20 - atlas.gutter_source // 20
    dc = atlas.gutter % 20 - atlas.gutter_source % 20
    assert np.maximum(np.abs(dr), np.abs(dc)).max() == 2
    assert GUTTER >= 4


def test_unwrap_is_kept_per_head_and_size(head: LinearHead) -> None:
    assert unwrap_head(head, 64) is unwrap_head(head, 64)
    assert unwrap_head(head, 32).size == 32


def test_a_picture_of_the_head(head: LinearHead) -> None:
    vertices = head.mean.numpy()
    camera = PerspectiveCamera.frontal(150.0, (96, 80), 0.7)
    light = np.zeros((9, 3))
    light[0] = AMBIENT
    flat = np.full(vertices.shape, 0.2, np.float32)
    lit = render(head, vertices, camera, (96, 80), albedo=flat, light=light, background=(0, 0, 255))
    assert lit.shape == (80, 96, 3)
    # Linear 0.2 is sRGB 0.4845 (IEC 61966-2-1).
    middle = camera.project(vertices[head.dense.numpy()[30:31]])[0, :2].astype(int)
    np.testing.assert_array_equal(lit[middle[1], middle[0]], [124, 124, 124])
    np.testing.assert_array_equal(lit[0, 0], [0, 0, 255])
    plain = render(head, vertices, camera, (96, 80), albedo=flat, background=(0, 0, 255))
    assert np.abs(plain.astype(int) - lit).max() <= 1
    texture = np.full((64, 64, 3), 124, np.uint8)
    textured = render(head, vertices, camera, (96, 80), texture=texture, background=(0, 0, 255))
    assert np.abs(plain.astype(int) - textured).max() <= 1
    behind = np.random.default_rng(0).integers(0, 256, (80, 96, 3), np.uint8)
    over = render(head, vertices, camera, (96, 80), albedo=flat, background=behind)
    away = (lit == [0, 0, 255]).all(-1)
    assert away.mean() > 0.2
    np.testing.assert_array_equal(over[away], behind[away])
