"""Bake a photo into colors of a head's vertices, for heads without texture coordinates.

V vertices.

As `fit.texture`: the photo where a vertex is seen, else the albedo times a smooth gain, known where it overlaps the photo or
its mirror image and diffused over the surface, in the light of the photo.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform.fit.eye_gains import eye_gains
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.texture import MIRROR_STOPS, OCCLUSION, fill_and_mirror_gain, positive_shading
from headform.fit.vertex_colors import PHOTO_PARTS, PhotoSurface, smoothstep
from headform.geometry.array_checks import require_array
from headform.geometry.spherical_harmonics import sh_basis
from headform.heads.linear import PARTS
from headform.images.transfer import srgb_from_linear


def bake_vertex_colors(
    photo: FittedPhoto,
    light: Float[np.ndarray, "9 3"],
    albedo: Float[np.ndarray, "V 3"],
    openings: Openings | None = None,
    *,
    resolution: int = 920,
) -> Float32[np.ndarray, "V 3"]:
    """Bake a photo into vertex colors.

    Args:
        photo: Photo and fitted head, with parts and a mirror map.
        light: (9, 3) light from `fit_light_and_albedo`.
        albedo: (V, 3) linear RGB where the photo does not show the head.
        openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.
        resolution: Extent of the head, pixels along its longer axis, to which a larger photo is downsampled.

    Returns:
        (V, 3) sRGB in [0, 1], with the light of the photo.

    Raises:
        InputError: `array_shape` and others of `geometry.array_checks`.
    """
    head = photo.head
    light = require_array("light", light, (9, 3), finite=True)
    albedo = require_array("albedo", albedo, (len(head.mean), 3), finite=True)
    surface = PhotoSurface.of(photo, openings, resolution=resolution)
    part, mirror = head.part.numpy(), head.mirror.numpy()
    parts = np.isin(part, [PARTS.index(name) for name in PHOTO_PARTS])
    shading = positive_shading(sh_basis(surface.normals) @ light)
    albedo = np.clip(albedo, 0.002, 1.0).astype(np.float64)
    seen = surface.colors()
    level = np.log(shading.mean(axis=1))
    alike = 1 - smoothstep(np.abs(level - level[mirror]), *MIRROR_STOPS)
    eyes = eye_gains(head, surface, seen, albedo, shading)
    fill, _ = fill_and_mirror_gain(head, albedo, seen.color / shading, seen.weight, alike, parts, eyes)
    inner = np.ones(len(part))
    for name, share in OCCLUSION.items():
        inner[part == PARTS.index(name)] = share
    weight = seen.weight[:, None]
    linear = weight * seen.color + (1 - weight) * fill * shading * inner[:, None]
    srgb = srgb_from_linear(torch.from_numpy(np.clip(linear, 0.0, 1.0)))
    return np.asarray(srgb.numpy(), np.float32)
