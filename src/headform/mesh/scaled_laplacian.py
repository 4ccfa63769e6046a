"""The scaled Laplacian of a triangle mesh, the operator of Chebyshev filters.

V vertices, F triangles.

L = I - D^-1/2 W D^-1/2 has its spectrum in [0, 2] on every graph; moved by that bound (lambda_max = 2) it is
L~ = L - I = -D^-1/2 W D^-1/2 in [-1, 1] (Defferrard et al. 2016, eq. 4), and no eigenvalue is computed.
"""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_matrix, csr_matrix, diags

from headform.errors import InputError

EdgeWeight = Literal["once", "per_triangle"]
"""Weight of an edge in W. ``once``: 1, as in the PyTorch ports of CoMA. ``per_triangle``: the number of its
triangles, hence 2 inside and 1 at boundaries, as in the TensorFlow original and the code of Lin et al., which add an
entry for every triangle. On closed meshes both give the same operator."""


def scaled_laplacian(faces: Int[np.ndarray, "F 3"], count: int, *, edge_weight: EdgeWeight = "once") -> csr_matrix:
    """Return L~ = -D^-1/2 W D^-1/2 of the edges of a triangle mesh.

    Args:
        faces: vertex indices.
        count: V; vertices that no triangle uses get a row of zeros.
        edge_weight: see `EdgeWeight`.

    Returns:
        (V, V) float64, symmetric to the bit, column indices ascending in every row, no explicit zeros.

    Raises:
        InputError: `mesh_index` when an index is out of range.
        ValueError: unknown `edge_weight`.
    """
    if edge_weight not in get_args(EdgeWeight):
        raise ValueError(f"edge_weight must be one of {get_args(EdgeWeight)}, got {edge_weight!r}")
    if len(faces) and not (faces.min() >= 0 and faces.max() < count):
        what = f"a triangle names vertex {int(faces.max())} (or a negative one) in a mesh of {count}"
        raise InputError("mesh_index", what, "faces", "number the vertices from 0 to V - 1")
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
