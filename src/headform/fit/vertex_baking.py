"""Bake a photo into colors of a head's vertices, for heads without texture coordinates.

V vertices.

As `fit.texture`: the photo where a vertex is seen, else the albedo times a smooth gain, known where it overlaps the photo or
its mirror image and diffused over the surface, in the light of the photo.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32

from headform.fit.exposure import LightGauges
from headform.fit.filled_vertices import fill_vertices
from headform.fit.fitted_photo import FittedPhoto
from headform.fit.openings import Openings
from headform.fit.photo_patch import cut_patch
from headform.fit.vertex_colors import PHOTO_RESOLUTION, PhotoSurface
from headform.geometry.array_checks import require_array
from headform.images.transfer import srgb_from_linear


def bake_vertex_colors(
    photo: FittedPhoto,
    light: Float[np.ndarray, "9 3"],
    albedo: Float[np.ndarray, "V 3"],
    openings: Openings | None = None,
    gauges: LightGauges | None = None,
    *,
    refined: bool = False,
    resolution: int = PHOTO_RESOLUTION,
) -> Float32[np.ndarray, "V 3"]:
    """Bake a photo into vertex colors.

    Args:
        photo: Photo and fitted head, with parts and a mirror map.
        light: (9, 3) light from `fit_light_and_albedo`.
        albedo: (V, 3) linear RGB where the photo does not show the head.
        openings: Rims of eyes and mouth in the photo; None to rely on the fitted head alone.
        gauges: Colors of teeth and eyes in the photo.
        refined: The albedo is of a texture network that has seen the photo; see `filled_vertices`.
        resolution: Extent of the head, pixels along its longer axis, to which a larger photo is downsampled.

    Returns:
        (V, 3) sRGB in [0, 1], with the light of the photo.

    Raises:
        InputError: `array_shape` and others of `geometry.array_checks`.
    """
    head = photo.head
    light = require_array("light", light, (9, 3), finite=True)
    albedo = require_array("albedo", albedo, (len(head.mean), 3), finite=True)
    surface = PhotoSurface.of(photo, openings, cut_patch(photo, resolution=resolution))
    filled = fill_vertices(head, surface, light, albedo, gauges, refined=refined)
    weight = filled.seen.weight[:, None]
    linear = weight * filled.seen.color + (1 - weight) * filled.fill * filled.shading * filled.inner[:, None]
    srgb = srgb_from_linear(torch.from_numpy(np.clip(linear, 0.0, 1.0)))
    return np.asarray(srgb.numpy(), np.float32)
