"""Smooth extrapolation over a surface of values known at some vertices.

V vertices, F faces, C channels, K patches.

For every channel, with the graph Laplacian L of the mesh, the system is

    (diag(weight) + smoothness L + pull) x = weight known + pull rest

so that x follows `known` where the weight is high, is nearly harmonic where it is zero (without visible
borders), and decays to `rest` far from known values.

It is solved by conjugate gradients. What is smooth, they alone find last; at every step it is therefore corrected by the
exact solution of the same system on patches of vertices, over each of which the correction is constant (an additive
two-level preconditioner, Nicolaides 1987): 15 to 30 steps instead of 30 to 100.
"""

from collections import deque
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64, Integer, UInt32
from scipy.linalg.lapack import spotrf
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from headform.fit._diffusion_kernels import arrange, average, conjugate_gradients, put_back
from headform.heads.linear import LinearHead
from headform.kernels.blas_threads import one_blas_thread
from headform.kernels.threads import run_all

PATCH_VERTICES, MOST_PATCHES = 40, 300
"""Vertices of a patch, and the number of patches about which they grow: their system is solved densely, in a millisecond."""


_DEFINITE = np.float32(1 + 1e-5)
"""Factor on the diagonal of their Laplacian, so that it is definite in single precision where nearly nothing is known."""
SLOTS = 8
"""Neighbors of a vertex that are in a table of even rows; few vertices have more."""


@dataclass(frozen=True, eq=False)
class VertexGraph:
    """Neighbors of each vertex, in rows in which the vertices of a patch are beside each other.

    Attributes:
        order: (V,) vertex of each row.
        degree: (V,) number of neighbors.
        slots: (8, V) rows of the first neighbors; the row itself, which adds nothing to a Laplacian, where there are fewer.
        more: (N, 2) a row and the row of a neighbor beyond the first eight.
        first: (K + 1,) first row of each patch, and V.
        between: (K, K) Laplacian of the graph, summed over the rows and columns of each patch.
    """

    order: Int64[np.ndarray, " V"]
    degree: Float32[np.ndarray, " V"]
    slots: UInt32[np.ndarray, "8 V"]
    more: UInt32[np.ndarray, "N 2"]
    first: Int64[np.ndarray, " K1"]
    between: Float32[np.ndarray, "K K"]


