"""Cotangent Laplacian and vertex areas of a triangle mesh.

V vertices, F triangles. Float64; areas are in the square of the mesh's unit.
"""

import numpy as np
from jaxtyping import Float, Float64, Integer
from scipy.sparse import coo_array, csr_array

from headform.geometry.array_checks import require_array, require_faces, require_some
from headform.mesh.normals import face_area_vectors

MOST_COTANGENT = 20.0
"""Cotangents are taken within this of zero, those of angles of 3 degrees: needles would stiffen all around them."""


def cotangent_laplacian(vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]) -> csr_array:
    """Return the symmetric stiffness matrix of linear elements (Pinkall and Polthier 1993).

    Row i of ``L x`` is the sum over neighbors j of (cot a + cot b) / 2 (x_i - x_j), a and b the angles opposite to edge
    ij. It is zero for constants, and inside of flat parts for linear functions. Divided by `vertex_areas` it approximates
    minus the Laplace-Beltrami operator.

    Args:
        vertices: (V, 3) finite positions.
        faces: (F, 3) at least one triangle; one without area has cotangents of zero.

    Returns:
        (V, V) float64, positive semi-definite up to the bound on cotangents.

    Raises:
        InputError: `mesh_empty`, `mesh_not_finite`, `mesh_index`, and for other arrays those of `geometry.array_checks`.
    """
    points, faces = _checked(vertices, faces)
    double_area = np.linalg.norm(face_area_vectors(points, faces), axis=1)
    rows, columns, values = [], [], []
    for corner in range(3):
        apex, one, other = (faces[:, (corner + k) % 3] for k in range(3))
        dot = ((points[one] - points[apex]) * (points[other] - points[apex])).sum(axis=1)
        cotangent = np.divide(dot, double_area, out=np.zeros(len(faces)), where=double_area > 0)
        weight = np.clip(cotangent, -MOST_COTANGENT, MOST_COTANGENT) / 2
        rows += [one, other, one, other]
        columns += [other, one, one, other]
        values += [-weight, -weight, weight, weight]
    size = len(points)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return coo_array(entries, shape=(size, size)).tocsr()


def vertex_areas(vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]) -> Float64[np.ndarray, " V"]:
    """Return a third of the area of the triangles around each vertex; zero where there is none.

    Raises:
        InputError: as `cotangent_laplacian`.
    """
    points, faces = _checked(vertices, faces)
    area = np.linalg.norm(face_area_vectors(points, faces), axis=1) / 6
    return np.asarray(np.bincount(faces.ravel(), np.repeat(area, 3), minlength=len(points)), np.float64)


def _checked(
    vertices: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"]
) -> tuple[Float64[np.ndarray, "V 3"], Integer[np.ndarray, "F 3"]]:
    points = require_array("vertices", vertices, ("V", 3), finite=True).astype(np.float64)
    faces = require_faces("faces", faces, len(points))
    require_some("triangles", len(faces))
    return points, faces
