"""Twins, one-rings and boundary loops against dictionaries and geometry."""

import numpy as np
import pytest

from headform.mesh.half_edges import boundary_loops, one_ring, twins
from tests.mesh.surfaces import grid, joined, sphere, without


def holed():
    vertices, faces = sphere(9, 12)
    middle = [f for f in range(len(faces)) if 60 <= f < 64]
    return without(vertices, faces, [0, *middle])


def every_surface():
    return [grid(4, 6), sphere(6, 7), holed(), joined(grid(3, 3), sphere(4, 5))]


@pytest.mark.parametrize("which", range(4))
def test_twins_against_a_dictionary(which) -> None:
    vertices, faces = every_surface()[which]
    number = {
        (int(f[k]), int(f[(k + 1) % 3])): 3 * i + k for i, f in enumerate(faces) for k in range(3)
    }
    expected = [number.get((b, a), -1) for a, b in number]
    np.testing.assert_array_equal(twins(faces, len(vertices)), expected)


@pytest.mark.parametrize("which", range(4))
def test_one_ring_names_the_neighbours_in_order(which) -> None:
    vertices, faces = every_surface()[which]
    start, ring = one_ring(faces, len(vertices))
    directed = {(int(f[k]), int(f[(k + 1) % 3])) for f in faces for k in range(3)}
    corners = {tuple(np.roll(f, -k).tolist()) for f in faces for k in range(3)}
    for v in range(len(vertices)):
        around = ring[start[v] : start[v + 1]].tolist()
        assert sorted(around) == sorted(
            {b for a, b in directed if a == v} | {a for a, b in directed if b == v}
        )
        closed = all((b, v) in directed and (v, b) in directed for b in around)
        steps = list(zip(around, around[1:] + around[:1], strict=True))
        for b, c in steps if closed else steps[:-1]:
            assert (v, b, c) in corners, "the next neighbour closes a triangle, counter-clockwise"


def test_one_ring_of_a_bow_tie_has_fan_after_fan() -> None:
    start, ring = one_ring(np.array([[0, 1, 2], [0, 3, 4], [0, 4, 5]]), 7)
    assert ring[start[0] : start[1]].tolist() == [1, 2, 3, 4, 5]
    assert start[7] == start[6], "vertex 6 has no triangle"


def test_boundary_loops_of_a_sheet_run_counter_clockwise() -> None:
    vertices, faces = grid(4, 5)
    (loop,) = boundary_loops(faces, len(vertices))
    x, y = vertices[loop, 0], vertices[loop, 1]
    assert len(loop) == len(set(loop.tolist())) == 14
    assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2 == pytest.approx(12.0)


def test_boundary_loops_of_holes_and_bow_ties() -> None:
    vertices, faces = holed()
    assert [len(loop) for loop in boundary_loops(faces, len(vertices))] == [6, 3]
    assert boundary_loops(sphere(5, 5)[1], 22) == []
    two = boundary_loops(np.array([[0, 1, 2], [0, 3, 4]]), 5)
    assert sorted(sorted(loop.tolist()) for loop in two) == [[0, 1, 2], [0, 3, 4]]


def test_rings_of_a_relabelled_mesh_are_the_relabelled_rings() -> None:
    _, faces = grid(5, 5)
    order = np.random.default_rng(0).permutation(25)
    start, ring = one_ring(faces, 25)
    start_p, ring_p = one_ring(order[faces], 25)
    for v in range(25):
        w = order[v]
        np.testing.assert_array_equal(
            order[ring[start[v] : start[v + 1]]], ring_p[start_p[w] : start_p[w + 1]]
        )
