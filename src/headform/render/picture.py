"""A head as a picture: camera, colors, light in; 8-bit sRGB out.

Letters: V vertices, H W pixels, S side of a texture.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8

from headform.geometry.camera import PerspectiveCamera
from headform.heads.linear import LinearHead
from headform.images.transfer import LINEAR_FROM_SRGB8, srgb_from_linear
from headform.render.interpolate import interpolate
from headform.render.normals import vertex_normals_array
from headform.render.rasterize import rasterize
from headform.render.shade import shade


def render(
    head: LinearHead,
    vertices: Float[np.ndarray, "V 3"],
    camera: PerspectiveCamera,
    size: tuple[int, int],
    *,
    texture: UInt8[np.ndarray, "S S 3"] | None = None,
    albedo: Float[np.ndarray, "V 3"] | None = None,
    light: Float[np.ndarray, "9 3"] | None = None,
    background: tuple[int, int, int] | UInt8[np.ndarray, "H W 3"] = (255, 255, 255),
    supersample: int = 2,
) -> UInt8[np.ndarray, "H W 3"]:
    """Picture a head, averaging `supersample` squared samples a pixel in linear light.

    Args:
        head: For faces and texture coordinates.
        vertices: (V, 3) meters, head frame.
        camera: Its pixels are those of the picture.
        size: (width, height).
        texture: (S, S, 3) sRGB over the head's atlas, bilinear; goes before `albedo`.
        albedo: (V, 3) linear RGB; the head's mean albedo if neither is given.
        light: (9, 3) shading over normals of the camera frame; colors unshaded if absent.
        background: sRGB color, or a picture of the same size to draw over.
        supersample: 1 to 4 samples along either axis.
    """
    width, height = size
    finer = camera.resized(float(supersample))
    faces = head.faces.numpy()
    found = rasterize(finer.project(vertices), faces, height * supersample, width * supersample)
    index, weights = torch.from_numpy(found.face_index), torch.from_numpy(found.barycentric)
    if texture is not None:
        uv = interpolate(head.uv, head.uv_faces, index, weights)
        color = torch.from_numpy(sample_texture(texture, uv.numpy()))
    else:
        rows = head.mean_albedo if albedo is None else torch.from_numpy(albedo)
        color = interpolate(rows.float(), head.faces, index, weights)
    if light is not None:
        at = normals_at(vertices, head.faces, camera, index, weights)
        color = shade(color, at, torch.from_numpy(np.asarray(light, np.float32)))
    ground = np.broadcast_to(np.asarray(background, np.uint8), (height, width, 3))
    srgb, _ = composite(color, found.face_index >= 0, ground, supersample)
    return np.asarray(srgb * 255 + 0.5, np.uint8)


def normals_at(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[torch.Tensor, "F 3"],
    camera: PerspectiveCamera,
    index: Int[torch.Tensor, "h w"],
    weights: Float[torch.Tensor, "h w 3"],
) -> Float[torch.Tensor, "h w 3"]:
    """Unit normals of the camera frame at every sample, interpolated from the vertices'; float32.

    Args:
        vertices: (V, 3) meters, head frame.
        faces: (F, 3) triangles.
        camera: Any; only its rotation counts.
        index: (h, w) triangle of each sample, -1 where there is none.
        weights: (h, w, 3) barycentric.
    """
    rows = vertex_normals_array(vertices, faces.numpy()) @ camera.R.T
    at = interpolate(torch.from_numpy(rows).float(), faces, index, weights)
    return at / torch.linalg.vector_norm(at, dim=-1, keepdim=True).clamp(min=1e-9)


def composite(
    color: Float[torch.Tensor, "h w 3"],
    seen: Bool[np.ndarray, "h w"],
    ground: UInt8[np.ndarray, "H W 3"],
    supersample: int,
) -> tuple[Float[np.ndarray, "H W 3"], Float[np.ndarray, "H W 1"]]:
    """Samples averaged to pixels over a ground, in linear light.

    Args:
        color: (h, w, 3) linear RGB of the samples, h = supersample H and w = supersample W.
        seen: (h, w) samples that show something.
        ground: (H, W, 3) sRGB behind it.
        supersample: Samples a pixel along either axis.

    Returns:
        sRGB in [0, 1], and the covered share of each pixel.
    """
    height, width = ground.shape[:2]
    blocks = (height, supersample, width, supersample)
    cover = seen.reshape(blocks).mean(axis=(1, 3))[..., None]
    drawn = np.where(seen[..., None], color.numpy(), 0).reshape(*blocks, 3).mean(axis=(1, 3))
    linear = drawn + (1 - cover) * LINEAR_FROM_SRGB8[ground]
    return srgb_from_linear(torch.from_numpy(linear)).numpy(), cover


def sample_texture(texture: UInt8[np.ndarray, "S S 3"], uv: Float[np.ndarray, "*B 2"]) -> Float[np.ndarray, "*B 3"]:
    """Linear RGB of a texture at coordinates, bilinear, clamped at its border; float32.

    Args:
        texture: (S, S, 3) sRGB, row 0 at v = 1.
        uv: (*B, 2) coordinates in [0, 1], origin at the bottom left.
    """
    side = len(texture)
    x = np.clip(uv[..., 0] * side - 0.5, 0, side - 1)
    y = np.clip((1 - uv[..., 1]) * side - 0.5, 0, side - 1)
    c0, r0 = x.astype(np.int64), y.astype(np.int64)
    c1, r1 = np.minimum(c0 + 1, side - 1), np.minimum(r0 + 1, side - 1)
    u, v = (x - c0)[..., None], (y - r0)[..., None]
    table = LINEAR_FROM_SRGB8.astype(np.float32)
    above = table[texture[r0, c0]] * (1 - u) + table[texture[r0, c1]] * u
    below = table[texture[r1, c0]] * (1 - u) + table[texture[r1, c1]] * u
    return np.asarray(above * (1 - v) + below * v, np.float32)
