"""Bake a photo into a head's texture and complete what the photo does not show.

Letters: V vertices, H W photo pixels, S side of the texture, A albedo modes.

Everything is composed as albedo, the photo divided by the fitted shading, and shaded again at the
end, so that one composition gives both variants and the photo's own colors come back exactly:

1. the photo, weighted by how squarely the surface faces the camera, how far the texel is from the
   outline and from what hides it, from the rims of eyes and mouth, and the skin mask;
2. else the mirror image's photo color, where the other side is seen;
3. else the head's own albedo.

2 and 3 are multiplied by a smooth gain, known where both they and the photo are seen and spread
over the surface (not over the atlas) by `mesh_diffusion`, so colors agree where they meet, on one
chart or across two. Inside of the mouth, teeth, tongue and eye sockets are always 3 without gain.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, UInt8
from scipy.ndimage import distance_transform_edt, find_objects, label

from headform.errors import UsageError
from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.fit._photo_patch import PhotoPatch, cut_patch
from headform.fit._texture_kernels import (
    compose_kernel,
    encode_kernel,
    observe_kernel,
    seam_kernel,
    spread_gutter_kernel,
)
from headform.fit.openings import Openings
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import PARTS, LinearHead
from headform.mesh.normals import vertex_normals
from headform.render.unwrap import Unwrap, unwrap_head
from headform.render.visibility import outline_distance

Lighting = Literal["kept", "removed"]

PHOTO_PARTS = ("face", "head", "eye_right", "eye_left")
"""Parts that take colors from the photo."""

_EYES = [PARTS.index("eye_right"), PARTS.index("eye_left")]

OUTLINE_METERS = (0.004, 0.012)
"""Distance to the background at which the photo begins to count, and counts in full."""
OCCLUDER_METERS = (0.0015, 0.005)
"""The same for the distance to what hides the surface."""
FACING = (0.25, 0.6)
"""The same for the cosine between normal and view."""
MIRROR_STOPS = (0.5, 1.1)
"""Difference in log shading to the mirror image up to which its colors are trusted, and not at all:
what lies in shadow says little about what the sun lights."""
OCCLUSION = {"teeth": 0.6, "tongue": 0.45, "mouth": 0.3, "socket_right": 0.4, "socket_left": 0.4}
"""Share of the light that reaches the inner parts when lighting is kept."""
STEP_METERS = 0.006
"""A step in depth larger than this is an outline."""


@dataclass(frozen=True, eq=False)
class BakedTexture:
    """A texture of the head.

    Attributes:
        rgb: (S, S, 3) sRGB; row 0 is v = 1; charts are continued by 8 texels beyond their border.
        photo_weight: (S, S) float32 in [0, 1]: the photo's share of each texel.
        seam_gradient: Mean color step between neighboring texels on the two sides of the border
            where that share is one half, divided by the mean step 4 to 8 texels away from it: about
            1 without a visible seam; 1 where there is no border.
    """

    rgb: UInt8[np.ndarray, "S S 3"]
    photo_weight: Float32[np.ndarray, "S S"]
    seam_gradient: float


def bake_texture(
    head: LinearHead,
    vertices: Float[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    rgb: UInt8[np.ndarray, "H W 3"],
    light: Float[np.ndarray, "9 3"],
    albedo_code: Float[np.ndarray, " A"],
    skin_mask: Float[np.ndarray, "H W"] | None = None,
    size: int = 1024,
    lighting: Lighting = "kept",
    openings: Openings | None = None,
) -> BakedTexture:
    """Bake one variant; `bake_textures` gives both for little more.

    Args:
        head: The head whose atlas is filled.
        vertices: (V, 3) meters, head frame, as seen in the photo.
        camera: Of the photo.
        rgb: (H, W, 3) sRGB.
        light: (9, 3) from `fit_light_and_albedo`.
        albedo_code: (A,) from `fit_light_and_albedo`.
        skin_mask: (H, W) in [0, 1], 1 where the photo shows the head's skin or eyes.
        size: S; 64 to 8192 texels.
        lighting: "kept": the photo's colors; "removed": divided by the fitted shading.
        openings: Where the photo shows eyes and the inside of the mouth; None where the fitted head says enough.

    Raises:
        UsageError: `texture_size` for a size out of range.
    """
    kept, removed = bake_textures(head, vertices, camera, rgb, light, albedo_code, skin_mask, size, openings)
    return kept if lighting == "kept" else removed


def bake_textures(
    head: LinearHead,
    vertices: Float[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    rgb: UInt8[np.ndarray, "H W 3"],
    light: Float[np.ndarray, "9 3"],
    albedo_code: Float[np.ndarray, " A"],
    skin_mask: Float[np.ndarray, "H W"] | None = None,
    size: int = 1024,
    openings: Openings | None = None,
) -> tuple[BakedTexture, BakedTexture]:
    """Both variants, lighting kept and removed; the arguments are those of `bake_texture`."""
    if not 64 <= size <= 8192:
        raise UsageError("texture_size", f"a texture has 64 to 8192 texels a side, not {size}")
    atlas = unwrap_head(head, size)
    faces = np.ascontiguousarray(head.faces.numpy(), np.int32)
    patch = cut_patch(vertices, faces, camera, rgb, skin_mask, resolution=int(0.9 * size))
    layer = np.isin(head.part.numpy(), _EYES)
    layers = layer[faces[:, 0]]
    nearness = _nearness(patch, layers, openings)
    field = _surface(head, vertices, camera, light, albedo_code, patch, nearness)
    count = len(atlas.texels)
    albedo = np.empty((count, 3), np.float32)
    shading = np.empty((count, 3), np.float32)
    share = np.empty(count, np.float32)
    trusted = np.empty((count, 3), np.float32)
    points = patch.buffer_points()

    def compose(first: int, last: int) -> None:
        compose_kernel(
            first, last, atlas.face, atlas.barycentric, layers, faces, field, points,
            patch.fragments.face_index, patch.linear, patch.mask, nearness,
            np.float32(patch.buffer_scale), albedo, trusted, shading, share,
        )  # fmt: skip

    _in_threads(compose, count)
    return (
        _finish(atlas, albedo, shading, share),
        _finish(atlas, trusted, np.ones_like(shading), share),
    )


def _nearness(
    patch: PhotoPatch, eye_faces: Bool[np.ndarray, " F"], openings: Openings | None
) -> Float32[np.ndarray, "h w"]:
    """The photo's trust in each pixel of the depth buffer: 0 at outlines, 1 well inside.

    Pixels of an eyeball beside anything else are not trusted either: a lid's color must not get
    under the lid, nor an iris on it.
    """
    unit = patch.px_per_meter * patch.buffer_scale
    far = max(OUTLINE_METERS[1] * unit, 4.0 * patch.buffer_scale)
    empty, hidden = outline_distance(patch.fragments.depth, step=STEP_METERS, reach=far + 1)
    least = 1.5 * patch.buffer_scale  # a pixel at the outline is mixed with what lies beyond
    trust = _smoothstep(empty, max(OUTLINE_METERS[0] * unit, least), far) * _smoothstep(
        hidden,
        max(OCCLUDER_METERS[0] * unit, least),
        max(OCCLUDER_METERS[1] * unit, 2 * least),
    )
    eye = eye_faces[patch.fragments.face_index] & (patch.fragments.face_index >= 0)
    for box in find_objects(label(eye)[0]) if eye.any() else []:
        within = distance_transform_edt(np.pad(eye[box], 1))[1:-1, 1:-1]
        trust[box] *= np.where(eye[box], _smoothstep(within, 0.7 * least, 1.7 * least), 1)
    trust = np.asarray(trust, np.float32)
    if openings is not None:
        openings.limit(trust, eye, patch)
    return trust


def _surface(
    head: LinearHead,
    vertices: Float[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    light: Float[np.ndarray, "9 3"],
    albedo_code: Float[np.ndarray, " A"],
    patch: PhotoPatch,
    nearness: Float32[np.ndarray, "h w"],
) -> Float32[np.ndarray, "V 17"]:
    """All that `compose_kernel` interpolates, per vertex; see `texture_kernels.COLUMNS`."""
    faces, mirror = head.faces.numpy(), head.mirror.numpy()
    normals = vertex_normals(vertices, faces) @ camera.R.T
    in_camera = camera.to_camera(vertices)
    distance = np.linalg.norm(in_camera, axis=1)
    cosine = -(normals * in_camera).sum(axis=1) / np.maximum(distance, 1e-9)
    parts = np.isin(head.part.numpy(), [PARTS.index(name) for name in PHOTO_PARTS])
    facing = _smoothstep(cosine, *FACING) * parts * np.isfinite(patch.projected).all(axis=1)
    projected = np.where(np.isfinite(patch.projected), patch.projected, -1e6)
    shading = _positive(sh_basis(normals) @ light)
    code = torch.from_numpy(np.asarray(albedo_code, np.float32))
    albedo = np.clip(head.albedo_of(code).numpy(), 0.002, 1.0).astype(np.float64)
    eyes = np.isin(head.part.numpy(), _EYES)
    color = np.zeros((len(vertices), 3), np.float32)
    weight = np.zeros(len(vertices), np.float32)
    observe_kernel(
        projected, eyes, facing.astype(np.float32), eyes[faces[:, 0]],
        np.ascontiguousarray(faces, np.int32),
        patch.buffer_points(), patch.fragments.face_index, patch.linear, patch.mask,
        nearness, np.float32(patch.buffer_scale), color, weight,
    )  # fmt: skip
    level = np.log(shading.mean(axis=1))
    alike = 1 - _smoothstep(np.abs(level - level[mirror]), *MIRROR_STOPS)
    fill, mirror_gain = _gains(head, albedo, color / shading, weight, alike, parts)
    inner = np.ones(len(vertices))
    for name, share in OCCLUSION.items():
        inner[head.part.numpy() == PARTS.index(name)] = share
    return np.ascontiguousarray(
        np.column_stack([
            projected, facing, projected[mirror], facing[mirror] * alike,
            shading * inner[:, None], np.exp(mirror_gain) / shading[mirror], fill,
        ]),
        np.float32,
    )  # fmt: skip


def _gains(
    head: LinearHead,
    albedo: Float64[np.ndarray, "V 3"],
    seen: Float64[np.ndarray, "V 3"],
    weight: Float32[np.ndarray, " V"],
    alike: Float64[np.ndarray, " V"],
    parts: Bool[np.ndarray, " V"],
) -> tuple[Float32[np.ndarray, "V 3"], Float32[np.ndarray, "V 3"]]:
    """Albedo to fill with where the photo is silent, and the logarithmic gain of the mirror image."""
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
    # What the mirror image says counts less than what is seen.
    trust = weight + 0.5 * (1 - weight) * other
    ratio = (
        weight[:, None] * np.log(seen / albedo) + (trust - weight)[:, None] * (np.log(seen[mirror] / albedo) + gain)
    ) / np.maximum(trust, 1e-6)[:, None]
    ratio = np.clip(ratio, -1.5, 1.5)
    rest = zero
    sure = (trust > 0.5) & skin
    if sure.any():
        rest = np.where(skin[:, None], np.median(ratio[sure], axis=0), 0.0)
    # An eye is too small and too patterned for a field of its own: the white's gain for both.
    eyes = np.isin(head.part.numpy(), _EYES)
    white = eyes & (weight > 0.5) & (albedo.min(axis=1) > 0.4)
    if white.any():
        rest = np.where(eyes[:, None], np.median(ratio[white], axis=0), rest)
    field = diffuse(
        graph,
        ratio,
        np.where(eyes, 0.0, trust),
        smoothness=3.0,
        pull=np.where(skin, 2e-3, 100.0),
        rest=rest,
    )
    return np.clip(albedo * np.exp(field), 0.0, 1.0).astype(np.float32), gain


def _positive(shading: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Shading kept away from zero and below, where the harmonics undershoot."""
    floor = np.maximum(0.12 * np.mean(np.abs(shading), axis=0), 1e-3)
    return np.asarray(np.maximum(shading, floor))


def _smoothstep(value: Float[np.ndarray, "*shape"], low: float, high: float) -> Float[np.ndarray, "*shape"]:
    """0 below `low`, 1 above `high`, 3x² - 2x³ between."""
    x = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def _finish(
    atlas: Unwrap,
    albedo: Float32[np.ndarray, "C 3"],
    shading: Float32[np.ndarray, "C 3"],
    share: Float32[np.ndarray, " C"],
) -> BakedTexture:
    """Shade, encode, continue the charts into their gutters, and measure the seam."""
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
"""Color of texels far from every chart."""


def _in_threads(work: Callable[[int, int], None], count: int) -> None:
    """Run `work(first, last)` over a range in slices; the result does not depend on how many."""
    threads = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    if threads == 1 or count < 50_000:
        work(0, count)
        return
    cuts = np.linspace(0, count, threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()))
