"""Normals of triangle meshes in NumPy, for files and pictures that need no gradients.

V vertices, F triangles.
"""

import numpy as np
from jaxtyping import Float, Float64, Int

FALLBACK = (0.0, 0.0, 1.0)
"""Normal of a vertex that has none: no triangle, or triangles that cancel out."""


def face_area_vectors(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float64[np.ndarray, "F 3"]:
    """Cross product of two edges per triangle: its normal, twice its area long, float64.

    Triangles wind counter-clockwise seen from outside, so that it points outwards.
    """
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return np.asarray(np.cross(b - a, c - a), np.float64)


def summed_at_vertices(
    values: Float[np.ndarray, "F 3"], faces: Int[np.ndarray, "F 3"], count: int
) -> Float64[np.ndarray, "V 3"]:
    """Sum of the vectors of the triangles around each of `count` vertices, float64."""
    index = faces.reshape(-1)
    columns = [np.bincount(index, np.repeat(values[:, axis], 3), minlength=count) for axis in range(3)]
    # Without any triangle, bincount counts in integers.
    return np.stack(columns, axis=1).astype(np.float64)


def unit(vectors: Float[np.ndarray, "V 3"]) -> Float64[np.ndarray, "V 3"]:
    """The vectors at length 1, float64; `FALLBACK` where the length is 0 or the least normal."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    sound = length > np.finfo(np.float64).tiny
    divided = np.divide(vectors, length, where=sound, out=np.zeros(vectors.shape))
    return np.where(sound, divided, np.array(FALLBACK))


def vertex_normals(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> Float64[np.ndarray, "V 3"]:
    """Unit normals of vertices: triangle normals weighted by area, summed and normalized.

    Args:
        vertices: (V, 3) any unit.
        faces: (F, 3) counter-clockwise seen from outside.

    Returns:
        (V, 3) float64, pointing outwards; `FALLBACK` where no triangle gives a direction.
    """
    return unit(summed_at_vertices(face_area_vectors(vertices, faces), faces, len(vertices)))
