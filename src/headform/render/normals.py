"""Vertex normals of triangle meshes, weighted by area, in torch; `mesh.normals` is the twin in NumPy.

Letters: B batch, V vertices, F faces.

The normal of a vertex is the sum of the cross products of its faces, made a unit vector: each face
counts by its area. Vertices of no face, and of faces without area only, have the normal zero.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


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
