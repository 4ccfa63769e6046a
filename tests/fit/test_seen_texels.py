"""What a photo shows at texels, read ahead and on several threads, and what is computed beside: results stay the same."""

from collections.abc import Iterator
from types import ModuleType

import numpy as np
import pytest
import torch

from headform.fit import begun_vertices, filled_vertices
from headform.fit.begun_vertices import BegunVertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.seen_texels import SeenTexels
from headform.fit.texture import bake_textures, patch_of, surface_of
from headform.heads.linear import LinearHead
from headform.kernels.threads import begin
from headform.render.unwrapping import unwrap_head

from .scenes import AMBIENT_LIGHT, camera_at, mean_vertices, photograph, waves

SIZE = 256


@pytest.fixture
def photo(head: LinearHead) -> FittedPhoto:
    vertices, camera = mean_vertices(head), camera_at(head, 30)
    return FittedPhoto(head, vertices, camera, photograph(head, vertices, camera, waves(vertices)))


@pytest.fixture
def two_threads() -> Iterator[None]:
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_the_weight_of_a_texture_is_that_of_its_seen_texels(photo: FittedPhoto) -> None:
    head = photo.head
    seen = SeenTexels.of(head, surface_of(photo, SIZE), SIZE)
    kept, _ = bake_textures(photo, AMBIENT_LIGHT, head.mean_albedo.numpy(), SIZE)
    weight = np.zeros(SIZE * SIZE, np.float32)
    weight[unwrap_head(head, SIZE).texels[seen.rows]] = seen.own
    np.testing.assert_array_equal(weight.reshape(SIZE, SIZE), kept.photo_weight)
    assert (np.diff(seen.rows) > 0).all()
    assert (seen.own > 0).mean() > 0.2
    assert (seen.across > 0).mean() > 0.05, "a turned head shows one cheek only"
    assert not seen.across[seen.own >= 1].any()


def test_colors_are_those_of_the_photo_where_they_count(photo: FittedPhoto) -> None:
    head = photo.head
    surface = surface_of(photo, SIZE)
    seen, atlas = SeenTexels.of(head, surface, SIZE), unwrap_head(head, SIZE)
    color = waves(mean_vertices(head))
    truth = (color[head.faces.numpy()[atlas.face]] * atlas.barycentric[..., None]).sum(1)[seen.rows]
    mirrored = (color[head.mirror.numpy()][head.faces.numpy()[atlas.face]] * atlas.barycentric[..., None]).sum(1)
    own, across = seen.own > 0.99, seen.across > 0.99
    assert min(own.sum(), across.sum()) > 100
    assert np.abs(seen.here[own] - truth[own]).mean() < 0.02
    assert np.abs(seen.there[across] - mirrored[seen.rows][across]).mean() < 0.02


@pytest.mark.parametrize("refined", [False, True])
def test_textures_are_the_same_read_ahead_and_on_two_threads(photo: FittedPhoto, refined: bool) -> None:
    head = photo.head
    albedo = head.mean_albedo.numpy()
    alone = bake_textures(photo, AMBIENT_LIGHT, albedo, SIZE, refined=refined)
    torch.set_num_threads(2)
    try:
        fine = begin(patch_of, photo, SIZE)
        surface = begin(lambda: surface_of(photo, SIZE, patch=fine()))
        begun = BegunVertices.begin(head, surface, AMBIENT_LIGHT)
        seen = begin(lambda: SeenTexels.of(head, surface(), SIZE))
        ahead = bake_textures(photo, AMBIENT_LIGHT, albedo, SIZE, None, None, surface(), seen, begun, refined=refined)
    finally:
        torch.set_num_threads(1)
    for one, other in zip(alone, ahead, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
        np.testing.assert_array_equal(one.photo_weight, other.photo_weight)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (begun_vertices, "surface_shading"),
        (begun_vertices, "facial_hair"),
        (filled_vertices, "_soft_skin"),
        (filled_vertices, "iris_of_photo"),
    ],
)
@pytest.mark.usefixtures("two_threads")
def test_what_fails_beside_fails_the_texture(
    photo: FittedPhoto, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    def failing(*_: object) -> None:
        raise MemoryError(name)

    monkeypatch.setattr(module, name, failing)
    with pytest.raises(MemoryError, match=name):
        bake_textures(photo, AMBIENT_LIGHT, photo.head.mean_albedo.numpy(), SIZE)
