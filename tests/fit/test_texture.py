"""Baking: known colors come back, and nothing that is not the surface enters."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.errors import UsageError
from headform.fit import texture
from headform.fit._texture_kernels import seam_kernel
from headform.fit.filled_vertices import fill_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.plain_skin import face_skin, lids_of
from headform.fit.texture import BakedTexture, bake_textures, seam_gradient, surface_of
from headform.fit.vertex_colors import observe_vertices, region_share, visible_vertices
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.normals import vertex_normals
from headform.render.unwrapping import unwrap_head

from .scenes import AMBIENT_LIGHT, camera_at, encode, mean_vertices, photograph, waves

SIZE = 256


def texel_colors(head: LinearHead, vertex_colors: np.ndarray) -> np.ndarray:
    """What a texture should hold, (C, 3) linear, for colors that are linear over each face."""
    atlas = unwrap_head(head, SIZE)
    corners = head.faces.numpy()[atlas.face]
    return (vertex_colors[corners] * atlas.barycentric[..., None]).sum(1)


def texel_values(head: LinearHead, image: np.ndarray) -> np.ndarray:
    return image.reshape(SIZE * SIZE, -1)[unwrap_head(head, SIZE).texels]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def with_albedo(head: LinearHead, rgb: tuple[float, float, float]) -> LinearHead:
    flat = torch.tensor(rgb).expand(len(head.mean), 3).contiguous()
    return replace(head, albedo_mean=flat, albedo=torch.zeros_like(head.albedo))


def bake(
    head: LinearHead,
    vertices: np.ndarray,
    camera: PerspectiveCamera,
    rgb: np.ndarray,
    skin_mask: np.ndarray | None = None,
    code: np.ndarray | None = None,
    size: int = SIZE,
) -> BakedTexture:
    """The photo's own colors in the atlas, under even light."""
    photo = FittedPhoto(head, vertices, camera, rgb, skin_mask)
    values = torch.zeros(len(head.albedo)) if code is None else torch.from_numpy(code).float()
    return bake_textures(photo, AMBIENT_LIGHT, head.albedo_of(values).numpy(), size)[0]


@pytest.mark.parametrize("yaw", [0, 40])
def test_known_colors_come_back(head: LinearHead, yaw: float) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, yaw)
    color = waves(vertices)
    photo = photograph(head, vertices, camera, color)
    baked = bake(head, vertices, camera, photo)
    expected = encode(texel_colors(head, color))
    sure = texel_values(head, baked.photo_weight)[:, 0] > 0.99
    assert sure.mean() > 0.1
    got = texel_values(head, baked.rgb)
    assert psnr(got[sure], expected[sure]) > 32
    assert baked.photo_weight.dtype == np.float32
    assert 0 <= baked.photo_weight.min() <= baked.photo_weight.max() <= 1


