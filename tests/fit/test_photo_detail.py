"""What of a photo's detail is taken for skin: no folds of an expression, nothing that ends where the photo does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headform.fit.fitted_photo import FittedPhoto
from headform.fit.photo_detail import FOLDED, LIDS, PORE_METERS, PhotoDetail, broad_photo
from headform.fit.photo_patch import cut_patch
from headform.fit.plain_skin import face_skin, lids_of
from headform.fit.texture import bake_textures, surface_of
from headform.fit.vertex_colors import PhotoSurface
from headform.geometry.camera import PerspectiveCamera
from headform.heads.linear import LinearHead
from headform.render.unwrapping import unwrap_head

from .scenes import AMBIENT_LIGHT, camera_at, encode, mean_vertices, photograph

SIZE, SIDE = 512, 800
GRAY = 0.3


def gray_photo(head: LinearHead, vertices: np.ndarray) -> tuple[np.ndarray, PerspectiveCamera]:
    camera = camera_at(head, 0, SIDE)
    return photograph(head, vertices, camera, np.full(vertices.shape, GRAY), SIDE, supersample=1), camera


def smiling(head: LinearHead) -> np.ndarray:
    weights = np.zeros(len(head.expression_names), np.float32)
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        weights[head.expression_names.index(name)] = 0.8
    return head.vertices(expression=torch.from_numpy(weights)).numpy()


def surface(head: LinearHead) -> PhotoSurface:
    rgb, camera = gray_photo(head, mean_vertices(head))
    return surface_of(FittedPhoto(head, mean_vertices(head), camera, rgb), SIZE)


def albedo_at(head: LinearHead, image: np.ndarray, near: np.ndarray, radius: float) -> np.ndarray:
    """Texels, (C, 3) of 0 to 255, of the outer skin within `radius` meters of a point of the head at rest."""
    atlas = unwrap_head(head, SIZE)
    corners = head.faces.numpy()[atlas.face]
    place = (head.mean.numpy()[corners] * atlas.barycentric[..., None]).sum(1)
    chosen = (np.linalg.norm(place - near, axis=1) < radius) & (head.part.numpy()[corners] == 0).all(1)
    return image.reshape(-1, 3)[atlas.texels[chosen]].astype(float)


def test_a_crease_of_a_smile_is_no_skin_and_a_mark_on_the_forehead_is(head: LinearHead) -> None:
    posed, rest = smiling(head), mean_vertices(head)
    rgb, camera = gray_photo(head, posed)
    eyes, corner = rest[head.now7.numpy()[:4]].mean(axis=0), rest[int(head.now7[5])]
    front = np.where((head.part.numpy() == 0)[:, None], rest, np.inf)
    places = {
        name: int(np.linalg.norm((front - point)[:, :2], axis=1).argmin())
        for name, point in (("crease", corner + [-0.009, 0.004, 0]), ("mark", eyes + [0, 0.04, 0]))
    }
    half = round(0.0016 * SIDE * 1.5 / 0.5)
    for vertex in places.values():  # 3 mm wide and 9 mm high, half as bright
        x, y = camera.project(posed)[vertex, :2].astype(int)
        rgb[y - 3 * half : y + 3 * half, x - half : x + half] = encode(np.array(GRAY / 2))
    flat = np.full(rest.shape, GRAY)
    photo = FittedPhoto(head, posed, camera, rgb)
    with_rest = bake_textures(replace(photo, rest=rest), AMBIENT_LIGHT, flat, SIZE, refined=True)
    without = bake_textures(photo, AMBIENT_LIGHT, flat, SIZE, refined=True)
    np.testing.assert_array_equal(with_rest[0].rgb, without[0].rgb)  # the photo's own colors stay
    plain = float(encode(np.array(GRAY)))

    def depth(image: np.ndarray, name: str) -> float:
        return float(plain - np.quantile(albedo_at(head, image, rest[places[name]], 0.004), 0.1))

    assert depth(without[1].rgb, "crease") > 20
    assert depth(with_rest[1].rgb, "crease") < 0.5 * depth(without[1].rgb, "crease")
    assert depth(without[1].rgb, "mark") > 20
    assert depth(with_rest[1].rgb, "mark") == pytest.approx(depth(without[1].rgb, "mark"), abs=1)


def test_freckles_fade_before_the_photo_ends(head: LinearHead) -> None:
    vertices = mean_vertices(head)
    rgb, camera = gray_photo(head, vertices)
    dots = np.random.default_rng(0).random((SIDE // 4, SIDE // 4)) < 0.25
    skin = (rgb != encode(np.array([1.0, 0.0, 1.0]))).any(axis=-1)
    dotted = np.where(dots.repeat(4, 0).repeat(4, 1)[..., None], encode(np.array(GRAY * 0.6)), rgb)
    rgb = np.where(skin[..., None], dotted, rgb).astype(np.uint8)
    photo = FittedPhoto(head, vertices, camera, rgb)
    baked = bake_textures(photo, AMBIENT_LIGHT, np.full(vertices.shape, GRAY), SIZE, refined=True)
    seen = PhotoSurface.of(photo, None, cut_patch(photo, resolution=460))
    weight = seen.colors.weight
    kept = PhotoDetail.of(head, seen, np.maximum(weight, weight[head.mirror.numpy()]), np.zeros(len(weight))).kept
    skin_vertices = face_skin(head) & ~lids_of(head)
    border = skin_vertices & (weight > 0.3) & (weight < 0.7)
    away = np.linalg.norm(head.mean.numpy()[:, None] - head.mean.numpy()[border][None], axis=2).min(1)
    brows = head.mean.numpy()[head.regions["brows"].numpy()]
    away_from_brows = np.linalg.norm(head.mean.numpy()[:, None] - brows[None], axis=2).min(1) > 0.005
    cheek = skin_vertices & head.regions["cheeks"].numpy() & away_from_brows
    assert kept[cheek & (away > 0.02) & (weight > 0.99)].min() > 0.9
    outer = skin_vertices & away_from_brows & (weight < 0.02) & (away > 0.008)
    assert kept[outer].max() < 0.05
    atlas = unwrap_head(head, SIZE)
    corners = head.faces.numpy()[atlas.face]
    color = baked[1].rgb.reshape(-1, 3)[atlas.texels][:, 1].astype(float)
    share = baked[0].photo_weight.reshape(-1)[atlas.texels]
    whole = skin_vertices[corners].all(1) & away_from_brows[corners].all(1)
    inside, edge = whole & (kept[corners].min(1) > 0.98), whole & (share > 0.9) & (kept[corners].max(1) < 0.2)
    assert inside.sum() > 500
    assert edge.sum() > 200
    assert color[edge].std() < 0.35 * color[inside].std()
    own = baked[0].rgb.reshape(-1, 3)[atlas.texels][:, 1].astype(float)
    assert own[edge].std() > 0.7 * own[inside].std()  # in the photo's light nothing is left out


def test_both_halves_fold_where_one_is_pressed_and_lids_always_do(head: LinearHead) -> None:
    shown = np.ones(len(head.mean))
    bare = np.zeros(len(shown))
    at_rest = PhotoDetail.of(head, surface(head), shown, bare)
    lids, forehead = lids_of(head), head.regions["forehead"].numpy()
    np.testing.assert_allclose(at_rest.folds[lids], LIDS)
    assert not at_rest.folds[head.regions["chin"].numpy()].any()
    np.testing.assert_array_equal(at_rest.kept, 1)
    left = head.regions["cheeks"].numpy() & (head.mean[:, 0].numpy() > 0)
    pressed = PhotoDetail.of(head, replace(surface(head), pressed=np.where(left, 0.3, 0.0)), shown, bare)
    inner = left & (np.abs(head.mean[:, 0].numpy() - 0.04) < 0.006)
    assert np.median(pressed.folds[inner]) == pytest.approx(FOLDED)
    np.testing.assert_allclose(pressed.folds[head.mirror.numpy()], pressed.folds, atol=0.02)
    above = head.mean[:, 1].numpy() > np.quantile(head.mean[:, 1].numpy()[forehead], 0.6)
    assert pressed.folds[forehead & above].max() < 0.02
    bearded = PhotoDetail.of(head, replace(surface(head), pressed=np.full(len(shown), 0.3)), shown, shown)
    lower = head.regions["chin"].numpy() | head.regions["lips"].numpy()
    assert not bearded.folds[lower & ~lids].any()  # neither hair nor lips fold
    assert bearded.pressed[lower].min() > 0.9
    gone = PhotoDetail.of(head, surface(head), np.zeros(len(head.mean)), bare)
    assert not gone.kept[head.regions["cheeks"].numpy() & face_skin(head)].any()
    np.testing.assert_array_equal(gone.kept[head.regions["brows"].numpy()], 1)


@pytest.mark.parametrize("shape", [(20, 30), (13, 7), (2, 3)])
def test_the_broad_photo_is_the_mean_of_blocks(shape: tuple[int, int]) -> None:
    linear = np.random.default_rng(0).random((*shape, 3), np.float32)
    broad, block = broad_photo(linear, 4.2 / PORE_METERS)
    assert block == 4
    assert broad.shape == (-(-shape[0] // 4), -(-shape[1] // 4), 3)
    for row in range(broad.shape[0]):
        for column in range(broad.shape[1]):
            wanted = linear[4 * row : 4 * row + 4, 4 * column : 4 * column + 4].mean(axis=(0, 1))
            np.testing.assert_allclose(broad[row, column], wanted, rtol=1e-5)
    small, one = broad_photo(linear, 0.2 / PORE_METERS)
    assert one == 1
    np.testing.assert_array_equal(small, linear)


def test_a_beard_is_kept_where_skin_has_begun_to_fade(head: LinearHead) -> None:
    seen = surface(head)
    count = len(head.mean)
    chin = head.regions["chin"].numpy() & face_skin(head)
    half, bearded = np.full(count, 0.55), np.ones(count)
    assert PhotoDetail.of(head, seen, half, np.zeros(count)).kept[chin].max() < 0.2
    assert PhotoDetail.of(head, seen, half, bearded).kept[chin].min() > 0.95
    assert PhotoDetail.of(head, seen, np.zeros(count), bearded).kept[chin].max() < 0.05  # nothing is made up


def test_a_highlight_is_no_skin_and_stays_in_the_colors_of_the_photo(head: LinearHead) -> None:
    vertices = mean_vertices(head)
    rgb, camera = gray_photo(head, vertices)
    eyes = vertices[head.now7.numpy()[:4]].mean(axis=0) + [0, 0.04, 0]
    front = np.where((head.part.numpy() == 0)[:, None], vertices, np.inf)
    vertex = int(np.linalg.norm((front - eyes)[:, :2], axis=1).argmin())
    x, y = camera.project(vertices)[vertex, :2].astype(int)
    rgb[y - 5 : y + 5, x - 5 : x + 5] = encode(np.array(1.3 * GRAY))
    photo = FittedPhoto(head, vertices, camera, rgb)
    kept, without_light = bake_textures(photo, AMBIENT_LIGHT, np.full(vertices.shape, GRAY), SIZE, refined=True)

    def brightness(image: np.ndarray) -> float:
        return float(np.quantile(albedo_at(head, image, vertices[vertex], 0.004), 0.9)) - float(encode(np.array(GRAY)))

    shine = float(encode(np.array(1.3 * GRAY))) - float(encode(np.array(GRAY)))
    assert brightness(kept.rgb) > 0.9 * shine
    assert brightness(without_light.rgb) < 0.6 * shine
