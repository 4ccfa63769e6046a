"""Vertex normals of triangle meshes, weighted by area, in torch (differentiable) and NumPy (fast).

Letters: B batch, V vertices, F faces.

The normal of a vertex is the sum of the cross products of its faces, made a unit vector: each face
counts by its area. Vertices of no face, and of faces without area only, have the normal zero.
"""

import typing
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from numba import njit
from torch import Tensor

from headform.kernels.functorch import transformed
from headform.kernels.threads import run_all
from headform.render._compiled import compilable, int32_rows, second_derivatives
from headform.render._pixel_kernels import normals_backward, normals_forward
from headform.render.rasterize import check_faces


def vertex_normals(vertices: Float[Tensor, "*B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B V 3"]:
    """Compute unit normals, outwards for counter-clockwise faces; dtype and device kept. Differentiable.

    On the CPU compiled loops run, one mesh per thread; elsewhere and for second derivatives plain torch does.

    Args:
        vertices: (*B, V, 3) positions in any unit.
        faces: (F, 3) vertex indices.
    """
    if not compilable(vertices):
        return _reference(vertices, faces)
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
        check_faces(rows, vertices.shape[-2])
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
            return None, second_derivatives(lambda v: _reference(v, ctx.faces), [vertices], grad, [True])[0]
        flat = vertices.detach().contiguous().view(normals.shape)
        found, scratch = torch.zeros_like(flat), torch.empty_like(flat)
        arrays = [t.numpy() for t in (flat, normals, lengths, grad.contiguous().view(flat.shape), scratch, found)]
        run_all(
            lambda k: normals_backward(arrays[0][k], ctx.rows, *(a[k] for a in arrays[1:])),
            [(k,) for k in range(len(flat))],
        )
        return None, found.view(vertices.shape)


def vertex_normals_array(
    vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 3"]:
    """The NumPy twin of `vertex_normals`, computed in float64; dtype kept.

    Raises:
        ValueError: a face index outside [0, V).
    """
    check_faces(faces, len(vertices))
    normals = np.zeros((len(vertices), 3))
    positions = np.ascontiguousarray(vertices, np.float64)
    _normals_kernel(positions, np.ascontiguousarray(faces, np.int32), normals)
    return normals.astype(vertices.dtype)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _normals_kernel(vertices, faces, normals):
    """vertices (V, 3), faces (F, 3); normals (V, 3) zeros, written."""
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        wx = vertices[c, 0] - vertices[a, 0]
        wy = vertices[c, 1] - vertices[a, 1]
        wz = vertices[c, 2] - vertices[a, 2]
        x = uy * wz - uz * wy
        y = uz * wx - ux * wz
        z = ux * wy - uy * wx
        for k in (a, b, c):
            normals[k, 0] += x
            normals[k, 1] += y
            normals[k, 2] += z
    for v in range(normals.shape[0]):
        length = (normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) ** 0.5
        if length > 0.0:
            normals[v, 0] /= length
            normals[v, 1] /= length
            normals[v, 2] /= length
