"""Triangles that a deformation turned over, and their mending.

V vertices, F triangles. Any unit; both states of the mesh in one frame.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.sparse import csr_array

from headform.mesh.normals import face_area_vectors
from headform.mesh.topology import edges

LEAST_AREA = 0.01
"""Share of its area, projected on its old plane, that a triangle must keep; with less it counts as turned over."""
_MOST_ROUNDS = 200
"""Rounds of smoothing; each widens the neighborhood of what is still turned over by an edge every tenth."""
_WIDEN = 10


def turned_over(
    rest: Float64[np.ndarray, "V 3"], moved: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Bool[np.ndarray, " F"]:
    """Mask of the triangles turned over or squeezed to nothing: less than 1 % of their area is left on their old plane.

    Triangles without area at rest do not count.
    """
    old, new = face_area_vectors(rest, faces), face_area_vectors(moved, faces)
    squared = (old * old).sum(axis=1)
    return np.asarray((squared > 0) & ((old * new).sum(axis=1) < LEAST_AREA * squared))


def neighbor_means(faces: Int[np.ndarray, "F 3"], count: int) -> csr_array:
    """Return the (V, V) matrix that replaces each value by the mean over the neighbors; vertices without any keep theirs."""
    pairs, _ = edges(faces)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    lonely = np.setdiff1d(np.arange(count), both)
    both = np.concatenate([both, np.stack([lonely, lonely], axis=1)])
    degree = np.bincount(both[:, 0], minlength=count)
    return csr_array((1.0 / degree[both[:, 0]], (both[:, 0], both[:, 1])), shape=(count, count))


def unfolded(
    rest: Float64[np.ndarray, "V 3"], moved: Float64[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> tuple[Float64[np.ndarray, "V 3"], Bool[np.ndarray, " F"]]:
    """Smooth the displacements around triangles that were turned over until none is.

    Displacements that are equal over a triangle only shift it, so that smoothing ends in no fold-over; around each, as few
    rings of vertices as it takes are smoothed.

    Returns:
        (V, 3) vertices, and (F,) mask of the triangles that are turned over even so.
    """
    move = moved - rest
    mean = neighbor_means(faces, len(rest))
    wrong = turned_over(rest, moved, faces)
    near = np.zeros(len(rest), bool)
    for round_ in range(_MOST_ROUNDS):
        if not wrong.any():
            break
        near[faces[wrong]] = True
        if round_ % _WIDEN == 0:
            near |= (mean @ near.astype(np.float64)) > 0
        move[near] = (mean @ move)[near]
        wrong = turned_over(rest, rest + move, faces)
    return rest + move, wrong