def test_lighting_is_kept_or_removed(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    light = AMBIENT_LIGHT.copy()
    light[2] = -0.8  # toward the camera
    light[3] = 0.6
    shading = sh_basis(vertex_normals(vertices, head.faces.numpy()) @ camera.R.T) @ light
    color = waves(vertices) * 0.8
    photo = photograph(head, vertices, camera, color * np.maximum(shading, 0.02))
    kept, removed = bake_textures(FittedPhoto(head, vertices, camera, photo), light, head.mean_albedo.numpy(), SIZE)
    sure = texel_values(head, kept.photo_weight)[:, 0] > 0.99
    lit = sure & (texel_colors(head, shading).min(1) > 0.4)
    assert lit.mean() > 0.1
    shaded = encode(texel_colors(head, color * shading))
    assert psnr(texel_values(head, kept.rgb)[lit], shaded[lit]) > 32
    # colors as broad as these waves are light in part, and their detail fades toward the border of what is seen
    assert psnr(texel_values(head, removed.rgb)[lit], encode(texel_colors(head, color))[lit]) > 26.5


@pytest.mark.parametrize("yaw", [0, -60])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_background_never_enters(head: LinearHead, yaw: float, shift: float) -> None:
    head = with_albedo(head, (0.3, 0.3, 0.3))
    vertices, camera = mean_vertices(head), camera_at(head, yaw)
    photo = photograph(head, vertices, camera, np.full(vertices.shape, 0.3))
    # The head is not where the fit says it is, by `shift` pixels.
    moved = camera.cropped(shift, -shift)
    baked = bake(head, vertices, moved, photo)
    outer = np.isin(head.part.numpy(), [PARTS.index(name) for name in ("face", "head")])
    skin = outer[head.faces.numpy()[unwrap_head(head, SIZE).face]].all(1)
    got = texel_values(head, baked.rgb).astype(int)[skin]
    assert (got[:, 0] - got[:, 1]).max() < 12  # the head is gray, the background magenta
    assert baked.photo_weight.max() > 0.99


def test_the_nose_does_not_color_the_cheek_it_hides(head: LinearHead) -> None:
    head = with_albedo(head, (0.3, 0.3, 0.3))
    vertices, camera = mean_vertices(head), camera_at(head, 50)
    nose = head.regions["nose"].numpy()
    color = np.where(nose[:, None], [0.05, 0.6, 0.05], 0.3)
    photo = photograph(head, vertices, camera, color)
    baked = bake(head, vertices, camera, photo)
    # Vertices two edges or more from the nose.
    near = nose.copy()
    for _ in range(2):
        faces = head.faces.numpy()
        near[faces[near[faces].any(1)]] = True
    atlas = unwrap_head(head, SIZE)
    away = ~near[head.faces.numpy()[atlas.face]].any(1)
    hidden = away & (texel_values(head, baked.photo_weight)[:, 0] < 1)
    own = away & (texel_values(head, baked.photo_weight)[:, 0] > 0.3)
    got = texel_values(head, baked.rgb).astype(int)
    green = got[:, 1] - got[:, 0]
    assert hidden.sum() > 1000
    assert np.quantile(green[own], 0.999) < 14
    assert green[own].max() < 40
    on_nose = nose[head.faces.numpy()[atlas.face]].all(1)
    assert green[on_nose].max() > 100  # the paint itself was baked


def test_the_hidden_side_takes_the_mirror_image(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 55)
    symmetric = waves(np.abs(vertices))
    photo = photograph(head, vertices, camera, symmetric)
    baked = bake(head, vertices, camera, photo)
    share = texel_values(head, baked.photo_weight)[:, 0]
    atlas = unwrap_head(head, SIZE)
    corners = head.faces.numpy()[atlas.face]
    cheeks = head.regions["cheeks"].numpy()[corners].all(1) & (share == 0)
    assert cheeks.sum() > 50
    expected = encode(texel_colors(head, symmetric))[cheeks]
    assert psnr(texel_values(head, baked.rgb)[cheeks], expected) > 24


def test_streaks_of_a_refined_albedo_are_smoothed_where_nothing_is_seen(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    rgb = photograph(head, vertices, camera, np.full(vertices.shape, 0.3))
    streaks = np.random.default_rng(0).normal(0, 0.15, (len(vertices), 1))
    albedo = np.clip(0.3 * np.exp(np.where(face_skin(head)[:, None], streaks, 0.0)), 0, 1).repeat(3, axis=1)
    surface = surface_of(FittedPhoto(head, vertices, camera, rgb), 512)
    filled = fill_vertices(head, surface, AMBIENT_LIGHT, albedo, refined=True)
    skin = face_skin(head) & ~lids_of(head)
    unseen, seen = skin & (filled.seen.weight == 0), skin & (filled.seen.weight > 0.99)
    assert min(unseen.sum(), seen.sum()) > 100
    spread = np.log(filled.fill[:, 1])
    assert spread[unseen].std() < 0.3 * streaks[unseen].std()
    assert np.corrcoef(spread[seen], streaks[seen, 0])[0, 1] > 0.8  # what the network read there stays


def test_without_anything_seen_it_is_the_head_itself(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    photo = np.full((320, 320, 3), 200, np.uint8)
    nothing = np.zeros((320, 320))
    code = np.linspace(-0.5, 0.5, len(head.albedo))
    baked = bake(head, vertices, camera, photo, nothing, code)
    albedo = head.albedo_of(torch.tensor(code, dtype=torch.float32)).numpy().clip(0.002, 1)
    outer = np.isin(head.part.numpy(), [PARTS.index(name) for name in ("face", "head")])
    outer &= ~head.regions["eyes"].numpy()  # lids are plain
    whole = outer[head.faces.numpy()[unwrap_head(head, SIZE).face]].all(1)
    expected = encode(texel_colors(head, albedo)).astype(int)
    assert np.abs(texel_values(head, baked.rgb).astype(int) - expected)[whole].max() <= 1
    assert baked.photo_weight.max() == 0
    assert baked.seam_gradient == 1


def test_teeth_and_mouth_never_take_the_photo(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    jaw = np.zeros(len(head.expression_names), np.float32)
    jaw[head.expression_names.index("jawOpen")] = 1
    vertices = head.vertices(expression=torch.from_numpy(jaw)).numpy()
    photo = photograph(head, vertices, camera, waves(vertices))
    baked = bake(head, vertices, camera, photo)
    atlas = unwrap_head(head, SIZE)
    part = head.part.numpy()[head.faces.numpy()[atlas.face]]
    inside = np.isin(part, [PARTS.index(p) for p in ("mouth", "teeth", "tongue")]).all(1)
    assert inside.sum() > 1000
    assert texel_values(head, baked.photo_weight)[inside].max() == 0


def test_charts_are_continued_into_their_gutters(head: LinearHead) -> None:
    atlas = unwrap_head(head, SIZE)
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    photo = photograph(head, vertices, camera, waves(vertices))
    baked = bake(head, vertices, camera, photo)
    covered = np.zeros(SIZE * SIZE, bool)
    covered[atlas.texels] = True
    covered = covered.reshape(SIZE, SIZE)
    wide = covered.copy()
    for _ in range(4):
        wide[1:] |= wide[:-1]
        wide[:-1] |= wide[1:]
    leftover = (baked.rgb == texture._LEFTOVER).all(-1)
    assert not leftover[wide].any()


def test_slicing_the_work_changes_nothing(head: LinearHead, monkeypatch: pytest.MonkeyPatch) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 30)
    photo = photograph(head, vertices, camera, waves(vertices))
    args = (head, vertices, camera, photo)
    whole = bake(*args)

    def in_slices(work: object, count: int) -> None:
        for first in range(0, count, 7919):
            work(first, min(count, first + 7919))

    monkeypatch.setattr(texture, "_in_threads", in_slices)
    np.testing.assert_array_equal(bake(*args).rgb, whole.rgb)


def test_vertices_are_observed_where_they_are_seen(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 50)
    color = waves(vertices)
    seen = observe_vertices(FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, color)))
    toward = -(vertex_normals(vertices, head.faces.numpy()) @ camera.R.T)[:, 2]
    assert not seen.weight[toward < 0].any()
    assert not seen.color[seen.weight == 0].any()
    sure = seen.weight > 0.99
    assert sure.sum() > 500
    assert np.abs(seen.color - color)[sure].mean() < 0.02
    nothing = FittedPhoto(head, vertices, camera, np.zeros((320, 320, 3), np.uint8), np.zeros((320, 320)))
    assert not observe_vertices(nothing).weight.any()


def test_texture_networks_see_eyes_and_neck_too(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 30)
    color = waves(vertices)
    photo = FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, color))
    seen, painted = visible_vertices(photo), observe_vertices(photo)
    toward = -(vertex_normals(vertices, head.faces.numpy()) @ camera.R.T)[:, 2]
    eyes = np.isin(head.part.numpy(), [PARTS.index("eye_right"), PARTS.index("eye_left")])
    neck = head.regions["neck"].numpy()
    for part in (eyes, neck):
        own = np.zeros(len(vertices), bool)
        own[part] = True
        assert (seen.weight[own] > 0.99).sum() > (painted.weight[own] > 0.99).sum() + 20
    assert not seen.weight[toward < -0.1].any()
    assert (seen.weight >= painted.weight - 1e-6).all()
    sure = seen.weight > 0.99
    assert np.abs(seen.color - color)[sure].mean() < 0.02


