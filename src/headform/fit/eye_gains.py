"""Gains of the eyes where the photo shows too little of them to be copied: one for the white, one for the iris.

V vertices.

In a small photo an eye is a few pixels high, and those at its rim show lids and lashes too: none is trusted as the color of
one texel. Their mean still tells how dark the eye looks. Without it the model's bright white stares from a small face, and
from between closed lids.
"""

import numpy as np
from jaxtyping import Bool, Float, Float64

from headform.fit._photo_patch import sample_points_kernel
from headform.fit.vertex_colors import EYES, PhotoSurface, VertexColors
from headform.heads.linear import LinearHead

WHITE_ALBEDO = 0.25
"""Least channel of the model's albedo from which a vertex of an eyeball is of its white, else of the iris; 0.01 to 0.15 are
iris and pupil, 0.35 to 0.56 the white."""
SURE = 0.5
"""Weight of the photo from which its color counts as that of a vertex."""
FACING = 0.1
"""Weight by the angle of view from which a vertex that lies behind the rim of an eye counts as looked at."""
UNMASKED = 0.5
"""Skin mask from which the photo shows the eye there, not glasses before it."""
LIMITS = (-2.0, 1.0)
"""Least and greatest logarithm of a gain."""


def eye_gains(
    head: LinearHead,
    surface: PhotoSurface,
    seen: VertexColors,
    albedo: Float64[np.ndarray, "V 3"],
    shading: Float64[np.ndarray, "V 3"],
) -> Float64[np.ndarray, "V 3"]:
    """Return the logarithm of the gain of each vertex of the eyes; 0 elsewhere, and on eyes that are not seen.

    Both eyes share the gains. White and iris each take the median of the vertices whose color is known, else the ratio of
    the mean color of the photo where the head shows them to the mean that the model has there. The iris never gains more
    than the white: white and lids are mixed into its few dark pixels.

    Args:
        head: Head model.
        surface: Photo with the head's surface in it.
        seen: Colors of the photo at the vertices.
        albedo: Linear RGB of the model.
        shading: Linear RGB.
    """
    eyes = np.isin(head.part.numpy(), EYES)
    gains = np.zeros_like(albedo)
    looked_at = _looked_at(surface, eyes)
    color = np.zeros((len(eyes), 3), np.float32)
    sample_points_kernel(surface.patch.linear, surface.projected, color)
    white = albedo.min(axis=1) > WHITE_ALBEDO
    most, gain = np.full(3, LIMITS[1]), np.zeros(3)
    for part in (eyes & white, eyes & ~white):
        sure, shown = part & (seen.weight > SURE), part & looked_at
        if sure.any():
            gain = np.median(np.log(_positive(seen.color[sure] / shading[sure]) / _positive(albedo[sure])), axis=0)
        elif shown.any():
            gain = np.log(_positive(color[shown].mean(axis=0)) / _positive((albedo * shading)[shown].mean(axis=0)))
        gains[part] = most = gain = np.clip(gain, LIMITS[0], most)
    return gains


def _looked_at(surface: PhotoSurface, eyes: Bool[np.ndarray, " V"]) -> Bool[np.ndarray, " V"]:
    """Mask the vertices of the eyeballs at which the head in the photo shows an eyeball, and nothing is before it."""
    patch = surface.patch
    found = np.zeros(len(eyes), bool)
    height, width = patch.mask.shape
    x, y = surface.projected[:, 0], surface.projected[:, 1]
    inside = eyes & (surface.facing > FACING) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    columns, rows = x[inside], y[inside]
    scale = patch.buffer_scale
    shown = patch.fragments.face_index[(rows * scale).astype(int), (columns * scale).astype(int)]
    free = patch.mask[rows.astype(int), columns.astype(int)] > UNMASKED
    found[inside] = (shown >= 0) & surface.eye_faces[shown] & free
    return found


def _positive(color: Float[np.ndarray, "*S 3"]) -> Float[np.ndarray, "*S 3"]:
    return np.asarray(np.clip(color, 0.002, 2.0), np.float64)
