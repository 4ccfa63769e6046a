"""Bake a photo into the texture of a head, and fill the regions that the photo does not show.

V vertices, S side of the texture, C covered texels.

Textures are composed as albedo, the photo divided by the fitted shading, and shaded again at the end,
so that one composition yields both variants and reproduces the colors of the photo exactly:

1. the photo, weighted by the angle between surface and view, the distance of the texel to outlines,
   occluders and the rims of eyes and mouth, and the skin mask;
2. else the photo color of the mirror image, where the other side is visible;
3. else the albedo of the head model.

2 and 3 are multiplied by a smooth gain, known where they overlap the photo and diffused over the
surface (not over the atlas, `fit._mesh_diffusion`), so that colors agree at the borders, within a
chart or across two. Inside of the mouth, teeth, tongue and eye sockets always use 3 without gain.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8

from headform.errors import UsageError
from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.fit._texture_kernels import compose_kernel, encode_kernel, seam_kernel, spread_gutter_kernel
from headform.fit.eye_gains import eye_gains
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.vertex_colors import EYES, PHOTO_PARTS, PhotoSurface, VertexColors, smoothstep
from headform.geometry.array_checks import require_array
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import PARTS, LinearHead
from headform.render.unwrapping import Unwrap, unwrap_head

MIRROR_STOPS = (0.5, 1.1)
"""Difference in log shading to the mirror image below which its colors are used in full, and above which not at all:
a cheek in shadow says little about one in the sun."""
OCCLUSION = {"teeth": 0.6, "tongue": 0.45, "mouth": 0.3, "socket_right": 0.4, "socket_left": 0.4}
"""Fraction of the light that reaches the inner parts when lighting is kept."""


@dataclass(frozen=True, eq=False)
class BakedTexture:
    """Baked texture of a head.

    Attributes:
        rgb: (S, S, 3) sRGB; row 0 is v = 1; charts are extended by 8 texels beyond their border.
        photo_weight: (S, S) float32 in [0, 1], weight of the photo in each texel.
        seam_gradient: Mean color step between neighboring texels on the two sides of the border
            where that weight is 0.5, divided by the mean step 4 to 8 texels away from it: about
            1 without a visible seam; 1 where there is no border.
    """

    rgb: UInt8[np.ndarray, "S S 3"]
    photo_weight: Float32[np.ndarray, "S S"]
    seam_gradient: float


def bake_textures(
    photo: FittedPhoto,
    light: Float[np.ndarray, "9 3"],
    albedo: Float[np.ndarray, "V 3"],
    size: int = 1024,
    openings: Openings | None = None,
) -> tuple[BakedTexture, BakedTexture]:
    """Bake a photo into the head's atlas.

    Args:
        photo: Photo and fitted head.
        light: (9, 3) light from `fit_light_and_albedo`.
        albedo: (V, 3) linear RGB for regions that the photo does not show, such as `head.albedo_of` the fitted code.
        size: Side S of the texture, 64 to 8192 texels.
        openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.

    Returns:
        Two textures: with the lighting and colors of the photo, and without lighting, divided by the fitted shading.

    Raises:
        UsageError: `texture_size` for a size out of range.
        InputError: `array_shape` and others of `geometry.array_checks`.
    """
    if not 64 <= size <= 8192:
        raise UsageError("texture_size", f"the texture size must be 64 to 8192 texels, got {size}")
    light = require_array("light", light, (9, 3), finite=True)
    albedo = require_array("albedo", albedo, (len(photo.head.mean), 3), finite=True)
    atlas = unwrap_head(photo.head, size)
    surface = PhotoSurface.of(photo, openings, resolution=int(0.9 * size))
    field = _vertex_field(photo.head, surface, light, albedo)
    count, patch = len(atlas.texels), surface.patch
    baked = np.empty((count, 3), np.float32)
    shading = np.empty((count, 3), np.float32)
    share = np.empty(count, np.float32)
    trusted = np.empty((count, 3), np.float32)
    points, layers = patch.buffer_points(), surface.eye_faces

    def compose(first: int, last: int) -> None:
        compose_kernel(
            first, last, atlas.face, atlas.barycentric, layers, surface.faces, field, points,
            patch.fragments.face_index, patch.linear, patch.mask, surface.trust,
            np.float32(patch.buffer_scale), baked, trusted, shading, share,
        )  # fmt: skip

    _in_threads(compose, count)
    return (
        _finish(atlas, baked, shading, share),
        _finish(atlas, trusted, np.ones_like(shading), share),
    )


def _vertex_field(
    head: LinearHead, surface: PhotoSurface, light: Float[np.ndarray, "9 3"], albedo: Float[np.ndarray, "V 3"]
) -> Float32[np.ndarray, "V 17"]:
    """Compute the columns that `compose_kernel` interpolates, per vertex; see `_texture_kernels.COLUMNS`."""
    filled, mirror = fill_vertices(head, surface, light, albedo), head.mirror.numpy()
    projected, facing, shading = surface.projected, surface.facing, filled.shading
    return np.ascontiguousarray(
        np.column_stack([
            projected, facing, projected[mirror], facing[mirror] * filled.alike,
            shading * filled.inner[:, None], np.exp(filled.mirror_gain) / shading[mirror], filled.fill,
        ]),
        np.float32,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class FilledVertices:
    """Vertices of a head in the light of a photo, with colors for what it does not show.

    Attributes:
        seen: colors of the photo, linear RGB, and their weights.
        shading: light on the outer skin.
        inner: share of the light inside of mouth and eyes, 1 elsewhere.
        alike: likeness of the light to that on the mirror image, 0 to 1.
        fill: albedo where nothing is seen.
        mirror_gain: logarithmic gain of the mirror image.
    """

    seen: VertexColors
    shading: Float64[np.ndarray, "V 3"]
    inner: Float64[np.ndarray, " V"]
    alike: Float64[np.ndarray, " V"]
    fill: Float32[np.ndarray, "V 3"]
    mirror_gain: Float[np.ndarray, "V 3"]


def fill_vertices(
    head: LinearHead, surface: PhotoSurface, light: Float[np.ndarray, "9 3"], albedo: Float[np.ndarray, "V 3"]
) -> FilledVertices:
    """Compute light, and colors of what the photo does not show, at the vertices of a head."""
    part, mirror = head.part.numpy(), head.mirror.numpy()
    parts = np.isin(part, [PARTS.index(name) for name in PHOTO_PARTS])
    shading = positive_shading(sh_basis(surface.normals) @ light)
    albedo = np.clip(albedo, 0.002, 1.0).astype(np.float64)
    seen = surface.colors()
    level = np.log(shading.mean(axis=1))
    alike = 1 - smoothstep(np.abs(level - level[mirror]), *MIRROR_STOPS)
    eyes = eye_gains(head, surface, seen, albedo, shading)
    fill, mirror_gain = _fill_and_mirror_gain(head, albedo, seen.color / shading, seen.weight, alike, parts, eyes)
    inner = np.ones(len(part))
    for name, share in OCCLUSION.items():
        inner[part == PARTS.index(name)] = share
    return FilledVertices(seen, shading, inner, alike, fill, mirror_gain)


def _fill_and_mirror_gain(
    head: LinearHead,
    albedo: Float64[np.ndarray, "V 3"],
    seen: Float64[np.ndarray, "V 3"],
    weight: Float32[np.ndarray, " V"],
    alike: Float64[np.ndarray, " V"],
    parts: Bool[np.ndarray, " V"],
    eye_gain: Float64[np.ndarray, "V 3"],
) -> tuple[Float32[np.ndarray, "V 3"], Float32[np.ndarray, "V 3"]]:
    """Return the fill albedo for hidden regions, and the logarithmic gain of the mirror image."""
    graph, mirror = head_graph(head), head.mirror.numpy()
    weight = weight.astype(np.float64)
    skin = parts & (head.part.numpy() < PARTS.index("mouth"))
    seen = np.clip(seen, 0.002, 2.0)
    zero = np.zeros_like(seen)
    other = weight[mirror] * alike
    gain = diffuse(
        graph,
        np.clip(np.log(seen / seen[mirror]), -1.0, 1.0),
        weight * other,
        smoothness=1.0,
        pull=np.full(len(weight), 2e-3),
        rest=zero,
    )
    # colors of the mirror image count less than visible ones
    trust = weight + 0.5 * (1 - weight) * other
    ratio = (
        weight[:, None] * np.log(seen / albedo) + (trust - weight)[:, None] * (np.log(seen[mirror] / albedo) + gain)
    ) / np.maximum(trust, 1e-6)[:, None]
    ratio = np.clip(ratio, -1.5, 1.5)
    rest = zero
    sure = (trust > 0.5) & skin
    if sure.any():
        rest = np.where(skin[:, None], np.median(ratio[sure], axis=0), 0.0)
    # an eye is too small and too patterned for a gain field
    eyes = np.isin(head.part.numpy(), EYES)
    rest = np.where(eyes[:, None], eye_gain, rest)
    field = diffuse(
        graph,
        ratio,
        np.where(eyes, 0.0, trust),
        smoothness=3.0,
        pull=np.where(skin, 2e-3, 100.0),
        rest=rest,
    )
    return np.clip(albedo * np.exp(field), 0.0, 1.0).astype(np.float32), gain


def positive_shading(shading: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Clamp shading to positive values, since harmonics can undershoot zero."""
    floor = np.maximum(0.12 * np.mean(np.abs(shading), axis=0), 1e-3)
    return np.asarray(np.maximum(shading, floor))


