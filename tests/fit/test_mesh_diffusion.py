"""Diffusion over a mesh: scipy's direct solver on the same system, and stitched components."""

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.csgraph import laplacian
from scipy.sparse.linalg import spsolve

from headform.fit._mesh_diffusion import SLOTS, averaged, diffuse, head_graph, lips_apart, vertex_graph
from headform.heads.linear import LinearHead


def grid(side: int, left: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(side) * 0.01 + left, np.arange(side) * 0.01)
    i = np.arange(side * side).reshape(side, side)
    a, b, c, d = (g.ravel() for g in (i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()]), faces


def test_solves_the_stated_system() -> None:
    rng = np.random.default_rng(0)
    positions, faces = grid(12)
    graph = vertex_graph(positions, faces, 0.0)
    known, rest = rng.normal(size=(144, 3)), rng.normal(size=(144, 3))
    weight = rng.uniform(0, 1, 144) * (rng.random(144) < 0.3)
    pull = np.full(144, 0.01)
    got = diffuse(graph, known, weight, smoothness=2.0, pull=pull, rest=rest,
                  tolerance=1e-5, max_iterations=1000)  # fmt: skip
    pairs = {tuple(sorted((f[k], f[k - 1]))) for f in faces for k in range(3)}
    i, j = np.array(sorted(pairs)).T
    adjacency = coo_matrix((np.ones(len(i)), (i, j)), (144, 144))
    system = diags(weight + pull) + 2.0 * laplacian(adjacency + adjacency.T)
    right = weight[:, None] * known + pull[:, None] * rest
    expected = np.stack([spsolve(system.tocsc(), right[:, c]) for c in range(3)], axis=1)
    np.testing.assert_allclose(got, expected, atol=2e-4)


def test_the_usual_tolerance_is_near_enough_for_colors() -> None:
    rng = np.random.default_rng(1)
    positions, faces = grid(60)
    graph = vertex_graph(positions, faces, 0.0)
    known = np.sin(positions[:, :1] * [9, 5, 7])
    weight = (positions[:, 0] < 0.2) * rng.uniform(0.5, 1, 3600)
    args = {"smoothness": 3.0, "pull": np.full(3600, 2e-3), "rest": np.zeros((3600, 3))}
    exact = diffuse(graph, known, weight, **args, tolerance=1e-6, max_iterations=5000)
    assert np.abs(diffuse(graph, known, weight, **args) - exact).max() < 0.05


def test_values_cross_between_components_that_touch() -> None:
    a, faces_a = grid(6)
    b, faces_b = grid(6, left=0.051)  # 1 mm beside the border of the first
    positions, faces = np.concatenate([a, b]), np.concatenate([faces_a, faces_b + 36])
    weight = np.repeat([1.0, 0.0], 36)
    known = np.ones((72, 1))
    args = {"smoothness": 1.0, "pull": np.full(72, 1e-4), "rest": np.zeros((72, 1))}
    apart = diffuse(vertex_graph(positions, faces, 0.0), known, weight, **args)
    joined = diffuse(vertex_graph(positions, faces, 0.002), known, weight, **args)
    assert np.abs(apart[36:]).max() < 0.01
    assert joined[36:].min() > 0.9


def fan(spokes: int) -> tuple[np.ndarray, np.ndarray]:
    """A vertex in the middle with more neighbors than `VertexGraph` has slots."""
    around = 2 * np.pi * np.arange(spokes) / spokes
    positions = np.concatenate([[[0.0, 0, 0]], np.stack([np.cos(around), np.sin(around), 0 * around], 1)])
    ring = np.arange(spokes)
    return positions, np.stack([0 * ring, 1 + ring, 1 + (ring + 1) % spokes], 1)


def dense_solution(
    faces: np.ndarray, known: np.ndarray, weight: np.ndarray, smoothness: float, pull: float
) -> np.ndarray:
    count = len(known)
    i, j = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0).T
    adjacency = coo_matrix((np.ones(len(i)), (i, j)), (count, count))
    system = (diags(weight + pull) + smoothness * laplacian(adjacency + adjacency.T)).tocsc()
    return np.stack([spsolve(system, weight * known[:, c]) for c in range(known.shape[1])], axis=1)


def test_a_vertex_may_have_any_number_of_neighbors() -> None:
    positions, faces = fan(3 * SLOTS)
    known = np.random.default_rng(2).normal(size=(len(positions), 2))
    weight = np.where(np.arange(len(positions)) % 5, 0.0, 1.0)
    graph = vertex_graph(positions, faces, 0.0)
    args = {"smoothness": 2.0, "pull": np.full(len(weight), 0.01), "rest": np.zeros_like(known)}
    got = diffuse(graph, known, weight, **args, tolerance=1e-5, max_iterations=500)
    np.testing.assert_allclose(got, dense_solution(faces, known, weight, 2.0, 0.01), atol=1e-4)


def test_half_a_head_is_continued_as_the_direct_solver_does(head: LinearHead) -> None:
    mean, faces = head.mean.numpy().astype(np.float64), head.faces.numpy()
    seen = (mean[:, 0] > 0.01) & (mean[:, 2] > np.median(mean[:, 2]))
    known = np.sin(40 * mean)
    graph = vertex_graph(mean, faces, 0.0)
    got = diffuse(graph, known, seen * 1.0, smoothness=3.0, pull=np.full(len(mean), 2e-3), rest=np.zeros_like(known))
    expected = dense_solution(faces, known, seen * 1.0, 3.0, 2e-3)
    assert np.abs(got - expected).max() < 0.02
    # patches cover the surface, each with some vertices, and their Laplacian has no constant part
    first = head_graph(head).first
    assert np.diff(first).min() > 0
    assert first[-1] == len(mean)
    assert np.abs(graph.between.sum(1)).max() == 0


def test_averages_stay_within_the_mask(head: LinearHead) -> None:
    positions, faces = fan(3 * SLOTS)
    graph = vertex_graph(positions, faces, 0.0)
    where = np.arange(len(positions)) % 3 < 2
    values = np.random.default_rng(0).normal(size=(len(positions), 2))
    once, often = averaged(graph, values, where, 1), averaged(graph, values, where, 500)
    np.testing.assert_array_equal(often[~where], values[~where])
    np.testing.assert_allclose(once[0], values[where].mean(axis=0), atol=1e-6)  # the middle touches all
    assert np.ptp(often[where], axis=0).max() < 0.05 < np.ptp(values[where], axis=0).min()


def test_lipstick_does_not_spread(head: LinearHead) -> None:
    lips = head.regions["lips"].numpy()
    known = np.where(lips, 1.0, 0.0)[:, None]
    weight, pull = lips * 1.0, np.full(len(lips), 1e-3)
    args = {"smoothness": 3.0, "pull": pull, "rest": np.zeros_like(known)}
    assert diffuse(head_graph(head), known, weight, **args)[~lips].max() > 0.5
    got = diffuse(lips_apart(head), known, weight, **args)
    assert np.abs(got[~lips]).max() < 1e-3
    assert got[lips].min() > 0.99
