"""Colors read from a texture atlas.

V vertices, F triangles, T texture coordinates, S side of the square texture.
"""

import typing

import numpy as np
from jaxtyping import Float, Float64, Int, UInt8
from numba import njit


@njit(cache=True, nogil=True)
@typing.no_type_check
def sample_faces_kernel(texture, uv, uv_faces, face_index, barycentric, colors):
    """`sample_texture` at every point of a rasterized picture; no argument is checked.

    Args:
        texture: (S, S, 3) uint8.
        uv: (T, 2) float32.
        uv_faces: (F, 3) integers.
        face_index: (N,) face of each point.
        barycentric: (N, 3) float32, its place on the face.
        colors: (N, 3) float32, written: sRGB in [0, 255].
    """
    side = texture.shape[0]
    for n in range(face_index.shape[0]):
        u = np.float32(0.0)
        v = np.float32(0.0)
        for k in range(3):
            corner = uv_faces[face_index[n], k]
            u += barycentric[n, k] * uv[corner, 0]
            v += barycentric[n, k] * uv[corner, 1]
        x = min(max(u * side - 0.5, 0.0), side - 1.0)
        y = min(max((1.0 - v) * side - 0.5, 0.0), side - 1.0)
        x0 = int(x)
        y0 = int(y)
        x1 = min(x0 + 1, side - 1)
        y1 = min(y0 + 1, side - 1)
        fx = x - x0
        fy = y - y0
        for c in range(3):
            upper = texture[y0, x0, c] * (1.0 - fx) + texture[y0, x1, c] * fx
            lower = texture[y1, x0, c] * (1.0 - fx) + texture[y1, x1, c] * fx
            colors[n, c] = upper * (1.0 - fy) + lower * fy


def sample_texture(texture: UInt8[np.ndarray, "S S 3"], uv: Float[np.ndarray, "*N 2"]) -> Float[np.ndarray, "*N 3"]:
    """Bilinear colors of a texture, clamped at its border.

    Args:
        texture: sRGB, first row on top.
        uv: In [0, 1], origin at the bottom left (OBJ); texel centers lie at half-integers.

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


def vertex_colors(
    texture: UInt8[np.ndarray, "S S 3"],
    uv: Float[np.ndarray, "T 2"],
    faces: Int[np.ndarray, "F 3"],
    uv_faces: Int[np.ndarray, "F 3"],
    vertex_count: int,
) -> Float64[np.ndarray, "V 3"]:
    """One color per vertex: the mean over its texture coordinates; mid-gray where it has none.

    Returns:
        sRGB in [0, 1].
    """
    pairs = np.unique(np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1), axis=0)
    colors = sample_texture(texture, uv[pairs[:, 1]]) / 255.0
    total = np.zeros((vertex_count, 3))
    count = np.bincount(pairs[:, 0], minlength=vertex_count)[:, None]
    np.add.at(total, pairs[:, 0], colors)
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)
