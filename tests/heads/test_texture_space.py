"""Texture models: decoding, sampling at vertices, seams, files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.heads import texture_space
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance
from headform.heads.texture_space import TextureSpace, sample, with_texture
from headform.images.transfer import linear_from_srgb
from headform.importers.importing import linear_head
from tests.heads.made_models import SIDE, mask_model


@pytest.fixture
def head() -> LinearHead:
    return linear_head(mask_model())


def space_over(head: LinearHead, height: int = 6, width: int = 10, modes: int = 4) -> TextureSpace:
    """Random pictures; every vertex at its place in the sheet."""
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    uv = np.stack([0.1 + 0.8 * x / (SIDE - 1), 0.1 + 0.8 * y / (SIDE - 1)], 1)
    generator = torch.Generator().manual_seed(1)
    return TextureSpace(
        mean=torch.rand(height, width, 3, generator=generator),
        modes=0.1 * torch.randn(modes, height, width, 3, generator=generator),
        uv=torch.from_numpy(uv).float(),
        uv_faces=head.faces.clone(),
        encoding="srgb",
        provenance=Provenance("flame-texture", "made", license="a test's own"),
    )


def bilinear(image: np.ndarray, u: float, v: float) -> np.ndarray:
    """One sample by the definition: weights of pixels by their distance, pixels beyond the edge repeat it."""
    height, width = image.shape[:2]
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    total = np.zeros(3)
    for row in range(int(np.floor(y)), int(np.floor(y)) + 2):
        for column in range(int(np.floor(x)), int(np.floor(x)) + 2):
            weight = (1 - abs(x - column)) * (1 - abs(y - row))
            total += weight * image[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
    return total


def test_sampling_is_bilinear_with_row_0_on_top() -> None:
    image = torch.rand(5, 7, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    points = torch.rand(40, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    points = torch.cat([points, torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5]])])
    expected = [bilinear(image.numpy(), u, v) for u, v in points.tolist()]
    np.testing.assert_allclose(sample(image, points), expected, atol=1e-12)
    np.testing.assert_allclose(sample(image, torch.tensor([[0.0, 1.0]]).double())[0], image[0, 0])


def test_decoding_and_its_gradient(head: LinearHead) -> None:
    space = space_over(head)
    code = torch.tensor([[1.0, -2.0], [0.0, 0.5]], requires_grad=True)
    images = space.decode(code)
    expected = space.mean + 1.0 * space.modes[0] - 2.0 * space.modes[1]
    torch.testing.assert_close(images[0], expected)
    images.sum().backward()
    torch.testing.assert_close(code.grad[1], space.modes[:2].sum((1, 2, 3)))
    torch.testing.assert_close(space.albedo(code[0]), linear_from_srgb(expected))
    linear = replace(space, encoding="linear")
    torch.testing.assert_close(linear.albedo(code[0]), expected)


def test_colors_at_the_vertices(head: LinearHead) -> None:
    space = space_over(head)
    painted = with_texture(head, space, modes=3)
    assert len(painted.albedo) == 3
    assert painted.albedo_space == "srgb"
    code = torch.tensor([0.5, -1.0, 2.0])
    image = space.decode(code).numpy()
    expected = [bilinear(image, u, v) for u, v in space.uv.tolist()]
    found = painted.albedo_mean + torch.einsum("k,kvc->vc", code, painted.albedo)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    torch.testing.assert_close(painted.albedo_of(code), linear_from_srgb(found))
    assert torch.equal(painted.uv, space.uv)
    assert torch.equal(painted.mean, head.mean)


def test_a_vertex_on_a_seam_takes_the_mean_of_its_places(head: LinearHead) -> None:
    space = space_over(head)
    faces = space.uv_faces.clone()
    corner = (faces == 40).nonzero()[0]
    faces[corner[0], corner[1]] = len(space.uv)  # one of its triangles sees vertex 40 elsewhere
    far = torch.tensor([[0.9, 0.2]])
    cut = replace(space, uv=torch.cat([space.uv, far]), uv_faces=faces)
    whole, seamed = with_texture(head, space), with_texture(head, cut)
    here, there = (sample(space.mean, place)[0] for place in (space.uv[40:41], far))
    torch.testing.assert_close(seamed.albedo_mean[40], (here + there) / 2)
    others = torch.arange(SIDE * SIDE) != 40
    torch.testing.assert_close(seamed.albedo_mean[others], whole.albedo_mean[others])


def test_triangles_turned_round_are_followed(head: LinearHead) -> None:
    space = space_over(head)
    turned = replace(space, uv_faces=space.uv_faces.flip(1))
    painted = with_texture(head, turned)
    assert torch.equal(painted.uv_faces, head.faces)
    torch.testing.assert_close(painted.albedo_mean, with_texture(head, space).albedo_mean)


def test_a_texture_of_another_mesh_is_refused(head: LinearHead) -> None:
    space = space_over(head)
    fewer = replace(space, uv_faces=space.uv_faces[1:])
    other = replace(space, uv_faces=space.uv_faces.roll(1, 0))
    rest = head.faces[(head.faces != 40).all(1)]
    for body, texture, said in (
        (head, fewer, "127 triangles for 128"),
        (head, other, "several vertices"),
        (replace(head, faces=rest), replace(space, uv_faces=rest), "1 vertices lie on no triangle"),
    ):
        with pytest.raises(WeightsError, match=said) as caught:
            with_texture(body, texture)
        assert caught.value.code == "model_mismatch"


def test_a_texture_without_a_map_uses_the_heads(head: LinearHead) -> None:
    space = space_over(head)
    bare = replace(space, uv=torch.zeros(0, 2), uv_faces=torch.zeros(0, 3, dtype=torch.int64))
    with pytest.raises(WeightsError) as caught:
        with_texture(head, bare)
    assert caught.value.code == "head_lacks"
    mapped = replace(head, uv=space.uv, uv_faces=space.uv_faces)
    torch.testing.assert_close(with_texture(mapped, bare).albedo, with_texture(head, space).albedo)


def test_fewer_pixels_are_means_of_those_they_cover(head: LinearHead) -> None:
    space = space_over(head, 6, 10)
    small = space.resized(3, 5)
    blocks = space.modes.reshape(4, 3, 2, 5, 2, 3).mean((2, 4))
    torch.testing.assert_close(small.modes, blocks)
    assert small.mean.shape == (3, 5, 3)
    assert small.uv is space.uv


def test_a_file_comes_back_and_damage_is_found(tmp_path: Path, head: LinearHead) -> None:
    space = space_over(head)
    path = tmp_path / "texture.safetensors"
    digest = texture_space.save(space, path)
    again = texture_space.load(path)
    for name in ("mean", "modes", "uv", "uv_faces"):
        assert torch.equal(getattr(again, name), getattr(space, name))
        assert getattr(again, name).dtype == getattr(space, name).dtype
    assert (again.encoding, again.provenance) == (space.encoding, space.provenance)
    assert texture_space.save(again, tmp_path / "b.safetensors") == digest
    whole = path.read_bytes()
    bad = {
        "weights_damaged": [
            whole[:-1],
            whole[:100],
            b"",
            whole.replace(b"headform-texture-1", b"headform-texture-9"),
            whole.replace(b'\\"srgb\\"', b'\\"sRGB\\"'),
        ],
        "model_not_finite": [whole.replace(space.mean[0, 0].numpy().tobytes(), b"\xff" * 12)],
        "model_index": [whole.replace(space.uv_faces[0].int().numpy().tobytes(), b"\x7f" * 12)],
    }
    for code, contents in bad.items():
        for number, data in enumerate(contents):
            assert data != whole
            path.write_bytes(data)
            with pytest.raises(WeightsError) as caught:
                texture_space.load(path)
            assert caught.value.code == code, number
    with pytest.raises(WeightsError) as caught:
        texture_space.load(tmp_path / "none.safetensors")
    assert caught.value.code == "weights_missing"
