"""Textures and renderings of a result under the names that papers on texture give them.

    texture_coarse.png    T: the model's own albedo of the fitted code, in the atlas
    texture_refined.png   T': what a texture network makes of it
    texture_lit.png       T~': the finest texture in the light of the photo: the photo's own where it was baked, else T' lit
    render.png            R': the head in it, drawn by the camera of the photo, on even gray
    render_on_photo.png   R' on the photo

V vertices, S side of a texture, C covered texels, H W of the photo.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.export import result_folder
from headform.fit.surface_light import surface_shading
from headform.heads.linear import LinearHead
from headform.heads.opaque import opaque_triangles
from headform.images.transfer import srgb_from_linear
from headform.io import image_bytes
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.normals import vertex_normals
from headform.pipeline.reconstruction import Reconstruction
from headform.render.drawing import Look
from headform.render.unwrapping import unwrap_head
from headform.viz.drawn_over import drawn_over
from headform.viz.portrait import BACKGROUND

SIZE = 1024
"""Side of the textures of a result that was made without one, texels."""


def encode_renderings(result: Reconstruction, photo: UInt8[np.ndarray, "H W 3"]) -> dict[str, bytes]:
    """Encode the pictures of the module docstring, by name.

    A head without texture coordinates of its own has renderings only; one without colors of its own no coarse texture.

    Args:
        result: Reconstruction.
        photo: Upright photo, sRGB.

    Raises:
        ValueError: the photo's size is not `result.image_size`.
    """
    if photo.shape[1::-1] != tuple(result.image_size):
        raise ValueError(f"the photo is {photo.shape[1::-1]} pixels, expected {result.image_size}")
    head, files = result.head, {}
    lit = lit_texture(result)
    mapped = head.has_field("uv") and result.colors is None
    if mapped and len(result.albedo_code):
        files[result_folder.COARSE] = image_bytes.png(coarse_texture(result))
    if mapped and result.refined_albedo is not None:
        files[result_folder.REFINED] = image_bytes.png(refined_texture(result))
    if lit is not None:
        files[result_folder.LIT] = image_bytes.png(lit)
    mesh = _painted(result, lit if mapped else None)
    gray = np.full_like(photo, round(BACKGROUND))
    look = Look(ambient=1.0, linear=True, cull_back=True)
    for name, ground in ((result_folder.RENDER, gray), (result_folder.RENDER_ON_PHOTO, photo)):
        files[name] = image_bytes.png(drawn_over(mesh, result.camera, ground, look)[0])
    return files


def coarse_texture(result: Reconstruction) -> UInt8[np.ndarray, "S S 3"]:
    """Draw the model's albedo of the fitted code into the atlas, sRGB."""
    code = torch.from_numpy(np.asarray(result.albedo_code)).float()
    albedo = result.head.albedo_of(code).double().numpy()
    return texture_of_vertices(result.head, albedo, _size(result))


def refined_texture(result: Reconstruction) -> UInt8[np.ndarray, "S S 3"]:
    """Draw the refined albedo into the atlas, sRGB."""
    if result.refined_albedo is None:
        raise ValueError("the result has no refined albedo")
    return texture_of_vertices(result.head, result.refined_albedo, _size(result))


def lit_texture(result: Reconstruction) -> UInt8[np.ndarray, "S S 3"] | None:
    """Return the finest texture in the photo's light, sRGB: the photo's own, else the refined one; None without both."""
    if result.texture is not None or result.refined_albedo is None:
        return result.texture
    normals = vertex_normals(result.vertices, result.head.faces.numpy()) @ result.camera.R.T
    shading, _ = surface_shading(normals, result.light)
    return texture_of_vertices(result.head, result.refined_albedo * shading, _size(result))


def _size(result: Reconstruction) -> int:
    return SIZE if result.texture is None else len(result.texture)


def texture_of_vertices(head: LinearHead, colors: Float[np.ndarray, "V 3"], size: int) -> UInt8[np.ndarray, "S S 3"]:
    """Draw colors of the vertices, linear RGB, into the head's atlas, sRGB; gray where no face is."""
    atlas = unwrap_head(head, size)
    out = np.full((size * size, 3), 128, np.uint8)
    out[atlas.texels] = _encoded(_at_texels(head, colors, size))
    out[atlas.gutter] = out[atlas.gutter_source]
    return out.reshape(size, size, 3)


def _at_texels(head: LinearHead, values: Float[np.ndarray, "V 3"], size: int) -> Float[np.ndarray, "C 3"]:
    atlas = unwrap_head(head, size)
    corners = head.faces.numpy()[atlas.face]
    mixed = [values[corners[:, k]] * atlas.barycentric[:, k, None] for k in range(3)]
    return np.asarray(mixed[0] + mixed[1] + mixed[2])


def _encoded(linear: Float[np.ndarray, "C 3"]) -> UInt8[np.ndarray, "C 3"]:
    srgb = srgb_from_linear(torch.from_numpy(np.clip(linear, 0.0, 1.0)))
    return np.asarray(np.rint(255 * srgb.numpy()), np.uint8)


def _painted(result: Reconstruction, texture: UInt8[np.ndarray, "S S 3"] | None) -> TriangleMesh:
    """Return the head in the photo's expression, in a texture, in colors of its vertices, or bare."""
    head, shown = result.head, opaque_triangles(result.head)
    faces = head.faces.numpy()[shown]
    if texture is None:
        return TriangleMesh(result.vertices, faces, colors=result.colors)
    uv_faces = head.uv_faces.numpy()[shown]
    return TriangleMesh(result.vertices, faces, uv=head.uv.numpy(), uv_faces=uv_faces, texture=texture)
