"""Sampling of textures.

V vertices, F triangles, T texture coordinates, H W texels, S side of a square texture, N samples.
"""

import numpy as np
from jaxtyping import Float, Float64, Int, UInt8

from headform.geometry.array_checks import require_array
from headform.images.sampling import bilinear_rows

_LARGEST_SIDE = 2048
"""Side to which textures of scans are reduced, texels; more than pictures drawn of them can show."""


def sample_texture(
    texture: UInt8[np.ndarray, "H W 3"],
    uv: Float[np.ndarray, "*N 2"],
    *,
    repeat: bool = False,
    table: Float64[np.ndarray, "256"] | None = None,
) -> Float64[np.ndarray, "*N 3"]:
    """Sample a texture bilinearly, clamped at its border.

    Args:
        texture: (H, W, 3) sRGB, row 0 at v = 1.
        uv: (*N, 2) texture coordinates, origin at the bottom left (OBJ); texel centers lie at half-integers.
        repeat: True to repeat the texture outside of [0, 1].
        table: Lookup table, see `images.sampling.bilinear_rows`.

    Returns:
        (*N, 3) float64, sRGB in [0, 255] without a table.

    Raises:
        InputError: `mesh_not_finite` for `uv`, and for other arrays those of `geometry.array_checks`.
    """
    require_array("texture", texture, ("H", "W", 3), "int")
    uv = require_array("uv", uv, ("*N", 2), finite=True)
    height, width = texture.shape[:2]
    u, v = uv[..., 0].ravel(), 1.0 - uv[..., 1].ravel()
    if repeat:
        u, v = np.mod(u, 1.0), np.mod(v, 1.0)
    colors = bilinear_rows(texture, np.stack([u * width, v * height], axis=1), table)
    return colors.reshape(*uv.shape[:-1], 3)


def reduced_texture(texture: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Average a texture over blocks of texels if it is larger than 2048 texels a side."""
    factor = -(-max(texture.shape[:2]) // _LARGEST_SIDE)
    if factor == 1:
        return texture
    height, width = (length // factor * factor for length in texture.shape[:2])
    blocks = texture[:height, :width].reshape(height // factor, factor, width // factor, factor, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def vertex_colors(
    texture: UInt8[np.ndarray, "S S 3"],
    uv: Float[np.ndarray, "T 2"],
    faces: Int[np.ndarray, "F 3"],
    uv_faces: Int[np.ndarray, "F 3"],
    vertex_count: int,
) -> Float64[np.ndarray, "V 3"]:
    """Compute one color per vertex: the mean over its texture coordinates; mid-gray without any.

    Returns:
        (V, 3) sRGB in [0, 1].
    """
    pairs = np.unique(np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1), axis=0)
    colors = sample_texture(texture, uv[pairs[:, 1]]) / 255.0
    total = np.zeros((vertex_count, 3))
    count = np.bincount(pairs[:, 0], minlength=vertex_count)[:, None]
    np.add.at(total, pairs[:, 0], colors)
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)
