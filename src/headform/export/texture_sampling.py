"""Colours read from a texture atlas.

V vertices, F triangles, T texture coordinates, S side of the square texture.
"""

import numpy as np
from jaxtyping import Float, Int, UInt8


def sample_texture(
    texture: UInt8[np.ndarray, "S S 3"], uv: Float[np.ndarray, "*N 2"]
) -> Float[np.ndarray, "*N 3"]:
    """Bilinear colours of a texture, clamped at its border.

    Args:
        texture: sRGB, first row on top.
        uv: In [0, 1], origin at the bottom left (OBJ); texel centres lie at half-integers.

    Returns:
        sRGB in [0, 255]; interpolated as stored.
    """
    height, width = texture.shape[:2]
    x = np.clip(uv[..., 0] * width - 0.5, 0, width - 1)
    y = np.clip((1.0 - uv[..., 1]) * height - 0.5, 0, height - 1)
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = texture[y0, x0] * (1 - fx) + texture[y0, x1] * fx
    bottom = texture[y1, x0] * (1 - fx) + texture[y1, x1] * fx
    return np.asarray(top * (1 - fy) + bottom * fy)


def vertex_colours(
    texture: UInt8[np.ndarray, "S S 3"],
    uv: Float[np.ndarray, "T 2"],
    faces: Int[np.ndarray, "F 3"],
    uv_faces: Int[np.ndarray, "F 3"],
    vertex_count: int,
) -> Float[np.ndarray, "V 3"]:
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
