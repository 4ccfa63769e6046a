"""Meshes of simple solids and sheets, from which pieces are put together.

P points of a path, K points of a cross-section, R rows, C columns. Meters; triangles counter-clockwise from outside.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int32

Mesh = tuple[Float[np.ndarray, "_ 3"], Int32[np.ndarray, "_ 3"]]
"""Vertices and triangles."""


@lru_cache(maxsize=256)
def grid_faces(rows: int, columns: int, closed: bool = False) -> Int32[np.ndarray, "F 3"]:
    """Return the triangles of a grid of vertices, row by row; `closed` joins the last column to the first.

    They are counter-clockwise seen from the side from which columns run to the right and rows run down.
    """
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if closed:
        index = np.concatenate([index, index[:, :1]], 1)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3)
    faces.setflags(write=False)
    return faces


@lru_cache(maxsize=32)
def section(count: int, power: float = 2.0) -> Float[np.ndarray, "K 2"]:
    """Return a superellipse of half axes 1, counter-clockwise: 2 is a circle, 4 a rectangle with round corners."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    ring = np.stack([np.sign(cos) * np.abs(cos) ** (2 / power), np.sign(sin) * np.abs(sin) ** (2 / power)], 1)
    ring.setflags(write=False)
    return ring


def join(meshes: list[Mesh]) -> Mesh:
    """Put meshes side by side into one."""
    offsets = np.cumsum([0, *(len(vertices) for vertices, _ in meshes[:-1])]).astype(np.int32)
    faces = [faces + offset for (_, faces), offset in zip(meshes, offsets, strict=True)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)


def sweep(
    path: Float[np.ndarray, "P 3"],
    first: Float[np.ndarray, "P 3"],
    second: Float[np.ndarray, "P 3"],
    ring: Float[np.ndarray, "K 2"],
    closed: bool = False,
) -> Mesh:
    """Sweep a cross-section along a path.

    Args:
        path: Its points.
        first: Direction and half width of the section's first axis at each.
        second: Those of its second axis; `first` x `second` points along the path.
        ring: Cross-section.
        closed: Join the end to the start; otherwise the ends are closed by caps.
    """
    vertices = path[:, None] + ring[:, 0, None] * first[:, None] + ring[:, 1, None] * second[:, None]
    faces = _sweep_faces(len(path), len(ring), closed)
    if closed:
        return vertices.reshape(-1, 3), faces
    return np.concatenate([vertices.reshape(-1, 3), path[:1], path[-1:]]), faces


@lru_cache(maxsize=256)
def _sweep_faces(points: int, ring: int, closed: bool) -> Int32[np.ndarray, "F 3"]:
    if closed:
        index = np.arange(points * ring, dtype=np.int32).reshape(points, ring)
        index = np.concatenate([index, index[:1]])
        index = np.concatenate([index, index[:, :1]], 1)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
        return np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 2).reshape(-1, 3)
    side = grid_faces(points, ring, closed=True)[:, ::-1]
    around = np.arange(ring, dtype=np.int32)
    start, end = points * ring, points * ring + 1
    after = np.roll(around, -1)
    last = (points - 1) * ring
    caps = [
        np.stack([np.full(ring, start), after, around], 1),
        np.stack([np.full(ring, end), last + around, last + after], 1),
    ]
    return np.concatenate([side, *caps]).astype(np.int32)


def tube(path: Float[np.ndarray, "P 3"], radius: Float[np.ndarray, " P"] | float, sides: int = 8) -> Mesh:
    """Sweep a circle along an open path, with frames that do not twist about it."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    least = np.eye(3)[int(np.argmin(np.abs(along).mean(0)))]
    first = np.cross(least, along)
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-12
    second = np.cross(along, first)
    wide = np.broadcast_to(np.asarray(radius), (len(path),))[:, None]
    return sweep(path, first * wide, second * wide, section(sides))


@lru_cache(maxsize=16)
def _unit_sphere(rows: int, columns: int) -> Mesh:
    polar = np.linspace(0, np.pi, rows)
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    x = np.sin(polar)[:, None] * np.sin(turn)
    z = np.sin(polar)[:, None] * np.cos(turn)
    y = np.repeat(np.cos(polar)[:, None], columns, 1)
    return np.stack([x, y, z], -1).reshape(-1, 3), grid_faces(rows, columns, closed=True)


def ellipsoid(center: Float[np.ndarray, "3"], axes: Float[np.ndarray, "3 3"], rows: int = 9, columns: int = 14) -> Mesh:
    """Return an ellipsoid; the rows of `axes` are its half axes, right-handed."""
    unit, faces = _unit_sphere(rows, columns)
    return center + unit @ axes, faces


def smooth_path(points: Float[np.ndarray, "N 3"], count: int) -> Float[np.ndarray, "P 3"]:
    """Sample a Catmull-Rom curve through a few points at equal steps of its parameter."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1, count)
    k = np.minimum(t.astype(int), len(points) - 2)
    u = (t - k)[:, None]
    a, b, c, d = padded[k], padded[k + 1], padded[k + 2], padded[k + 3]
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
