"""Rasterization, texels and development of the generator, against the renderer and against arithmetic by hand."""

import numpy as np

from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.render.rasterize import rasterize
from headform.synth import _raster_kernels as raster


def scene(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Make loose triangles before a camera, pixels and depth."""
    points = np.column_stack([rng.uniform(-10, 74, (3 * count, 2)), rng.uniform(0.5, 2, 3 * count)])
    return points.astype(np.float32), np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def test_the_nearest_triangle_is_that_of_the_renderer() -> None:
    points, faces = scene(np.random.default_rng(0), 60)
    expected = rasterize(points, faces, 64, 64)
    index, depth = np.zeros((64, 64), np.int32), np.zeros((64, 64), np.float32)
    raster.rasterize_nearest(points, faces, 0, 1e-4, index, depth)
    same = index == expected.face_index
    assert same.mean() > 0.995, "single precision differs on edges only"
    seen = same & (index >= 0)
    np.testing.assert_allclose(depth[seen], expected.depth[seen], rtol=2e-4)
    for row, column in np.argwhere(seen)[::37]:
        weights = raster.weights_at(points, faces, index[row, column], column + 0.5, row + 0.5)
        np.testing.assert_allclose(weights, expected.barycentric[row, column], atol=3e-3)


def test_backs_of_the_first_faces_are_left_out() -> None:
    points = np.array([[5, 5, 1], [5, 50, 1], [50, 5, 1]], np.float32)
    front, back = np.array([[0, 1, 2]], np.int32), np.array([[0, 2, 1]], np.int32)
    index, depth = np.zeros((64, 64), np.int32), np.zeros((64, 64), np.float32)
    counts = []
    for faces, culled in ((front, 1), (back, 1), (back, 0)):
        raster.rasterize_nearest(points, faces, culled, 1e-4, index, depth)
        counts.append(int((index >= 0).sum()))
    assert counts[0] == counts[2] > 900
    assert counts[1] == 0
    assert (front != back).any()


def test_texels_are_interpolated_and_linear() -> None:
    texture = np.zeros((4, 4, 3), np.uint8)
    texture[0] = [255, 128, 0]  # the upper row: v near 1
    top = raster.texel(texture, np.float32(0.5), np.float32(1.0))
    np.testing.assert_allclose(top, LINEAR_FROM_SRGB8[[255, 128, 0]], atol=0.004)
    np.testing.assert_allclose(raster.texel(texture, np.float32(0.5), np.float32(0.0)), 0, atol=1e-6)
    between = raster.texel(texture, np.float32(0.5), np.float32(0.75))
    assert 0.15 < between[0] < 0.3, "half of 255 in sRGB is a fifth in light"


def test_the_cubic_follows_the_srgb_curve() -> None:
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    linear = np.array([raster.linear_of(v) for v in values])
    assert np.abs(linear - LINEAR_FROM_SRGB8).max() < 0.003


def test_development_averages_light_and_applies_the_curve() -> None:
    radiance = np.zeros((4, 4, 3), np.float32)
    radiance[:2, :2] = [[[0, 0, 0], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]]]
    tone = np.linspace(0, 1, 101, dtype=np.float32)  # the identity over 0..1
    picture = np.empty((2, 2, 3), np.float32)
    raster.develop(radiance, np.float32(0.5), tone, np.float32(100), picture)
    np.testing.assert_allclose(picture[0, 0], 0.25 * 255, atol=0.01)
    np.testing.assert_allclose(picture[1, 1], 0)


def test_a_pixel_has_the_class_of_most_of_its_samples() -> None:
    shown = np.array([[1, 1, 0, 2], [1, 6, 2, 2]], np.int32)
    shown = np.vstack([shown, np.zeros((2, 4), np.int32)])
    kinds, share = np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8)
    head = np.array([False, True, True, False, False, False, False])
    raster.count_classes(shown, head, kinds, share)
    assert kinds.tolist() == [[1, 2], [0, 0]]
    assert share.tolist() == [[191, 191], [0, 0]]
