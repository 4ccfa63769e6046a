"""Gradients of normals, interpolation and shading in float64, and their values by hand."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import AMBIENT, sh_basis
from headform.render.light import shade
from headform.render.normals import vertex_normals


def made_mesh(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A bumpy 4 x 4 grid facing the camera of `made_camera`; vertex 16 belongs to no face."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, 4), np.linspace(-0.1, 0.1, 4))
    z = rng.normal(0, 0.015, x.shape)
    points = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    points = np.vstack([points, [[0, 0, -1]]])
    i = np.arange(16).reshape(4, 4)
    a, b, c, d = (g.ravel() for g in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return torch.from_numpy(points), torch.from_numpy(faces)


def made_camera() -> PerspectiveCamera:
    return PerspectiveCamera.frontal(60.0, (16, 12), 0.5)


def test_normals_by_loops() -> None:
    points, faces = made_mesh()
    expected = np.zeros((17, 3))
    for face in faces.numpy():
        p, q, r = points.numpy()[face]
        for v in face:
            expected[v] += np.cross(q - p, r - p)
    expected[:16] /= np.linalg.norm(expected[:16], axis=1, keepdims=True)
    np.testing.assert_allclose(vertex_normals(points, faces), expected, atol=1e-12)
    assert (expected[:16, 2] > 0).all()  # counter-clockwise seen from +z: outwards


def test_normals_of_a_sphere_point_outwards() -> None:
    points = torch.nn.functional.normalize(torch.randn(200, 3, dtype=torch.float64), dim=1)
    from scipy.spatial import ConvexHull

    faces = ConvexHull(points.numpy()).simplices
    a, b, c = (points.numpy()[faces[:, k]] for k in range(3))
    inward = (np.cross(b - a, c - a) * a).sum(1) < 0
    faces[inward] = faces[inward][:, ::-1]
    normals = vertex_normals(points, torch.from_numpy(faces.astype(np.int64)))
    assert ((normals * points).sum(1) > 0.9).all()


def test_normals_have_gradients_also_where_they_vanish() -> None:
    points, faces = made_mesh()
    points.requires_grad_()
    assert gradcheck(lambda p: vertex_normals(p, faces), (points,))
    batch = vertex_normals(torch.stack([points, 2 * points]), faces)
    torch.testing.assert_close(batch[0], batch[1])


def test_shading_by_hand() -> None:
    normals = torch.nn.functional.normalize(torch.randn(7, 3, dtype=torch.float64), dim=1)
    albedo = torch.rand(7, 3, dtype=torch.float64)
    light = torch.randn(9, 3, dtype=torch.float64)
    lamp = torch.tensor([0.0, 0.0, -1.0], dtype=torch.float64)
    color = torch.tensor([1.0, 0.5, 0.2], dtype=torch.float64)
    got = shade(albedo, normals, light, lamp_direction=lamp, lamp_color=color)
    for n in range(7):
        for c in range(3):
            base = max(float(sh_basis(normals[n]) @ light[:, c]), 0.0)
            lit = max(float(-normals[n, 2]), 0.0) * float(color[c])
            assert float(got[n, c]) == pytest.approx(float(albedo[n, c]) * (base + lit))


def test_white_ambient_light_shows_the_albedo() -> None:
    normals = torch.nn.functional.normalize(torch.randn(5, 3), dim=1)
    light = torch.zeros(9, 3)
    light[0] = AMBIENT
    albedo = torch.rand(5, 3)
    torch.testing.assert_close(shade(albedo, normals, light), albedo)
