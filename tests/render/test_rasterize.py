"""Both rasterizers: each other bit for bit, and a ray through every pixel as the oracle."""

import numpy as np
import pytest
import torch

from headform.render.rasterize import Fragments, rasterize
from headform.render.torch_rasterize import rasterize_torch

HEIGHT, WIDTH = 37, 51


def made_scene(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Random triangles, some off the picture, behind the camera, degenerate or sharing edges."""
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(-15, 65, count), rng.uniform(-15, 50, count), rng.uniform(0.5, 2, count)])
    points[: count // 3] = np.round(points[: count // 3] * 2) / 2  # vertices on pixel centers
    points[0, 2], points[1, 0] = -1.0, np.nan
    faces = rng.integers(0, count, (2 * count, 3))
    faces[3] = faces[3, [0, 0, 1]]
    faces[5] = faces[4]  # a tie in depth: the smaller index wins
    return points, faces


def by_rays(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Face and depth per pixel: intersect the pixel's ray with each plane in camera space (f = 1)."""
    face_index = np.full((HEIGHT, WIDTH), -1)
    depth = np.full((HEIGHT, WIDTH), np.inf)
    for f, face in enumerate(faces):
        px = points[face]
        if not (np.isfinite(px).all() and (px[:, 2] > 1e-4).all()):
            continue
        corners = np.column_stack([px[:, 0] * px[:, 2], px[:, 1] * px[:, 2], px[:, 2]])
        if abs(np.linalg.det(corners)) < 1e-12:
            continue
        for r in range(HEIGHT):
            for c in range(WIDTH):
                # corners^T b is along the ray (c + .5, r + .5, 1)
                b = np.linalg.solve(corners.T, [c + 0.5, r + 0.5, 1.0])
                if (b >= -1e-12).all() and 1 / b.sum() < depth[r, c] - 1e-9:
                    face_index[r, c], depth[r, c] = f, 1 / b.sum()
    return face_index, depth


def assert_same(found: Fragments, torch_found: object) -> None:
    for name in ("face_index", "barycentric", "depth"):
        np.testing.assert_array_equal(getattr(torch_found, name)[0].numpy(), getattr(found, name))


def test_agrees_with_rays() -> None:
    points, faces = made_scene(0, 18)
    points = points.astype(np.float32).astype(float)
    expected_face, expected_depth = by_rays(points, faces)
    found = rasterize(points, faces, HEIGHT, WIDTH)
    same = found.face_index == expected_face
    assert same.mean() > 0.995  # rays graze shared edges within rounding
    np.testing.assert_allclose(found.depth[same], expected_depth[same], rtol=1e-5)
    seen = found.face_index >= 0
    assert seen.mean() > 0.3
    np.testing.assert_allclose(found.barycentric[seen].sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("cull_back", [False, True])
def test_the_torch_twin_is_equal_bit_for_bit(seed: int, cull_back: bool) -> None:
    points, faces = made_scene(seed)
    found = rasterize(points, faces, HEIGHT, WIDTH, cull_back=cull_back)
    twin = rasterize_torch(torch.from_numpy(points)[None], torch.from_numpy(faces), HEIGHT, WIDTH, cull_back=cull_back)
    assert_same(found, twin)
    assert (found.face_index >= 0).any()


def test_the_twin_in_many_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    points, faces = made_scene(9)
    found = rasterize(points, faces, HEIGHT, WIDTH)
    monkeypatch.setattr("headform.render.torch_rasterize._PAIRS", 100)
    assert_same(found, rasterize_torch(torch.from_numpy(points)[None], torch.from_numpy(faces), HEIGHT, WIDTH))


def test_a_closed_grid_has_no_holes_and_nothing_is_drawn_from_nothing() -> None:
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(np.linspace(-3, 60, 9), np.linspace(-3, 45, 8))
    points = np.column_stack([x.ravel(), y.ravel(), np.ones(x.size)])
    points[:, :2] += rng.uniform(-1, 1, (len(points), 2))
    i = np.arange(72).reshape(8, 9)
    faces = np.concatenate(
        [
            np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:]], -1).reshape(-1, 3),
            np.stack([i[:-1, :-1], i[1:, 1:], i[:-1, 1:]], -1).reshape(-1, 3),
        ]
    )
    found = rasterize(points, faces, 40, 55)
    assert (found.face_index >= 0).all()
    none = rasterize(points, faces[:0], 4, 5)
    assert (none.face_index == -1).all()
    assert np.isinf(none.depth).all()
    assert_same(none, rasterize_torch(torch.from_numpy(points)[None], torch.from_numpy(faces[:0]), 4, 5))


@pytest.mark.parametrize(("low", "size"), [(-1, 4), (0, 0)])
def test_refusals(low: int, size: int) -> None:
    points, faces = np.ones((3, 3)), np.array([[0, 1, 2 if low == 0 else low]])
    with pytest.raises(ValueError, match="must"):
        rasterize(points, faces, size, 4)
    with pytest.raises(ValueError, match="must"):
        rasterize_torch(torch.from_numpy(points)[None], torch.from_numpy(faces), size, 4)
