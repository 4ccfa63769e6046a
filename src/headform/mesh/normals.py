"""Normals of triangle meshes in NumPy; `render.normals` is the differentiable, batched twin in torch.

V vertices, F triangles.

One rule for a vertex without a direction, since no triangle uses it or its triangles cancel out: its normal is zero.
"""

import typing

import numpy as np
from jaxtyping import Float, Float64, Int, Integer

from headform.geometry.array_checks import require_array, require_faces
from headform.kernels.jit import njit


def face_area_vectors(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float64[np.ndarray, "F 3"]:
    """Cross product of two edges per triangle: its normal, twice its area long, float64.

    Triangles wind counter-clockwise seen from outside, so that it points outwards.
    """
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return np.asarray(np.cross(b - a, c - a), np.float64)


def summed_at_vertices(
    values: Float[np.ndarray, "F 3"], faces: Int[np.ndarray, "F 3"], count: int
) -> Float64[np.ndarray, "V 3"]:
    """Sum the vectors of the triangles around each of `count` vertices, float64."""
    index = faces.reshape(-1)
    columns = [np.bincount(index, np.repeat(values[:, axis], 3), minlength=count) for axis in range(3)]
    # Without any triangle, bincount counts in integers.
    return np.stack(columns, axis=1).astype(np.float64)


def unit(vectors: Float[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """Scale vectors to length 1, float64; zero where the length is at most the least normal number."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.divide(vectors, length, where=length > np.finfo(np.float64).tiny, out=np.zeros(vectors.shape))


def vertex_normals(vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]) -> Float[np.ndarray, "V 3"]:
    """Return unit normals of vertices: triangle normals weighted by area, summed and normalized.

    Args:
        vertices: (V, 3) any unit.
        faces: (F, 3) counter-clockwise seen from outside.

    Returns:
        (V, 3) of the precision of `vertices`, pointing outwards; zero where no triangle gives a direction.

    Raises:
        InputError: `mesh_not_finite`, `mesh_index`, and for other arrays those of `geometry.array_checks`.
    """
    vertices = require_array("vertices", vertices, ("V", 3), finite=True)
    faces = require_faces("faces", faces, len(vertices))
    normals = np.zeros((len(vertices), 3))
    _add_normals(vertices.astype(np.float64, copy=False), faces, normals)
    return np.asarray(unit(normals), vertices.dtype)


@njit(cache=True, nogil=True, borrowed=True)
@typing.no_type_check
def _add_normals(vertices, faces, normals):
    """Add the area vector of each triangle, as of `face_area_vectors`, to its three vertices."""
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax, ay, az = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        ux, uy, uz = vertices[j, 0] - ax, vertices[j, 1] - ay, vertices[j, 2] - az
        vx, vy, vz = vertices[k, 0] - ax, vertices[k, 1] - ay, vertices[k, 2] - az
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (i, j, k):
            normals[v, 0] += x
            normals[v, 1] += y
            normals[v, 2] += z
