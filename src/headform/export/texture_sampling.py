"""Colours read from a texture atlas.

V vertices, F triangles, T texture coordinates, S side of the square texture.
"""

import numpy as np
from jaxtyping import Float, Float64, Int, UInt8


def sample_texture(
    texture: UInt8[np.ndarray, "S S 3"], uv: Float[np.ndarray, "*N 2"]
) -> Float[np.ndarray, "*N 3"]:
    """Bilinear colours of a texture, clamped at its border.

    Args:
        texture: sRGB, first row on top.
        uv: In [0, 1], origin at the bottom left (OBJ); texel centres lie at half-integers.

    Returns:
        sRGB in [0, 255], of the precision of `uv`; interpolated as stored.
    """
    side = texture.shape[0]
    x = np.clip(uv[..., 0] * side - 0.5, 0, side - 1)
    y = np.clip((1 - uv[..., 1]) * side - 0.5, 0, side - 1)
    left, top = np.floor(x), np.floor(y)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    x0, y0 = left.astype(np.int64), top.astype(np.int64)
    x1, y1 = np.minimum(x0 + 1, side - 1), np.minimum(y0 + 1, side - 1)
    texels = texture.reshape(-1, 3)
    upper = texels[y0 * side + x0] * (1 - fx) + texels[y0 * side + x1] * fx
    lower = texels[y1 * side + x0] * (1 - fx) + texels[y1 * side + x1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy)


def vertex_colours(
    texture: UInt8[np.ndarray, "S S 3"],
    uv: Float[np.ndarray, "T 2"],
    faces: Int[np.ndarray, "F 3"],
    uv_faces: Int[np.ndarray, "F 3"],
    vertex_count: int,
) -> Float64[np.ndarray, "V 3"]:
    """One colour per vertex: the mean over its texture coordinates; mid-grey where it has none.

    Returns:
        sRGB in [0, 1].
    """
    pairs = np.unique(np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1), axis=0)
    colours = sample_texture(texture, uv[pairs[:, 1]]) / 255.0
    total = np.zeros((vertex_count, 3))
    count = np.bincount(pairs[:, 0], minlength=vertex_count)[:, None]
    np.add.at(total, pairs[:, 0], colours)
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)
