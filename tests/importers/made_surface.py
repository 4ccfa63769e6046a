"""A sampled head's surface of any size, for files that tests write: an ellipsoid of random triangles that face outwards."""

import os
import pickle
from pathlib import Path

import numpy as np

RIGHT, LEFT = (-45.0, 30.0, 30.0), (45.0, 30.0, 30.0)
"""Outer corners of the eyes, mm, 90 apart."""


def surface(vertices: int, triangles: int, eyes: tuple[int, int] = (0, 1)) -> tuple[np.ndarray, np.ndarray]:
    """Points in mm, float32 values as float64, and triangles from 0; the outer eye corners are vertices `eyes`."""
    k = np.arange(vertices) + 0.5
    z, turn = 1 - 2 * k / vertices, k * np.pi * (1 + np.sqrt(5))
    ring = np.sqrt(1 - z**2)
    points = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], 1) * (75.0, 110.0, 90.0)
    points[eyes[0]], points[eyes[1]] = RIGHT, LEFT
    points = points.astype(np.float32).astype(np.float64)
    rng = np.random.default_rng(vertices)
    start = rng.integers(0, vertices, triangles)
    step = rng.integers(1, vertices // 3, (2, triangles))
    faces = np.stack([start, (start + step[0]) % vertices, (start - step[1]) % vertices], 1)
    a, b, c = points[faces].transpose(1, 0, 2)
    inwards = (np.cross(b - a, c - a) * (a + b + c - 3 * points.mean(0))).sum(1) < 0
    faces[inwards] = faces[inwards][:, [0, 2, 1]]
    return points, faces


def wave(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """A float32 matrix of values between -1 and 1 that no two places share by plan; quicker than random numbers."""
    row = np.sin(np.arange(columns, dtype=np.float32) * np.float32(0.7 + seed))
    column = np.cos(np.arange(rows, dtype=np.float32) * np.float32(1.3 + seed))
    return row[None] * column[:, None] + row[None] ** 2 * column[::-1, None]


def unit_columns(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    """Columns of length 1, float32."""
    matrix = wave(rows, columns, seed) + np.float32(0.1)
    return matrix / np.linalg.norm(matrix, axis=0)


class Opens:
    """Pickled: a call that leaves a file behind."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.canary),)


def malicious(canary: Path) -> bytes:
    """A pickle that makes the folder `canary` when it is loaded the usual way."""
    return pickle.dumps({"shape": Opens(canary)})