def test_a_region_fades_into_what_is_around_it(head: LinearHead) -> None:
    scalp, share = head.regions["scalp"].numpy(), region_share(head, "scalp", (0.0, 0.015))
    np.testing.assert_array_equal(share[scalp], 1)
    assert 0.02 < ((share > 0) & (share < 1)).mean() < 0.2
    assert not share[head.regions["lips"].numpy()].any()
    assert not region_share(head, "tail", (0.0, 0.015)).any()


@pytest.mark.parametrize(("step", "expected"), [(1, 1.0), (10, 10.0)])
def test_seam_gradient_of_a_ramp(step: int, expected: float) -> None:
    values = np.arange(32)
    values[16:] += step - 1  # steps of 1 everywhere, of `step` at the border
    rgb = np.repeat(np.tile(values, (32, 1))[..., None], 3, axis=2).astype(np.uint8)
    weight = np.tile((np.arange(32) >= 16).astype(np.float32), (32, 1))
    sums = np.zeros(6, np.int64)
    for first, last in ((0, 7), (7, 32)):
        seam_kernel(first, last, weight, rgb, np.zeros_like(rgb), sums)
    pairs, beside, across, none, beside_steps, nothing = sums.tolist()
    assert seam_gradient(pairs, beside, across, beside_steps) == pytest.approx(expected)
    assert seam_gradient(pairs, beside, none, nothing) == 1.0


def test_size_is_checked(head: LinearHead) -> None:
    vertices, camera = mean_vertices(head), camera_at(head, 0)
    photo = np.zeros((32, 32, 3), np.uint8)
    with pytest.raises(UsageError, match="64 to 8192") as error:
        bake(head, vertices, camera, photo, size=32)
    assert error.value.code == "texture_size"
