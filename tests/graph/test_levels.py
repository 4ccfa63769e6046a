"""All operators of a hierarchy against loops over its arrays."""

import numpy as np
import pytest
import torch

from headform.graph.levels import GraphLevels
from headform.mesh.hierarchy import build_hierarchy
from tests.graph.meshes import double_loop, flat

F64 = torch.float64


@pytest.fixture(scope="module")
def hierarchy():
    """A bumpy disc on three levels."""
    faces, count = flat(150, 2)
    plane = np.random.default_rng(2).uniform(size=(count, 2))  # the points that `flat` joined
    height = 0.1 * np.sin(9 * plane[:, :1]) * np.cos(7 * plane[:, 1:])
    return build_hierarchy(np.hstack([plane, height]), upward(plane, faces), (4, 3), edge_weight="per_triangle")


def upward(plane, faces):
    """Every triangle the same way round."""
    a, b, c = (plane[faces[:, k]] for k in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    return np.where(turn[:, None] > 0, faces, faces[:, ::-1]).astype(np.int64)


def test_every_operator_is_the_hierarchys(hierarchy):
    levels = GraphLevels.from_hierarchy(hierarchy, F64)
    assert levels.counts == hierarchy.counts == (150, 38, 13)
    assert len(levels.down) == len(levels.up) == 2
    for lap, faces, count in zip(levels.laplacians, hierarchy.faces, hierarchy.counts, strict=True):
        want = double_loop(faces, count, "per_triangle")
        np.testing.assert_allclose(lap.csr().to_dense().numpy(), want, atol=1e-15)
    for level in range(2):
        fine = torch.randn(2, hierarchy.counts[level], 3, dtype=F64)
        coarse = levels.down[level](fine)
        for row, vertex in enumerate(hierarchy.kept[level]):
            assert torch.equal(coarse[:, row], fine[:, vertex])
        back = levels.up[level](coarse)
        for vertex in range(hierarchy.counts[level]):
            corners = hierarchy.up_vertices[level][vertex]
            weights = hierarchy.up_weights[level][vertex]
            want = sum(w * coarse[:, c] for w, c in zip(weights, corners, strict=True))
            torch.testing.assert_close(back[:, vertex], want)


def test_going_up_and_down_again_changes_nothing(hierarchy):
    levels = GraphLevels.from_hierarchy(hierarchy, F64)
    for down, up, count in zip(levels.down, levels.up, levels.counts[1:], strict=True):
        coarse = torch.randn(count, 2, dtype=F64)
        torch.testing.assert_close(down(up(coarse)), coarse)
        ones = torch.ones(count, 1, dtype=F64)
        torch.testing.assert_close(up(ones), torch.ones(up.out_vertices, 1, dtype=F64))


def test_holds_no_state_and_moves_as_one(hierarchy):
    levels = GraphLevels.from_hierarchy(hierarchy)
    assert not levels.state_dict()
    assert not list(levels.parameters())
    assert {b.dtype for b in levels.buffers()} == {torch.float32, torch.int64}
    assert {b.dtype for b in levels.double().buffers()} == {torch.float64, torch.int64}
