"""Colors of textures: bilinear, the right way up, clamped or repeated."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.render.texture_sampling import reduced_texture, sample_texture, vertex_colors


def test_texture_rows_start_at_v_one_and_are_bilinear() -> None:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0] = 255  # top left
    uv = np.array([[0.25, 0.75], [0.75, 0.75], [0.25, 0.25], [0.5, 0.75], [0.5, 0.5], [0.0, 1.0]])
    expected = [1, 0, 0, 0.5, 0.25, 1]
    np.testing.assert_allclose(sample_texture(texture, uv, table=LINEAR_FROM_SRGB8)[:, 0], expected, atol=1e-12)
    again = sample_texture(texture, uv[:5] + [2.0, -3.0], repeat=True)
    np.testing.assert_allclose(again, sample_texture(texture, uv[:5]), atol=1e-9)


@given(npst.arrays(np.float64, 2, elements=st.floats(0, 1)))
def test_texture_lookup_equals_four_weighted_texels(uv: np.ndarray) -> None:
    side = 7
    texture = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    x, y = uv[0] * side - 0.5, (1 - uv[1]) * side - 0.5
    expected = np.zeros(3)
    total = 0.0
    for row in range(-1, side + 1):
        for column in range(-1, side + 1):
            weight = max(0, 1 - abs(x - column)) * max(0, 1 - abs(y - row))
            inside = np.clip([row, column], 0, side - 1)
            expected += weight * texture[inside[0], inside[1]]
            total += weight
    assert total == pytest.approx(1)
    np.testing.assert_allclose(sample_texture(texture, uv), expected, atol=1e-9)


def test_large_textures_are_averaged():
    texture = np.zeros((4100, 3, 3), np.uint8)
    texture[::2] = 100
    small = reduced_texture(texture)
    assert small.shape == (1366, 1, 3)
    assert set(np.unique(small)) <= {33, 67}
    assert reduced_texture(texture[:50]) is not None
    np.testing.assert_array_equal(reduced_texture(texture[:50]), texture[:50])


def test_vertex_colors_are_means_over_a_seam_and_gray_without() -> None:
    texture = np.zeros((2, 2, 3), np.uint8)
    texture[0, 0], texture[1, 1] = (255, 0, 0), (0, 0, 255)
    uv = np.array([[0.25, 0.75], [0.75, 0.25]])  # upper left, lower right
    faces, uv_faces = np.array([[0, 1, 1], [0, 1, 1]]), np.array([[0, 0, 0], [1, 0, 0]])
    colors = vertex_colors(texture, uv, faces, uv_faces, 3)
    assert colors.tolist() == [[0.5, 0, 0.5], [1, 0, 0], [0.5, 0.5, 0.5]]
