"""The unwrapped atlas of the open head."""

import numpy as np
import pytest

from headform import heads
from headform.heads.linear import LinearHead
from headform.render.unwrapping import GUTTER, has_own_texels, unwrap, unwrap_head


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return heads.load_open()


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


def test_charts_on_top_of_each_other_hold_no_picture_of_their_own() -> None:
    square = np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5]])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    assert has_own_texels(square, faces)
    assert not has_own_texels(square, np.concatenate([faces, faces]))
    assert not has_own_texels(square + 0.8, faces), "beyond the picture"
    assert not has_own_texels(np.zeros((0, 2)), np.zeros((0, 3), int))
