"""Strips of quads from root to tip, of which strands are made.

C cards of K rows of two vertices each.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Int32


@lru_cache(maxsize=8)
def _one(steps: int) -> tuple[Int32[np.ndarray, "F 3"], Float32[np.ndarray, "W 2"]]:
    faces = [[2 * k + a for a in t] for k in range(steps - 1) for t in ((0, 1, 2), (1, 3, 2))]
    uv = [[u, 1 - k / (steps - 1)] for k in range(steps) for u in (0.02, 0.98)]
    return np.array(faces, np.int32), np.array(uv, np.float32)


def card_faces(count: int, steps: int) -> Int32[np.ndarray, "F 3"]:
    """Return the triangles of so many cards, whose vertices follow each other root to tip, two a row."""
    shift = np.arange(count, dtype=np.int32)[:, None, None] * (2 * steps)
    return (_one(steps)[0] + shift).reshape(-1, 3)


def card_uv(count: int, steps: int) -> Float32[np.ndarray, "W 2"]:
    """Return texture coordinates: each card shows the whole picture, its root at the top."""
    return np.tile(_one(steps)[1], (count, 1))
