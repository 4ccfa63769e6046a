"""Differentiable rendering of a batch of heads: projection, rasterization, interpolation, texture lookup, light.

B batch, V vertices, F faces, T texture vertices, H W pixels, h w texels, C channels.

Gradients reach vertices, camera, attributes, texture, texture coordinates and light through the interior of the visible
surface. The face index of a pixel, and with it `alpha`, is constant: there are no edge gradients.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor
from torch.nn.functional import grid_sample, normalize

from headform.errors import UsageError
from headform.geometry.array_checks import require_tensor, wrong_shape
from headform.geometry.camera import Cameras
from headform.images.transfer import srgb_from_linear
from headform.kernels.threads import run_all
from headform.render._compiled import int32_rows
from headform.render._scene_checks import require_batch, require_scene, require_size
from headform.render.interpolation import blend_of_checked, weights_of_checked
from headform.render.light import shade_batch
from headform.render.normals import normals_of_checked
from headform.render.rasterize import NEAR, rasterize_kernel
from headform.render.seen_pixels import SeenPixels
from headform.render.torch_rasterize import BatchFragments, check_raster, rasterize_torch

Backend = Literal["auto", "kernel", "torch"]


@dataclass(frozen=True, eq=False)
class RenderOutput:
    """Rendered batch; pixels without a face show the background and are zero elsewhere. Fields are computed on first use.

    Attributes:
        rgb: (B, C, H, W) shaded colors, linear unless sRGB was asked for; laid out with the channels last.
        face_index: (B, H, W) int32 seen face, -1 where none.
        seen: the pixels that show a face; `pixel_normals`, `pixel_depth` and `pixel_weights` have a row for each.
        pixel_normals: (N, 3) unit normals in the camera frame.
        pixel_depth: (N, 1) depth.
        pixel_weights: (N, 3) weights of the corners of the seen face.
    """

    rgb: Float[Tensor, "B C H W"]
    face_index: Int32[Tensor, "B H W"]
    seen: SeenPixels
    pixel_normals: Float[Tensor, "N 3"]
    pixel_depth: Float[Tensor, "N 1"]
    pixel_weights: Float[Tensor, "N 3"]

    @cached_property
    def alpha(self) -> Float[Tensor, "B 1 H W"]:
        """Mask of pixels that show a face, 0 or 1; constant."""
        return (self.face_index >= 0)[:, None].to(self.rgb.dtype)

    @cached_property
    def normals(self) -> Float[Tensor, "B 3 H W"]:
        """Unit normals in the camera frame: x right, y down, z forward."""
        return self.seen.picture(self.pixel_normals).permute(0, 3, 1, 2)

    @cached_property
    def depth(self) -> Float[Tensor, "B 1 H W"]:
        """Depth along the optical axis: meters, or NDC units under parallel projection."""
        return self.seen.picture(self.pixel_depth).permute(0, 3, 1, 2)

    @cached_property
    def barycentric(self) -> Float[Tensor, "B H W 3"]:
        """Weights of the corners of the seen face."""
        return self.seen.picture(self.pixel_weights)


def render_batch(
    vertices: Float[Tensor, "B V 3"],
    faces: Int[Tensor, "F 3"],
    camera: Cameras,
    size: tuple[int, int],
    *,
    attributes: Float[Tensor, "#B V C"] | None = None,
    texture: Float[Tensor, "#B C h w"] | None = None,
    uv: Float[Tensor, "T 2"] | None = None,
    uv_faces: Int[Tensor, "F 3"] | None = None,
    light: Float[Tensor, "#B 9 C"] | None = None,
    background: Float[Tensor, "#B C H W"] | None = None,
    srgb: bool = False,
    cull_back: bool = False,
    backend: Backend = "auto",
) -> RenderOutput:
    """Render heads of one topology.

    Args:
        vertices: (B, V, 3) meters, head frame.
        faces: (F, 3) triangles, counter-clockwise from outside.
        camera: B cameras.
        size: (width, height) in pixels.
        attributes: (B, V, C) values per vertex, such as linear RGB albedo; gray 0.5 if neither they nor a texture are given.
        texture: (B, C, h, w) instead of attributes, looked up bilinearly at `uv`; row 0 lies at v = 1, the border repeats.
        uv: (T, 2) texture coordinates in [0, 1], origin at the bottom left.
        uv_faces: (F, 3) indices into `uv`, aligned with `faces`; `faces` if absent.
        light: (B, 9, C) shading coefficients over normals of the camera frame (`geometry.spherical_harmonics`), C = 3;
            unshaded if absent.
        background: (B, C, H, W) shown where no face is seen, in the encoding of the result; zero if absent.
        srgb: encode the colors as sRGB, clipped to [0, 1].
        cull_back: leave out faces seen from behind.
        backend: ``kernel`` (CPU only) and ``torch`` (any device) give the same result; ``auto`` uses the first on a CPU.

    Raises:
        InputError: `mesh_index` for a face index outside the vertices; `array_value` for a size below 1; for other tensors
            those of `geometry.array_checks`.
        UsageError: `texture_half` for a texture without `uv`, `texture_twice` for both attributes and texture,
            `backend_unknown`.
    """
    width, height = require_size(size)
    require_scene(
        vertices, faces, camera, (width, height), attributes=attributes, texture=texture, uv=uv, uv_faces=uv_faces,
        light=light, background=background,
    )  # fmt: skip
    items = len(vertices)
    points = camera.project(vertices, size)
    found = rasterize_batch(
        points, faces, height, width, perspective=camera.perspective, cull_back=cull_back, backend=backend
    )
    seen = SeenPixels.of(found.face_index)
    weights = weights_of_checked(points, faces, seen, perspective=camera.perspective)
    normals = camera.rotate(normals_of_checked(vertices, faces))
    rows = [normals, points[..., 2:]]
    if texture is None:
        gray = vertices.new_full((1, vertices.shape[1], 3), 0.5)
        rows.insert(0, (gray if attributes is None else attributes).expand(items, -1, -1))
    blended = blend_of_checked(torch.cat(rows, dim=-1), faces, seen, weights)
    color, turned, depth = blended[:, :-4], blended[:, -4:-1], blended[:, -1:]
    if texture is not None and uv is not None:
        corners = faces if uv_faces is None else uv_faces
        places = blend_of_checked(uv.to(weights.dtype).expand(items, -1, -1), corners, seen, weights)
        color = sample_texture_at(texture, places, seen)
    if light is None:
        turned = normalize(turned, dim=1)
    else:
        color, turned = shade_batch(color, turned, light.to(color.dtype).expand(items, -1, -1), seen)
    if srgb:
        color = srgb_from_linear(color.clamp(0, 1))
    rgb = seen.picture(color).permute(0, 3, 1, 2)
    if background is not None:
        rgb = torch.where((found.face_index >= 0)[:, None], rgb, background)
    return RenderOutput(rgb, found.face_index, seen, turned, depth, weights)


def rasterize_batch(
    points: Float[Tensor, "B V 3"],
    faces: Int[Tensor, "F 3"],
    height: int,
    width: int,
    *,
    perspective: bool = True,
    cull_back: bool = False,
    near: float = NEAR,
    backend: Backend = "auto",
) -> BatchFragments:
    """Rasterize projected meshes of one topology, picture by picture on the threads of torch.

    Args:
        points: (B, V, 3) pixel x and y (origin at the top-left corner) and depth; positive in front of a perspective camera.
            Faces that touch a NaN or infinite vertex are left out.
        faces: (F, 3) vertex indices.
        height: rows of the pictures.
        width: columns of the pictures.
        perspective: weights are perspective-correct; else linear over the picture, and depths may have any sign.
        cull_back: leave out faces seen from behind (signed area >= 0 in pixels, y down).
        near: faces with a vertex at this depth or closer are left out, under perspective.
        backend: see `render_batch`.

    Raises:
        InputError: `array_value` for a size below 1 or a negative `near`; `mesh_index` for a face index outside [0, V); for
            other tensors those of `geometry.array_checks`.
        UsageError: `backend_unknown`, or `backend_unsupported` for the kernel away from the CPU.
    """
    if backend not in get_args(Backend):
        raise UsageError("backend_unknown", f"backend must be one of {get_args(Backend)}, got {backend!r}")
    if backend == "torch" or (backend == "auto" and points.device.type != "cpu"):
        return rasterize_torch(points, faces, height, width, perspective=perspective, cull_back=cull_back, near=near)
    check_raster(points, faces, height, width, near)
    if points.device.type != "cpu":
        raise UsageError("backend_unsupported", f"the kernel renders on the CPU, the points are on {points.device}")
    exact, rows = points.detach().float().contiguous().numpy(), int32_rows(faces)
    shape = (len(points), height, width)
    found = BatchFragments(torch.empty(shape, dtype=torch.int32), torch.empty(*shape, 3), torch.empty(shape))
    index, weights, depth = found.face_index.numpy(), found.barycentric.numpy(), found.depth.numpy()

    def one(item: int) -> None:
        rasterize_kernel(exact[item], rows, perspective, cull_back, near, index[item], weights[item], depth[item])

    run_all(one, [(item,) for item in range(len(points))])
    return found


def sample_texture_at(
    texture: Float[Tensor, "#B C h w"], uv: Float[Tensor, "N 2"], seen: SeenPixels
) -> Float[Tensor, "N C"]:
    """Look a texture up bilinearly at texture coordinates of the seen pixels; differentiable in both.

    Texel centers lie at (column + 0.5) / w and 1 - (row + 0.5) / h; the border repeats outside.

    Raises:
        InputError: `array_kind`, `array_shape`, `array_dtype`.
    """
    require_batch("texture", texture, seen.shape[0], ("C", "h", "w"))
    if not texture[0].numel():
        raise wrong_shape("texture", texture.shape, ("B", "C", "h", "w"), "give a texture of one texel or more")
    require_tensor("uv", uv, (len(seen.flat), 2))
    items = seen.shape[0]
    grid = seen.picture(uv * uv.new_tensor([2.0, -2.0]) + uv.new_tensor([-1.0, 1.0]))
    maps = texture.to(uv.dtype).expand(items, -1, -1, -1)
    found = grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.permute(0, 2, 3, 1).reshape(-1, texture.shape[1])[seen.flat]
