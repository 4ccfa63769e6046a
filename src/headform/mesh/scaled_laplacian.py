"""The scaled Laplacian of a triangle mesh, the operator of Chebyshev filters.

V vertices, F triangles.

L = I - D^-1/2 W D^-1/2 has its spectrum in [0, 2] on every graph; moved by that bound (lambda_max = 2) it is
L~ = L - I = -D^-1/2 W D^-1/2 in [-1, 1] (Defferrard et al. 2016, eq. 4), and no eigenvalue is computed.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Int, Integer
from scipy.sparse import coo_matrix, csr_matrix, diags

from headform.errors import UsageError
from headform.geometry.array_checks import require_count, require_faces, require_some
from headform.mesh.surface_notes import warn_of_loose_parts

EdgeWeight = Literal["once", "per_triangle"]
"""Weight of an edge in W. ``once``: 1, as in the PyTorch ports of CoMA. ``per_triangle``: the number of its
triangles, hence 2 inside and 1 at boundaries, as in the TensorFlow original and the code of Lin et al., which add an
entry for every triangle. On closed meshes both give the same operator."""


def scaled_laplacian(faces: Integer[np.ndarray, "F 3"], count: int, *, edge_weight: EdgeWeight = "once") -> csr_matrix:
    """Return L~ = -D^-1/2 W D^-1/2 of the edges of a triangle mesh.

    Warns (`MeshWarning`) of vertices that no triangle uses and of loose triangles, between which no signal passes.

    Args:
        faces: vertex indices.
        count: V; vertices that no triangle uses get a row of zeros.
        edge_weight: see `EdgeWeight`.

    Returns:
        (V, V) float64, symmetric to the bit, column indices ascending in every row, no explicit zeros.

    Raises:
        InputError: `mesh_index` when an index is out of range; `mesh_empty` without vertices; for other arrays those of
            `geometry.array_checks`.
        UsageError: `edge_weight_unknown`.
    """
    require_edge_weight(edge_weight)
    count = require_count("count", count)
    faces = require_faces("faces", faces, count)
    require_some("vertices", count)
    warn_of_loose_parts(faces, count)
    return laplacian_of_level(faces, count, edge_weight)


def require_edge_weight(edge_weight: str) -> None:
    """Refuse an unknown convention.

    Raises:
        UsageError: `edge_weight_unknown`.
    """
    if edge_weight not in get_args(EdgeWeight):
        what = f"edge_weight must be one of {get_args(EdgeWeight)}, got {edge_weight!r}"
        raise UsageError("edge_weight_unknown", what)


def laplacian_of_level(faces: Int[np.ndarray, "F 3"], count: int, edge_weight: EdgeWeight) -> csr_matrix:
    """Compute `scaled_laplacian` of triangles that were checked; coarse levels may have loose ones."""
    start, end = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    proper = start != end  # collapsed triangles must not add loops
    rows = np.concatenate([start[proper], end[proper]])
    columns = np.concatenate([end[proper], start[proper]])
    weight = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    if edge_weight == "once":
        weight.data[:] = 1.0
    degree = np.asarray(weight.sum(axis=1)).ravel()
    root = diags(np.where(degree > 0, 1.0 / np.sqrt(np.maximum(degree, 1.0)), 0.0))
    scaled = csr_matrix(-(root @ weight @ root))
    scaled.sort_indices()
    return scaled
