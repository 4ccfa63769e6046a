"""Vertex attributes at pixels, differentiable in the attributes and in the projected vertices.

B batch, V vertices, A attribute rows, F faces, H W pixels, N seen pixels, C channels.

The face index of a pixel is constant: outlines give no gradient. On the CPU compiled kernels are used, one picture per
thread, forward and backward; elsewhere, inside the transforms of `torch.func` and for second derivatives plain torch is.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headform.geometry.array_checks import require_face_tensor, require_index_tensor, require_tensor
from headform.kernels.functorch import transformed
from headform.kernels.threads import run_all
from headform.render import _pixel_kernels as kernels
from headform.render._compiled import compilable, int32_rows, second_derivatives
from headform.render.seen_pixels import SeenPixels


def barycentric_at(
    points: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"], seen: SeenPixels, *, perspective: bool = True
) -> Float[Tensor, "N 3"]:
    """Compute the barycentric weights of the visible faces at the pixel centers.

    With edge functions `e_k` of the projected triangle, `b_k = (e_k / z_k) / sum_j (e_j / z_j)` under perspective (Heckbert
    and Moreton 1991), `e_k / sum_j e_j` under parallel projection. Recomputed here from the faces that a rasterizer found,
    so that gradients reach the vertices and, through the projection, the camera.

    Args:
        points: (B, V, 3) pixel x, pixel y and depth.
        faces: (F, 3) vertex indices.
        seen: N pixels of those pictures.
        perspective: True for a perspective projection, False for a parallel one.

    Raises:
        InputError: `seen_foreign` when `seen` is of other pictures or faces; `mesh_index`; for other tensors those of
            `geometry.array_checks`.
    """
    require_tensor("points", points, ("B", "V", 3))
    require_face_tensor("faces", faces, points.shape[1])
    seen.require_raster_of(len(points), len(faces))
    return weights_of_checked(points, faces, seen, perspective=perspective)


def weights_of_checked(
    points: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"], seen: SeenPixels, *, perspective: bool = True
) -> Float[Tensor, "N 3"]:
    """Compute `barycentric_at` of tensors that were checked."""

    def reference(points: Tensor) -> Tensor:
        return _barycentric(points, faces, seen, perspective)

    if not compilable(points):
        return reference(points)
    return _Barycentric.apply(reference, faces, seen, perspective, points)  # type: ignore[no-any-return, no-untyped-call]


def interpolate_at(
    attributes: Float[Tensor, "B A C"],
    attribute_faces: Int[Tensor, "F 3"],
    seen: SeenPixels,
    weights: Float[Tensor, "N 3"],
) -> Float[Tensor, "N C"]:
    """Interpolate the attributes of the visible faces.

    Args:
        attributes: (B, A, C) rows of vertices or texture vertices.
        attribute_faces: (F, 3) indices into the rows, aligned with the rasterized faces.
        seen: N pixels.
        weights: (N, 3) from `barycentric_at`.

    Raises:
        InputError: as of `barycentric_at`.
    """
    require_tensor("attributes", attributes, ("B", "A", "C"))
    require_face_tensor("attribute_faces", attribute_faces, attributes.shape[1], of="rows of attributes")
    seen.require_raster_of(len(attributes), len(attribute_faces))
    require_tensor("weights", weights, (len(seen.face), 3))
    return blend_of_checked(attributes, attribute_faces, seen, weights)


def blend_of_checked(
    attributes: Float[Tensor, "B A C"],
    attribute_faces: Int[Tensor, "F 3"],
    seen: SeenPixels,
    weights: Float[Tensor, "N 3"],
) -> Float[Tensor, "N C"]:
    """Compute `interpolate_at` of tensors that were checked."""

    def reference(attributes: Tensor, weights: Tensor) -> Tensor:
        corners = attributes[seen.item[:, None], attribute_faces.long()[seen.face]]
        return (corners * weights[..., None]).sum(-2)

    if not compilable(attributes, weights):
        return reference(attributes, weights)
    return _Blend.apply(reference, attribute_faces, seen, attributes, weights)  # type: ignore[no-any-return, no-untyped-call]


def interpolate(
    attributes: Float[Tensor, "A C"],
    attribute_faces: Int[Tensor, "F 3"],
    face_index: Int[Tensor, "H W"],
    barycentric: Float[Tensor, "H W 3"],
) -> Float[Tensor, "H W C"]:
    """Interpolate the attributes of the visible faces in one picture.

    Args:
        attributes: (A, C) rows of vertices or texture vertices.
        attribute_faces: (F, 3) indices into `attributes`, aligned with the rasterized faces.
        face_index: (H, W) seen face, -1 where none.
        barycentric: (H, W, 3) weights from a rasterizer.

    Returns:
        (H, W, C), 0 where no face is seen.

    Raises:
        InputError: `mesh_index`, and for other tensors those of `geometry.array_checks`.
    """
    require_tensor("attributes", attributes, ("A", "C"))
    require_face_tensor("attribute_faces", attribute_faces, len(attributes), of="rows of attributes")
    require_index_tensor("face_index", face_index, ("H", "W"), len(attribute_faces), least=-1, of="faces")
    require_tensor("barycentric", barycentric, (*face_index.shape, 3))
    if not len(attribute_faces):  # nothing can be seen
        return attributes.new_zeros(*face_index.shape, attributes.shape[1])
    corners = attributes[attribute_faces.long()[face_index.clamp(min=0).long()]]
    blended = (corners * barycentric[..., None].to(attributes.dtype)).sum(-2)
    return torch.where((face_index >= 0)[..., None], blended, torch.zeros_like(blended))


def _barycentric(
    points: Float[Tensor, "B V 3"], faces: Int[Tensor, "F 3"], seen: SeenPixels, perspective: bool
) -> Float[Tensor, "N 3"]:
    width = seen.shape[2]
    corners = points[seen.item[:, None], faces.long()[seen.face]]  # (N, 3, 3)
    column, row = seen.pixel % width + 0.5, seen.pixel // width + 0.5
    x, y = corners[..., 0] - column[:, None], corners[..., 1] - row[:, None]
    edges = torch.stack([x[:, k] * y[:, (k + 1) % 3] - x[:, (k + 1) % 3] * y[:, k] for k in (1, 2, 0)], dim=1)
    weights = edges / corners[..., 2] if perspective else edges
    return weights / weights.sum(1, keepdim=True)


class _Barycentric(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, reference: Callable[..., Tensor], faces: Tensor, seen: SeenPixels, perspective: bool, points: Tensor
    ) -> Tensor:
        ctx.reference, ctx.seen, ctx.perspective, ctx.faces = reference, seen, perspective, int32_rows(faces)
        ctx.save_for_backward(points)
        own, weights = points.detach().contiguous().numpy(), points.new_empty(len(seen.face), 3)
        face, pixel, out = seen.face.numpy(), seen.pixel.numpy(), weights.numpy()

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            kernels.barycentric_forward(own[item], ctx.faces, face[at], pixel[at], seen.shape[2], perspective, out[at])

        run_all(one, [(item,) for item in range(len(own))])
        return weights

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        (points,) = ctx.saved_tensors
        if torch.is_grad_enabled() or transformed(grad):
            return (None, None, None, None, *second_derivatives(ctx.reference, [points], grad, [True]))
        seen, own = ctx.seen, points.detach().contiguous().numpy()
        found, given = torch.zeros_like(points), grad.contiguous().numpy()
        out, face, pixel = found.numpy(), seen.face.numpy(), seen.pixel.numpy()

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            kernels.barycentric_backward(
                own[item], ctx.faces, face[at], pixel[at], seen.shape[2], ctx.perspective, given[at], out[item]
            )

        run_all(one, [(item,) for item in range(len(own))])
        return None, None, None, None, found


class _Blend(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, reference: Callable[..., Tensor], faces: Tensor, seen: SeenPixels, attributes: Tensor, weights: Tensor
    ) -> Tensor:
        ctx.reference, ctx.seen, ctx.faces = reference, seen, int32_rows(faces)
        ctx.save_for_backward(attributes, weights)
        blended = attributes.new_empty(len(seen.face), attributes.shape[2])
        own, shares = attributes.detach().contiguous().numpy(), weights.detach().contiguous().numpy()
        face, out = seen.face.numpy(), blended.numpy()

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            kernels.blend_forward(own[item], ctx.faces, face[at], shares[at], out[at])

        run_all(one, [(item,) for item in range(len(own))])
        return blended

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
        attributes, weights = ctx.saved_tensors
        wants = ctx.needs_input_grad[3:]
        if torch.is_grad_enabled() or transformed(grad):
            return (None, None, None, *second_derivatives(ctx.reference, [attributes, weights], grad, wants))
        seen = ctx.seen
        own, shares = attributes.detach().contiguous().numpy(), weights.detach().contiguous().numpy()
        found = attributes.new_zeros(attributes.shape), weights.new_empty(weights.shape)
        given, face = grad.contiguous().numpy(), seen.face.numpy()
        out, out_weights = found[0].numpy(), found[1].numpy()

        def one(item: int) -> None:
            at = slice(seen.starts[item], seen.starts[item + 1])
            kernels.blend_backward(own[item], ctx.faces, face[at], shares[at], given[at], out[item], out_weights[at])

        run_all(one, [(item,) for item in range(len(own))])
        return (None, None, None, *(f if want else None for f, want in zip(found, wants, strict=True)))
