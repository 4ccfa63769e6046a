"""Small triangle meshes with what real ones have: boundaries, several parts, unused vertices, uneven degrees."""

import numpy as np
from scipy.spatial import ConvexHull, Delaunay


def path() -> tuple[np.ndarray, int]:
    """Two vertices and one edge, as a collapsed triangle."""
    return np.array([[0, 1, 1]]), 2


def flat(count: int, seed: int = 0) -> tuple[np.ndarray, int]:
    """An irregular disc: the Delaunay triangles of random points, numbered at random."""
    points = np.random.default_rng(seed).uniform(size=(count, 2))
    return Delaunay(points).simplices.astype(np.int64), count


def closed(count: int, seed: int = 0) -> tuple[np.ndarray, int]:
    """An irregular sphere: the hull of random points on one."""
    points = np.random.default_rng(seed).normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return ConvexHull(points).simplices.astype(np.int64), count


def lonely() -> tuple[np.ndarray, int]:
    """A disc of 17 vertices among 20: the first, one in the middle and the last belong to no triangle."""
    faces, count = flat(17, 3)
    names = np.delete(np.arange(count + 3), [0, 9, count + 2])
    return names[faces], count + 3


def pieces() -> tuple[np.ndarray, int]:
    """A sphere, a disc and one triangle, their numbers interleaved."""
    parts = (closed(14, 1), flat(11, 2), (np.array([[0, 1, 2]]), 3))
    starts = np.cumsum([0, *(count for _, count in parts)])
    faces = np.concatenate([f + start for (f, _), start in zip(parts, starts[:3], strict=True)])
    names = np.random.default_rng(4).permutation(starts[-1])
    return names[faces], int(starts[-1])


def fan(count: int) -> tuple[np.ndarray, int]:
    """One vertex joined to all others: the greatest spread of degrees."""
    ring = np.arange(1, count)
    return np.stack([np.zeros(count - 2, np.int64), ring[:-1], ring[1:]], axis=1), count


MESHES = {
    "path": path(),
    "fan": fan(13),
    "flat": flat(23),
    "closed": closed(21),
    "lonely": lonely(),
    "pieces": pieces(),
}
"""Faces and number of vertices by name."""


def double_loop(faces: np.ndarray, count: int, edge_weight: str) -> np.ndarray:
    """The scaled Laplacian from its definition, dense, one triangle side after the other."""
    weight = np.zeros((count, count))
    for face in faces:
        for i in range(3):
            for j in range(3):
                if face[i] == face[j]:
                    continue
                if edge_weight == "once":
                    weight[face[i], face[j]] = 1
                else:
                    weight[face[i], face[j]] += 1
    degree = weight.sum(1)
    scaled = np.zeros((count, count))
    for i in range(count):
        for j in range(count):
            if weight[i, j]:
                scaled[i, j] = -weight[i, j] / np.sqrt(degree[i] * degree[j])
    return scaled