def _finish(
    atlas: Unwrap,
    albedo: Float32[np.ndarray, "C 3"],
    shading: Float32[np.ndarray, "C 3"],
    share: Float32[np.ndarray, " C"],
) -> BakedTexture:
    """Shade, encode, extend the charts into their gutters, and measure the seam."""
    size, count = atlas.size, len(atlas.texels)
    rgb = np.empty((size * size, 3), np.uint8)
    weight = np.full(size * size, -1, np.float32)
    weight[atlas.texels] = share

    def encode(first: int, last: int) -> None:
        encode_kernel(first, last, atlas.texels, albedo, shading, rgb)

    rgb[:] = _LEFTOVER
    _in_threads(encode, count)
    seam = seam_kernel(rgb.reshape(size, size, 3), weight.reshape(size, size))
    spread_gutter_kernel(atlas.gutter, atlas.gutter_source, rgb)
    return BakedTexture(rgb.reshape(size, size, 3), np.maximum(weight, 0).reshape(size, size), float(seam))


_LEFTOVER = (128, 112, 104)
"""Color, sRGB, of texels far from every chart."""


def _in_threads(work: Callable[[int, int], None], count: int) -> None:
    """Run `work(first, last)` over a range in slices; the result does not depend on their number."""
    threads = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    if threads == 1 or count < 50_000:
        work(0, count)
        return
    cuts = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()))
