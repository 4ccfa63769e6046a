"""The batched renderer: an oracle for its rasters, both backends alike, gradients, cameras, light, texture."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from headform.geometry.camera import (
    PerspectiveCamera,
    PerspectiveCameras,
    WeakPerspectiveCameras,
    ndc_from_pixels,
    pixels_from_ndc,
)
from headform.geometry.rotation import rotation_from_rotvec
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads import load_open
from headform.images.transfer import srgb_from_linear
from headform.render.interpolation import barycentric_at, interpolate_at
from headform.render.light import shade, shade_batch
from headform.render.normals import vertex_normals
from headform.render.renderer import rasterize_batch, render_batch
from headform.render.seen_pixels import SeenPixels
from tests import oracles

DOUBLE = torch.float64
SIZE = (20, 14)


def bumpy(items: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Bumpy 5 x 5 grids of double precision facing the camera; the last vertex belongs to no face."""
    generator = torch.Generator().manual_seed(seed)
    x, y = np.meshgrid(np.linspace(-0.1, 0.1, 5), np.linspace(-0.08, 0.08, 5))
    flat = torch.from_numpy(np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()]))
    points = flat + 0.012 * torch.randn(items, 25, 3, generator=generator, dtype=DOUBLE)
    i = np.arange(25).reshape(5, 5)
    a, b, c, d = (g.ravel() for g in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    lonely = torch.zeros(items, 1, 3, dtype=DOUBLE)
    return torch.cat([points, lonely], dim=1), torch.from_numpy(faces)


def cameras(kind: str, items: int = 2) -> PerspectiveCameras | WeakPerspectiveCameras:
    if kind == "perspective":
        own = [PerspectiveCamera.frontal(60.0 + 5 * k, SIZE, 0.5 + 0.1 * k) for k in range(items)]
        return PerspectiveCameras.of(*own, dtype=DOUBLE)
    scale = torch.linspace(7.0, 8.0, items, dtype=DOUBLE)
    shift = torch.linspace(-0.01, 0.01, 2 * items, dtype=DOUBLE).view(items, 2)
    return WeakPerspectiveCameras(scale, shift)


KINDS = ["perspective", "weak"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("backend", ["kernel", "torch"])
def test_rasters_are_the_oracles(kind, backend) -> None:
    vertices, faces = bumpy(3)
    camera = cameras(kind, 3)
    out = render_batch(vertices, faces, camera, SIZE, backend=backend)
    points = camera.project(vertices, SIZE).float().double().numpy()
    oracle = oracles.rasterize_perspective if kind == "perspective" else oracles.rasterize_bruteforce
    for item in range(3):
        index, weights, depth = oracle(points[item, :, :2], points[item, :, 2], faces.numpy(), SIZE[1], SIZE[0])
        same = out.face_index[item].numpy() == index
        assert same.mean() > 0.99  # pixels on an edge within rounding
        seen = same & (index >= 0)
        assert seen.mean() > 0.3
        np.testing.assert_allclose(out.barycentric[item].numpy()[seen], weights[seen], atol=1e-5)
        np.testing.assert_allclose(out.depth[item, 0].numpy()[seen], depth[seen], atol=1e-6)
        assert (out.alpha[item, 0].numpy() == (out.face_index[item].numpy() >= 0)).all()


@pytest.mark.parametrize("perspective", [True, False])
def test_both_rasterizers_agree_to_the_bit(perspective) -> None:
    generator = torch.Generator().manual_seed(7)
    points = torch.rand(3, 60, 3, generator=generator) * torch.tensor([70.0, 50, 2]) - torch.tensor([10.0, 8, 1])
    points[:, 0] = torch.nan
    faces = torch.randint(0, 60, (150, 3), generator=generator)
    found = [
        rasterize_batch(points, faces, 37, 51, perspective=perspective, backend=backend)
        for backend in ("kernel", "torch")
    ]
    for name in ("face_index", "barycentric", "depth"):
        assert torch.equal(getattr(found[0], name), getattr(found[1], name))
    assert (found[0].depth < 0).any() != perspective
    assert (found[0].face_index >= 0).float().mean() > 0.3


def test_weak_perspective_is_decas() -> None:
    points, camera = torch.randn(2, 5, 3, dtype=DOUBLE), torch.tensor([[5.0, 0.02, -0.1], [8.0, 0, 0.3]], dtype=DOUBLE)
    want = oracles.weak_perspective(points, camera)
    found = WeakPerspectiveCameras.from_code(camera).project(points, (224, 224))
    np.testing.assert_allclose(found[..., :2], oracles.image_to_pixel(want[..., :2], 224), atol=1e-12)
    np.testing.assert_allclose(found[..., 2], want[..., 2], atol=1e-12)


def test_normalized_device_coordinates() -> None:
    pixels = torch.tensor([[0.0, 0.0], [0.5, 0.5], [200.0, 100.0]])
    ndc = ndc_from_pixels(pixels, (200, 100))
    torch.testing.assert_close(ndc, torch.tensor([[-1.0, -1.0], [-0.995, -0.99], [1.0, 1.0]]))
    torch.testing.assert_close(pixels_from_ndc(ndc, (200, 100)), pixels)


@pytest.mark.parametrize("kind", KINDS)
def test_both_backends_and_every_device_are_alike(kind, device) -> None:
    head = load_open()
    code = torch.randn(3, 100, generator=torch.Generator().manual_seed(1))
    vertices = head.vertices(code)
    camera = (
        PerspectiveCameras.of(*[PerspectiveCamera.frontal(300.0, (80, 70), 1.0)] * 3)
        if kind == "perspective"
        else WeakPerspectiveCameras(torch.full((3,), 7.0), torch.zeros(3, 2))
    )
    light = torch.randn(3, 9, 3, generator=torch.Generator().manual_seed(2)) * 0.2
    light[:, 0] += AMBIENT
    albedo = head.mean_albedo

    def rendered(device: torch.device, backend: str) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        moved = type(camera)(**{n: t.to(device) for n, t in vars(camera).items()})
        inputs = [t.to(device).detach().requires_grad_() for t in (vertices, albedo[None], light)]
        faces = head.faces.to(device)
        if backend == "torch" and device.type == "cpu":
            inputs = [t.detach().double().requires_grad_() for t in inputs]  # the reference path throughout
            moved = type(camera)(**{n: t.double() for n, t in vars(moved).items()})
        out = render_batch(inputs[0], faces, moved, (80, 70), attributes=inputs[1], light=inputs[2], backend=backend)
        weight = torch.linspace(0, 1, out.rgb.numel(), device=device, dtype=out.rgb.dtype).view(out.rgb.shape)
        (out.rgb * weight).sum().backward()
        return [out.face_index.cpu(), out.rgb.detach().float().cpu(), out.normals.detach().float().cpu()], [
            t.grad.float().cpu() for t in inputs
        ]

    want = rendered(torch.device("cpu"), "kernel")
    found = rendered(device, "torch")
    same = (found[0][0] == want[0][0]).float().mean()
    assert same > 0.9995
    for a, b in zip(found[0][1:], want[0][1:], strict=True):
        assert ((a - b).abs() > 1e-3).float().mean() < 1e-3
    for a, b in zip(found[1], want[1], strict=True):
        assert torch.nn.functional.cosine_similarity(a.flatten(), b.flatten(), dim=0) > 0.9995


@pytest.mark.parametrize("kind", KINDS)
def test_kernels_equal_their_references(kind, monkeypatch) -> None:
    """Values and gradients of weights, blends, normals and shading, compiled and in plain torch."""
    vertices, faces = bumpy()
    camera, generator = cameras(kind), torch.Generator().manual_seed(4)
    albedo = torch.rand(2, 26, 3, generator=generator, dtype=DOUBLE)
    light = torch.randn(2, 9, 3, generator=generator, dtype=DOUBLE)

    def run() -> list[torch.Tensor]:
        inputs = [t.clone().requires_grad_() for t in (vertices, albedo, light)]
        out = render_batch(inputs[0], faces, camera, SIZE, attributes=inputs[1], light=inputs[2])
        (out.rgb.sin().sum() + out.normals.cos().sum() + out.depth.square().sum()).backward()
        return [out.rgb, out.normals, out.depth, out.barycentric, *(t.grad for t in inputs)]

    compiled = run()
    for room in ("interpolation", "normals", "light"):
        monkeypatch.setattr(f"headform.render.{room}.compilable", lambda *_: False)
    for a, b in zip(compiled, run(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_everything(kind) -> None:
    """Vertices, camera, attributes and light; away from outlines, where a step would change what a pixel shows."""
    vertices, faces = bumpy()
    camera, generator = cameras(kind), torch.Generator().manual_seed(3)
    seen = SeenPixels.of(render_batch(vertices, faces, camera, SIZE).face_index[:, ::4, ::5])
    albedo = torch.rand(2, 26, 3, generator=generator, dtype=DOUBLE)
    light = torch.randn(2, 9, 3, generator=generator, dtype=DOUBLE) * 0.1
    light[:, 0] += AMBIENT
    fields = [t.clone().requires_grad_() for t in vars(camera).values()]

    def shaded(vertices, albedo, light, *fields):
        own = type(camera)(*fields)
        weights = barycentric_at(own.project(vertices, SIZE), faces, seen, perspective=own.perspective)
        rows = torch.cat([albedo, own.rotate(vertex_normals(vertices, faces))], dim=-1)
        blended = interpolate_at(rows, faces, seen, weights)
        return torch.cat(shade_batch(blended[:, :3], blended[:, 3:], light, seen), dim=1)

    inputs = [t.requires_grad_() for t in (vertices.clone(), albedo, light)]
    assert gradcheck(shaded, (*inputs, *fields), fast_mode=True)
    assert gradgradcheck(shaded, (*inputs, *fields), fast_mode=True)


def test_texture_and_its_coordinates_have_gradients() -> None:
    vertices, faces = bumpy()
    camera, generator = cameras("perspective"), torch.Generator().manual_seed(5)
    texture = torch.rand(2, 3, 6, 7, generator=generator, dtype=DOUBLE).requires_grad_()
    uv = torch.rand(26, 2, generator=generator, dtype=DOUBLE).requires_grad_()
    seen = render_batch(vertices, faces, camera, SIZE).face_index

    def textured(texture, uv, vertices):
        out = render_batch(vertices, faces, camera, SIZE, texture=texture, uv=uv)
        assert torch.equal(out.face_index, seen)
        return out.rgb[:, :, ::3, ::4]

    assert gradcheck(textured, (texture, uv, vertices.clone().requires_grad_()), fast_mode=True, eps=1e-7)


def test_a_texture_of_vertex_positions_shows_them() -> None:
    """Texel centers: a ramp over u and v is read back exactly, row 0 at the top of v."""
    flat = torch.tensor([[[-0.1, -0.1, 0], [0.1, -0.1, 0], [0.1, 0.1, 0], [-0.1, 0.1, 0]]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uv = torch.tensor([[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]])
    u, v = (torch.arange(16) + 0.5) / 16, 1 - (torch.arange(8) + 0.5) / 8
    texture = torch.stack([u.expand(8, 16), v[:, None].expand(8, 16), torch.zeros(8, 16)])[None]
    out = render_batch(flat, faces, cameras("weak", 1), (32, 32), texture=texture, uv=uv, uv_faces=faces)
    want = render_batch(flat, faces, cameras("weak", 1), (32, 32), attributes=torch.cat([uv, 0 * uv[:, :1]], 1)[None])
    torch.testing.assert_close(out.rgb, want.rgb, atol=1e-6, rtol=0)
    rows = out.rgb[0, 1][:, 16][out.alpha[0, 0, :, 16] > 0]
    assert (rows.diff() < 0).all()  # v falls from the top of the picture down


def test_light_is_each_pictures_own() -> None:
    vertices, faces = bumpy()
    light = torch.randn(2, 9, 3, dtype=DOUBLE) * 0.3
    light[:, 0] += AMBIENT
    albedo = torch.rand(1, 26, 3, dtype=DOUBLE)
    camera = cameras("weak")
    both = render_batch(vertices, faces, camera, SIZE, attributes=albedo, light=light, srgb=True)
    for item in range(2):
        bare = render_batch(vertices, faces, camera, SIZE, attributes=albedo)
        at = bare.alpha[item, 0] > 0
        want = shade(bare.rgb[item].permute(1, 2, 0)[at], bare.normals[item].permute(1, 2, 0)[at], light[item])
        torch.testing.assert_close(both.rgb[item].permute(1, 2, 0)[at], srgb_from_linear(want.clamp(0, 1)))


def test_background_and_shapes() -> None:
    vertices, faces = bumpy()
    behind = torch.rand(2, 3, SIZE[1], SIZE[0], dtype=DOUBLE)
    out = render_batch(vertices, faces, cameras("weak"), SIZE, background=behind)
    empty = (out.alpha == 0).expand_as(out.rgb)
    assert empty.any()
    assert torch.equal(out.rgb[empty], behind[empty])
    torch.testing.assert_close(out.rgb[~empty], torch.full_like(out.rgb[~empty], 0.5))
    assert out.normals.shape == (2, 3, SIZE[1], SIZE[0])
    assert out.depth.shape == out.alpha.shape == (2, 1, SIZE[1], SIZE[0])
    lengths = out.normals.norm(dim=1, keepdim=True)
    torch.testing.assert_close(lengths, out.alpha)
    assert (out.normals[:, 2][out.alpha[:, 0] > 0] < 0).all()  # toward the camera


def test_nothing_in_view() -> None:
    vertices, faces = bumpy()
    far = vertices + torch.tensor([5.0, 0, 0], dtype=DOUBLE)
    out = render_batch(far.requires_grad_(), faces, cameras("perspective"), SIZE, light=torch.zeros(1, 9, 3))
    assert (out.face_index == -1).all()
    out.rgb.sum().backward()
    assert (far.grad == 0).all()


def test_refusals() -> None:
    vertices, faces = bumpy()
    camera, texture = cameras("weak"), torch.zeros(1, 3, 4, 4)
    with pytest.raises(ValueError, match="a texture needs uv"):
        render_batch(vertices, faces, camera, SIZE, texture=texture)
    with pytest.raises(ValueError, match="not both"):
        render_batch(vertices, faces, camera, SIZE, texture=texture, attributes=vertices)
    with pytest.raises(ValueError, match="faces must index 26 vertices"):
        render_batch(vertices, faces + 5, camera, SIZE)
    with pytest.raises(ValueError, match="at least 1"):
        render_batch(vertices, faces, camera, (0, 4))


def test_one_head_or_one_camera_in_place_of_a_batch_is_named() -> None:
    vertices, faces = bumpy()
    unchecked = render_batch.__wrapped__  # as where no annotations are checked
    with pytest.raises(ValueError, match=r"expected \(B, V, 3\); give a batch, vertices\[None\]"):
        unchecked(vertices[0], faces, cameras("weak"), SIZE)
    with pytest.raises(ValueError, match=r"PerspectiveCameras\.of\(camera\)"):
        unchecked(vertices, faces, PerspectiveCamera.frontal(60.0, SIZE, 0.5), SIZE)


def test_a_camera_that_turns_sees_turned_normals() -> None:
    vertices, faces = bumpy(1)
    turn = rotation_from_rotvec(torch.tensor([0.1, 0.2, -0.1], dtype=DOUBLE))
    camera = cameras("perspective", 1)
    turned = PerspectiveCameras(camera.K, camera.R @ turn, camera.t)
    direct = render_batch(vertices @ turn.T, faces, camera, SIZE)
    moved = render_batch(vertices, faces, turned, SIZE)
    assert torch.equal(direct.face_index, moved.face_index)
    torch.testing.assert_close(direct.normals, moved.normals)
    torch.testing.assert_close(direct.depth, moved.depth)
