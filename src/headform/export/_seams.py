"""Split vertices at texture seams: one vertex per position and texture coordinate, as GPUs need.

V vertices, F triangles, T texture coordinates, N vertices after the split.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int


@dataclass(frozen=True)
class SeamSplit:
    """A mesh whose vertices are doubled along the seams of its texture map.

    Attributes:
        vertex_of: (N,) int64, vertex that each split vertex copies.
        uv_of: (N,) int64, texture coordinate of each split vertex.
        faces: (F, 3) int64, indices into the N split vertices, order and winding kept.
    """

    vertex_of: Int[np.ndarray, " N"]
    uv_of: Int[np.ndarray, " N"]
    faces: Int[np.ndarray, "F 3"]


def split_at_seams(faces: Int[np.ndarray, "F 3"], uv_faces: Int[np.ndarray, "G 3"]) -> SeamSplit:
    """Pair every corner's vertex with its texture coordinate, once per distinct pair.

    Pairs are in the order of their vertex, then of their texture coordinate; vertices that no face
    uses are left out.

    Args:
        faces: (F, 3) vertex of every corner.
        uv_faces: (F, 3) texture coordinate of every corner; G is F.

    Returns:
        The split: `vertex_of[split.faces] == faces` and `uv_of[split.faces] == uv_faces`.

    Raises:
        ValueError: the two differ in shape or hold a negative index.
    """
    if faces.shape != uv_faces.shape:
        raise ValueError(f"faces {faces.shape} and uv_faces {uv_faces.shape} differ in shape")
    if faces.size and (faces.min() < 0 or uv_faces.min() < 0):
        raise ValueError("every corner needs a vertex and a texture coordinate, found a negative index")
    pairs = np.stack([faces.reshape(-1), uv_faces.reshape(-1)], axis=1)
    distinct, corner = np.unique(pairs, axis=0, return_inverse=True)
    return SeamSplit(
        vertex_of=distinct[:, 0].astype(np.int64),
        uv_of=distinct[:, 1].astype(np.int64),
        faces=corner.reshape(faces.shape).astype(np.int64),
    )
