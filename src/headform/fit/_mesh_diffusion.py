"""Smooth extrapolation over a surface of values known at some vertices.

V vertices, F faces, C channels, M neighbor entries.

For every channel, with the graph Laplacian L of the mesh, the system is

    (diag(weight) + smoothness L + pull) x = weight known + pull rest

so that x follows `known` where the weight is high, is nearly harmonic where it is zero (without visible
borders), and decays to `rest` far from known values.
"""

import typing
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Float, Float32, Int32, Integer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from headform.heads.linear import LinearHead
from headform.kernels.jit import njit


@dataclass(frozen=True, eq=False)
class VertexGraph:
    """Neighbors of each vertex, in compressed sparse rows.

    Attributes:
        start: (V + 1,) index into `neighbor` of the first neighbor of each vertex.
        neighbor: (M,) vertex indices of the neighbors.
    """

    start: Int32[np.ndarray, " V1"]
    neighbor: Int32[np.ndarray, " M"]


def vertex_graph(positions: Float[np.ndarray, "V 3"], faces: Integer[np.ndarray, "F 3"], stitch: float) -> VertexGraph:
    """Build the graph of mesh edges, with additional edges between components whose open borders nearly touch.

    Args:
        positions: (V, 3) vertices, meters.
        faces: (F, 3) vertex indices.
        stitch: Distance below which border vertices of different components are joined, meters.
    """
    count = len(positions)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ordered, times = np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)
    ones = np.ones(len(ordered))
    mesh = coo_matrix((ones, (ordered[:, 0], ordered[:, 1])), (count, count))
    component = connected_components(mesh, directed=False)[1]
    border = np.unique(ordered[times == 1])
    near = cKDTree(positions[border]).query_pairs(stitch, output_type="ndarray")
    near = border[near].reshape(-1, 2)
    near = near[component[near[:, 0]] != component[near[:, 1]]]
    joined = np.concatenate([ordered, near])
    both = np.concatenate([joined, joined[:, ::-1]])
    matrix = coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count)).tocsr()
    return VertexGraph(matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32))


_KNOWN: WeakKeyDictionary[LinearHead, VertexGraph] = WeakKeyDictionary()


def head_graph(head: LinearHead) -> VertexGraph:
    """Return the `vertex_graph` of a head, cached; components within 2 mm are joined."""
    if head not in _KNOWN:
        _KNOWN[head] = vertex_graph(head.mean.numpy(), head.faces.numpy(), 0.002)
    return _KNOWN[head]


def diffuse(
    graph: VertexGraph,
    known: Float[np.ndarray, "V C"],
    weight: Float[np.ndarray, " V"],
    *,
    smoothness: float,
    pull: Float[np.ndarray, " V"],
    rest: Float[np.ndarray, "V C"],
    tolerance: float = 1e-2,
    max_iterations: int = 150,
) -> Float32[np.ndarray, "V C"]:
    """Solve the system of the module docstring by conjugate gradients.

    Args:
        graph: Graph of the surface.
        known: (V, C) values; ignored where the weight is 0.
        weight: (V,) non-negative weight of `known`.
        smoothness: Weight of a difference along an edge, relative to a known weight of 1.
        pull: (V,) positive weight of `rest`.
        rest: (V, C) values to which the result decays away from known ones.
        tolerance: Residual at which to stop, relative to the right-hand side.
        max_iterations: Largest number of iterations.
    """
    diagonal = (weight + pull).astype(np.float32)
    right = (weight[:, None] * known + pull[:, None] * rest).astype(np.float32)
    x = np.where(weight[:, None] > 0.05, known, rest).astype(np.float32)
    _conjugate_gradients(
        graph.start, graph.neighbor, diagonal, np.float32(smoothness), right, x,
        tolerance, max_iterations,
    )  # fmt: skip
    return x


@njit(cache=True, nogil=True)
@typing.no_type_check
def _apply(start, neighbor, diagonal, smoothness, x, out):
    """Compute out = (diag + smoothness L) x, all (V, C)."""
    for v in range(x.shape[0]):
        degree = start[v + 1] - start[v]
        own = diagonal[v] + smoothness * degree
        for c in range(x.shape[1]):
            out[v, c] = own * x[v, c]
        for k in range(start[v], start[v + 1]):
            n = neighbor[k]
            for c in range(x.shape[1]):
                out[v, c] -= smoothness * x[n, c]


@njit(cache=True, nogil=True)
@typing.no_type_check
def _conjugate_gradients(start, neighbor, diagonal, smoothness, right, x, tolerance, max_iterations):
    """Run Jacobi-preconditioned conjugate gradients on all channels, each with its own step; x (V, C) in place."""
    count, channels = x.shape
    q = np.empty_like(x)
    _apply(start, neighbor, diagonal, smoothness, x, q)
    r = right - q
    z = np.empty_like(r)
    inverse = np.empty(count, np.float32)
    scale = np.zeros(channels)
    for v in range(count):
        inverse[v] = 1.0 / (diagonal[v] + smoothness * (start[v + 1] - start[v]))
        for c in range(channels):
            z[v, c] = inverse[v] * r[v, c]
            scale[c] += inverse[v] * right[v, c] ** 2
    p = z.copy()
    rz = np.zeros(channels)
    for v in range(count):
        for c in range(channels):
            rz[c] += r[v, c] * z[v, c]
    for _ in range(max_iterations):
        done = True
        for c in range(channels):
            done = done and rz[c] <= tolerance**2 * scale[c] + 1e-12
        if done:
            break
        _apply(start, neighbor, diagonal, smoothness, p, q)
        pq = np.zeros(channels)
        for v in range(count):
            for c in range(channels):
                pq[c] += p[v, c] * q[v, c]
        step = np.zeros(channels, np.float32)
        for c in range(channels):
            step[c] = rz[c] / pq[c] if pq[c] > 0 else 0.0
        fresh = np.zeros(channels)
        for v in range(count):
            for c in range(channels):
                x[v, c] += step[c] * p[v, c]
                r[v, c] -= step[c] * q[v, c]
                z[v, c] = inverse[v] * r[v, c]
                fresh[c] += r[v, c] * z[v, c]
        for c in range(channels):
            step[c] = fresh[c] / rz[c] if rz[c] > 0 else 0.0
            rz[c] = fresh[c]
        for v in range(count):
            for c in range(channels):
                p[v, c] = z[v, c] + step[c] * p[v, c]
