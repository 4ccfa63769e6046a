"""Vertex normals of triangle meshes, weighted by area, in torch (differentiable) and NumPy (fast).

Letters: B batch, V vertices, F faces.

The normal of a vertex is the sum of the cross products of its faces, made a unit vector: each face
counts by its area. Vertices of no face, and of faces without area only, have the normal zero.
"""

import typing

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from numba import njit
from torch import Tensor

from headform.render.rasterize import check_faces


def vertex_normals(vertices: Float[Tensor, "*B V 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B V 3"]:
    """Unit normals, outwards for counter-clockwise faces; dtype and device kept.

    Args:
        vertices: (*B, V, 3) positions in any unit.
        faces: (F, 3) int64 vertex indices.
    """
    a, b, c = (vertices[..., faces[:, k], :] for k in range(3))
    cross = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices)
    for k in range(3):
        total = total.index_add(-2, faces[:, k], cross)
    square = (total * total).sum(-1, keepdim=True)
    # No root of zero is taken, so that isolated vertices have gradient zero rather than NaN.
    has = square > 0
    return torch.where(has, total / torch.where(has, square, torch.ones_like(square)).sqrt(), total)


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
