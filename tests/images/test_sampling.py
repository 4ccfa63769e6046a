"""The compiled samplers agree with torch's and with each other, to the border and beyond."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from headform.heads.texture_space import sample
from headform.images.sampling import (
    bilinear_rgb,
    bilinear_rgb32,
    bilinear_rows,
    bilinear_value,
    bilinear_value32,
    inner_rgb32,
    inner_value32,
)


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
def test_all_samplers_give_torchs_values(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    points = rng.uniform(-1, 7, (20, 2))
    points[0] = (0.5, height)
    uv = torch.from_numpy(np.stack([points[:, 0] / width, 1 - points[:, 1] / height], axis=1))
    expected = sample(torch.from_numpy(image.astype(np.float64)), uv).numpy()
    np.testing.assert_allclose(bilinear_rows(image, points), expected, atol=1e-9)
    np.testing.assert_allclose([bilinear_rgb(image, x, y) for x, y in points], expected, atol=1e-9)
    single = image.astype(np.float32)
    np.testing.assert_allclose([bilinear_rgb32(single, x, y) for x, y in points], expected, atol=1e-4)
    plane = single[..., 0].copy()
    np.testing.assert_allclose([bilinear_value(plane, x, y) for x, y in points], expected[:, 0], atol=1e-9)
    np.testing.assert_allclose([bilinear_value32(plane, x, y) for x, y in points], expected[:, 0], atol=1e-4)


def test_levels_pass_through_the_table_before_they_are_mixed() -> None:
    image = np.array([[[0, 0, 0], [2, 2, 2]]], np.uint8)
    table = np.arange(256.0) ** 2
    np.testing.assert_allclose(bilinear_rows(image, np.array([[1.0, 0.5]]), table), [[2.0] * 3])


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 1000))
def test_the_samplers_of_the_inside_agree_up_to_the_outermost_centers(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.uniform(0, 1, (height, width, 3)).astype(np.float32)
    plane = image[..., 1].copy()
    points = rng.uniform(0, 1, (20, 2)) * [width - 1, height - 1] + 0.5
    points[:4] = [(x, y) for x in (0.5, width - 0.5) for y in (0.5, height - 0.5)]
    for x, y in points.astype(np.float32):
        np.testing.assert_allclose(inner_rgb32(image, x, y), bilinear_rgb32(image, x, y), atol=1e-6)
        np.testing.assert_allclose(inner_value32(plane, x, y), bilinear_value32(plane, x, y), atol=1e-6)
