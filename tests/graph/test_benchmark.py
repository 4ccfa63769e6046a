"""What the benchmark of graph convolutions claims: its floor counts what a written-out layer does, its mesh is as told."""

import numpy as np
import pytest
import torch

from benchmarks import graph_floor, graph_speed
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from headform.mesh.topology import components, edges
from tests.graph.meshes import MESHES


def count_forward(matrix, layer):
    """Operations of y = sum_k T_k x W_k, one by one, by the recurrence on the side of the input."""
    total = 0
    for _ in range(layer.items):
        for k in range(layer.terms):
            for row in range(layer.vertices):
                if k > 0:
                    total += 2 * int((matrix[row] != 0).sum()) * layer.inputs
                if k > 1:
                    total += layer.inputs  # less T_{k-2}; the 2 lies in the matrix
                total += 2 * layer.inputs * layer.outputs
    return total


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (2, 5)])
@pytest.mark.parametrize("terms", [1, 2, 6])
def test_the_floor_counts_what_a_layer_does(inputs, outputs, terms):
    faces, count = MESHES["pieces"]
    matrix = scaled_laplacian(faces, count).toarray()
    layer = graph_floor.Layer(3, count, int((matrix != 0).sum()), inputs, outputs, terms)
    cost = graph_floor.forward_cost(layer)
    assert cost.flops == count_forward(matrix, layer)
    assert cost.bytes == 4 * 3 * count * (inputs + outputs) + 8 * layer.entries
    turned = graph_floor.Layer(3, count, layer.entries, outputs, inputs, terms)
    recurrence_and_products = count_forward(matrix, turned)
    products = 2 * terms * 3 * count * inputs * outputs
    assert graph_floor.backward_cost(layer).flops == recurrence_and_products + products


def test_the_floor_is_the_greater_bound() -> None:
    floor = graph_floor.floor(graph_floor.Cost(6.0, 8.0), 3.0, 1.0)
    assert (floor.memory, floor.arithmetic) == (2.0, 8.0)
    assert floor.seconds == 8.0
    assert floor.one_after_the_other == 10.0


def test_the_surface_has_the_numbers_of_the_face_model() -> None:
    positions, faces = graph_speed.face_surface()
    count = len(positions)
    pairs, uses = edges(faces)
    assert (count, len(faces), len(pairs)) == (35_709, 70_789, 106_498)
    assert (uses == 1).sum() == 629
    assert uses.max() == 2
    assert not components(faces, count).any()
    np.testing.assert_array_equal(np.unique(faces), np.arange(count))
    degree = np.bincount(pairs.ravel())
    assert degree.min() >= 2
    assert degree.max() <= 12


def test_contestants_agree_before_they_race() -> None:
    pytest.importorskip("torch_geometric", reason="PyTorch Geometric is absent")
    lap = ScaledLaplacian.from_csr(scaled_laplacian(*MESHES["lonely"]))
    x, gradient = torch.randn(2, 3, lap.num_vertices, 16)
    contestants, _ = graph_speed.line_up(lap, x, gradient)
    assert list(contestants) == ["kernel", "reference", "PyG"]
    milliseconds = graph_speed.take_turns(contestants, graph_speed.forward, x, gradient, 3)
    assert all(ms > 0 for ms in milliseconds.values())
