"""A family of closed surfaces in one topology, made from three numbers each: heads for tests, about 0.2 m tall."""

from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull

from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh


def ball(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3), irregular on a sphere of 0.1 m, and triangles that wind outwards."""
    points = np.random.default_rng(seed).normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices.astype(np.int64)
    a, b, c = (points[faces[:, k]] for k in range(3))
    inwards = (np.cross(b - a, c - a) * (a + b + c)).sum(1) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return 0.1 * points, faces


def blobs(count: int, vertices: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, V, 3) float32 shapes: taller, pointed or bent, each by 10 mm in the mean."""
    codes = np.random.default_rng(seed).normal(size=(count, 3, 1, 1)) * 0.01
    x, y, z = (vertices / 0.1).T
    zero = np.zeros_like(x)
    taller = np.stack([zero, y, zero], 1)
    pointed = np.stack([zero, zero, np.exp(-3 * (1 - z))], 1)
    bent = np.stack([y * y, zero, zero], 1)
    moved = vertices + codes[:, 0] * taller + codes[:, 1] * pointed + codes[:, 2] * bent
    return moved.astype(np.float32)


def write_folder(folder: Path, count: int, size: int) -> None:
    """`count` .obj files of one family, `size` vertices each."""
    folder.mkdir()
    vertices, faces = ball(size)
    for number, shape in enumerate(blobs(count, vertices)):
        obj.write(folder / f"{number:03d}.obj", TriangleMesh(shape.astype(np.float64), faces))