def vertex_graph(
    positions: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    stitch: float,
    apart: Bool[np.ndarray, " V"] | None = None,
) -> VertexGraph:
    """Build the graph of mesh edges, with additional edges between components whose open borders nearly touch.

    Args:
        positions: (V, 3) vertices, meters.
        faces: (F, 3) vertex indices.
        stitch: Distance below which border vertices of different components are joined, meters.
        apart: Mask of vertices that no edge joins to the others.
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
    if apart is not None:
        joined = joined[apart[joined[:, 0]] == apart[joined[:, 1]]]
    both = np.concatenate([joined, joined[:, ::-1]])
    matrix = coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), (count, count)).tocsr()
    patch = _patches(matrix, max(PATCH_VERTICES, count // MOST_PATCHES))
    order = np.argsort(patch, kind="stable")
    return _rows(matrix[order][:, order].tocsr(), patch[order], order)


def _rows(matrix: csr_matrix, patch: Int64[np.ndarray, " V"], order: Int64[np.ndarray, " V"]) -> VertexGraph:
    """Lay out the neighbors of sorted vertices, given their adjacency and ascending patches."""
    count, degree = len(order), np.diff(matrix.indptr)
    row = np.repeat(np.arange(count), degree)
    place, neighbor = np.arange(len(row)) - matrix.indptr[row], matrix.indices
    slots = np.tile(np.arange(count, dtype=np.uint32), (SLOTS, 1))
    even = place < SLOTS
    slots[place[even], row[even]] = neighbor[even]
    number = int(patch[-1]) + 1 if count else 0
    between = np.zeros((number, number), np.float32)
    np.add.at(between, (patch[row], patch[row]), np.float32(1))
    np.add.at(between, (patch[row], patch[neighbor]), np.float32(-1))
    return VertexGraph(
        order=order,
        degree=degree.astype(np.float32),
        slots=slots,
        more=np.stack([row[~even], neighbor[~even]], axis=1).astype(np.uint32),
        first=np.searchsorted(patch, np.arange(number + 1)),
        between=between,
    )


def _patches(matrix: csr_matrix, size: int) -> Int64[np.ndarray, " V"]:
    """Cut a graph into connected patches of about `size` vertices; what remains between them joins a neighbor."""
    start, neighbor = matrix.indptr.tolist(), matrix.indices.tolist()
    patch = [-1] * (len(start) - 1)
    members: list[list[int]] = []
    for first in range(len(patch)):
        seeds = deque([first])
        while seeds:  # the next patch begins beside the last
            seed = seeds.popleft()
            if patch[seed] >= 0:
                continue
            patch[seed], grown = len(members), [seed]
            for vertex in grown:
                for other in neighbor[start[vertex] : start[vertex + 1]]:
                    if patch[other] < 0:
                        if len(grown) < size:
                            patch[other] = len(members)
                            grown.append(other)
                        else:
                            seeds.append(other)
            members.append(grown)
    sizes = [len(each) for each in members]
    for number, each in enumerate(members):
        if sizes[number] < size // 3:
            beside = {patch[o] for v in each for o in neighbor[start[v] : start[v + 1]]} - {number}
            if beside:
                least = min(beside, key=lambda other: (sizes[other], other))
                sizes[least] += sizes[number]
                members[least] += each
                for vertex in each:
                    patch[vertex] = least
                sizes[number] = size  # empty
    return np.unique(patch, return_inverse=True)[1]


_KNOWN: WeakKeyDictionary[LinearHead, VertexGraph] = WeakKeyDictionary()


def head_graph(head: LinearHead) -> VertexGraph:
    """Return the `vertex_graph` of a head, cached; components within 2 mm are joined."""
    if head not in _KNOWN:
        _KNOWN[head] = vertex_graph(head.mean.numpy(), head.faces.numpy(), 0.002)
    return _KNOWN[head]


_LIPS_APART: WeakKeyDictionary[LinearHead, VertexGraph] = WeakKeyDictionary()


def lips_apart(head: LinearHead) -> VertexGraph:
    """Return the `head_graph` without edges between lips and skin, cached: lipstick does not spread."""
    if "lips" not in head.regions:
        return head_graph(head)
    if head not in _LIPS_APART:
        lips = head.regions["lips"].numpy()
        _LIPS_APART[head] = vertex_graph(head.mean.numpy(), head.faces.numpy(), 0.002, lips)
    return _LIPS_APART[head]


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
    """Solve the system of the module docstring.

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
    order, size = graph.order, known.shape[::-1]
    diagonal, right, x = np.empty(size[1], np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    arrange(order, known, weight, pull, rest, diagonal, right, x)
    number = len(graph.between)
    system = np.float32(smoothness) * graph.between
    own = np.arange(number)
    system[own, own] = _DEFINITE * system[own, own] + np.add.reduceat(diagonal, graph.first[:-1])
    with one_blas_thread():  # beside another busy program, waiting for each other takes them a tenth of a second
        factor = spotrf(system, lower=0, clean=0)[0]  # upper, by columns: the lower one by rows
    common = graph.slots, graph.more, graph.first, np.ascontiguousarray(factor.T), graph.degree, diagonal
    channels = [slice(c, c + 1) for c in range(len(x))]
    tasks = [(*common, np.float32(smoothness), right[c], x[c], tolerance, max_iterations) for c in channels]
    run_all(conjugate_gradients, tasks)
    out = np.empty(known.shape, np.float32)
    put_back(order, x, out)
    return out


def averaged(
    graph: VertexGraph, values: Float[np.ndarray, "V C"], where: Bool[np.ndarray, " V"], steps: int
) -> Float64[np.ndarray, "V C"]:
    """Average values over neighbors, `steps` times, among the vertices of a mask; the others stay as they are."""
    order = graph.order
    rows = np.ascontiguousarray(values[order].T, np.float32)
    average(graph.slots, graph.more, where[order], rows, steps)
    out = np.array(values, np.float64)
    out[order] = rows.T
    return np.where(where[:, None], out, values)
