"""Ambient occlusion of a head's vertices.

V vertices, F triangles.
"""

import numpy as np
from jaxtyping import Float, Float32, Int32

from headform.synth import _kernels as kernels


def ambient_occlusion(
    mean: Float[np.ndarray, "V 3"], faces: Int32[np.ndarray, "F 3"], *, directions: int = 96
) -> Float32[np.ndarray, " V"]:
    """Return the cosine-weighted share of far directions that each vertex sees, at least 0.15."""
    k = np.arange(directions) + 0.5  # a Fibonacci sphere
    polar, turn = np.arccos(1 - 2 * k / directions), np.pi * (1 + 5**0.5) * k
    rays = np.stack([np.cos(turn) * np.sin(polar), np.cos(polar), np.sin(turn) * np.sin(polar)], 1).astype(np.float32)
    verts = (mean - mean.mean(0)).astype(np.float32)
    normals = np.empty_like(verts)
    kernels.vertex_normals_into(verts, faces, normals)
    scratch = np.zeros((256, 256), np.float32)
    lit = np.empty(len(verts), np.float32)
    total = np.full(len(verts), 1e-6, np.float32)
    seen = np.zeros(len(verts), np.float32)
    for ray in rays:
        kernels.cast_shadow(verts, faces, ray, 0.22, 0.004, scratch, lit)
        weight = np.maximum(normals @ ray, 0)
        seen += weight * lit
        total += weight
    return np.clip(seen / total, 0.15, 1).astype(np.float32)
