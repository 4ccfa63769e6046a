"""Vertex normals of triangle meshes, weighted by area, in torch; `mesh.normals` is the twin in NumPy.

B batch, V vertices, F faces.

The normal of a vertex is the sum of the cross products of its faces, normalized: each face
is weighted by its area. Vertices without faces, or with degenerate faces only, have the normal zero.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from headform.geometry.array_checks import require_face_tensor, require_tensor
from headform.kernels.functorch import transformed
from headform.kernels.threads import run_all
from headform.render._compiled import compilable, int32_rows, second_derivatives
from headform.render._pixel_kernels import normals_backward, normals_forward


def vertex_normals(vertices: Float[Tensor, "*B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B V 3"]:
    """Compute unit normals, outwards for counter-clockwise faces; dtype and device kept. Differentiable.

    On the CPU compiled loops run, one mesh per thread; elsewhere and for second derivatives plain torch is used.

    Args:
        vertices: (*B, V, 3) positions in any unit.
        faces: (F, 3) vertex indices.

    Raises:
        InputError: `mesh_index` for an index outside [0, V), and for other tensors those of `geometry.array_checks`.
    """
    require_tensor("vertices", vertices, ("*B", "V", 3))
    require_face_tensor("faces", faces, vertices.shape[-2])
    return normals_of_checked(vertices, faces)


def normals_of_checked(vertices: Float[Tensor, "*B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B V 3"]:
    """Compute `vertex_normals` of tensors that were checked."""
    if not compilable(vertices):
        return _reference(vertices, faces.long())
    return _Normals.apply(faces, vertices)  # type: ignore[no-any-return, no-untyped-call]


def _reference(vertices: Float[Tensor, "*B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B V 3"]:
    a, b, c = (vertices[..., faces[:, k], :] for k in range(3))
    cross = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices)
    for k in range(3):
        total = total.index_add(-2, faces[:, k], cross)
    square = (total * total).sum(-1, keepdim=True)
    # No root of zero is taken, so that isolated vertices have gradient zero rather than NaN.
    has = square > 0
    return torch.where(has, total / torch.where(has, square, torch.ones_like(square)).sqrt(), total)


class _Normals(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, faces: Tensor, vertices: Tensor) -> Tensor:
        rows = int32_rows(faces)
        flat = (
            vertices.detach().contiguous().flatten(0, -3)
            if vertices.dim() > 2
            else vertices.detach()[None].contiguous()
        )
        normals, lengths = torch.zeros_like(flat), flat.new_empty(flat.shape[:2])
        own, out, sizes = flat.numpy(), normals.numpy(), lengths.numpy()
        run_all(lambda k: normals_forward(own[k], rows, out[k], sizes[k]), [(k,) for k in range(len(own))])
        ctx.faces, ctx.rows = faces, rows
        ctx.save_for_backward(vertices, normals, lengths)
        return normals.view(vertices.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor | None]:
        vertices, normals, lengths = ctx.saved_tensors
        if torch.is_grad_enabled() or transformed(grad):
            return None, second_derivatives(lambda v: _reference(v, ctx.faces.long()), [vertices], grad, [True])[0]
        flat = vertices.detach().contiguous().view(normals.shape)
        found, scratch = torch.zeros_like(flat), torch.empty_like(flat)
        arrays = [t.numpy() for t in (flat, normals, lengths, grad.contiguous().view(flat.shape), scratch, found)]
        run_all(
            lambda k: normals_backward(arrays[0][k], ctx.rows, *(a[k] for a in arrays[1:])),
            [(k,) for k in range(len(flat))],
        )
        return None, found.view(vertices.shape)
