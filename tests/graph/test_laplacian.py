"""The operator module: what it stores, what it refuses, how it moves."""

import copy

import numpy as np
import pytest
import torch
from scipy.sparse import coo_matrix, csr_matrix

from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, double_loop


@pytest.mark.parametrize("mesh", MESHES)
def test_holds_the_matrix_it_was_made_from(mesh):
    faces, count = MESHES[mesh]
    lap = ScaledLaplacian.from_csr(scaled_laplacian(faces, count), torch.float64)
    assert lap.num_vertices == count
    want = double_loop(faces, count, "once")
    np.testing.assert_allclose(lap.csr().to_dense().numpy(), want, atol=1e-15)
    np.testing.assert_array_equal(lap.to_scipy().toarray(), lap.csr().to_dense().numpy())
    single = ScaledLaplacian.from_csr(scaled_laplacian(faces, count))
    np.testing.assert_allclose(single.csr().to_dense().numpy(), want, atol=1e-7)


def test_untidy_input_is_put_in_order_and_left_alone() -> None:
    entries = ([-0.25, -0.5, -0.25, -0.5], ([0, 1, 0, 2], [1, 0, 1, 2]))
    matrix = coo_matrix(entries, shape=(3, 3)).tocsr(copy=True)
    shuffled = csr_matrix(([-0.5, -0.25, -0.25, -0.5], [1, 2, 2, 1], [0, 1, 3, 4]), shape=(3, 3))
    before = shuffled.indices.copy(), shuffled.data.copy()
    lap = ScaledLaplacian.from_csr(matrix, torch.float64)
    want = [[0, -0.5, 0], [-0.5, 0, 0], [0, 0, -0.5]]
    assert lap.csr().to_dense().tolist() == want
    with pytest.raises(ValueError, match="symmetric"):
        ScaledLaplacian.from_csr(shuffled)
    np.testing.assert_array_equal(shuffled.indices, before[0])
    np.testing.assert_array_equal(shuffled.data, before[1])


def test_what_is_no_laplacian_is_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        ScaledLaplacian.from_csr(csr_matrix((2, 3)))
    with pytest.raises(ValueError, match="symmetric"):
        ScaledLaplacian.from_csr(csr_matrix([[0.0, 1e-6], [0.0, 0.0]]))


def test_is_no_state_but_moves_with_its_module() -> None:
    faces, count = MESHES["flat"]
    net = torch.nn.Sequential(ScaledLaplacian.from_csr(scaled_laplacian(faces, count)))
    assert not net.state_dict()
    assert not list(net.parameters())
    net.double()
    assert net[0].values.dtype == torch.float64
    assert net[0].col_indices.dtype == torch.int64
    assert str(count) in repr(net)


def test_the_digest_tells_operators_apart() -> None:
    faces, count = MESHES["flat"]
    once, twice = (
        ScaledLaplacian.from_csr(scaled_laplacian(faces, count, edge_weight=weight))
        for weight in ("once", "per_triangle")
    )
    again = ScaledLaplacian.from_csr(scaled_laplacian(faces[::-1].copy(), count))
    assert once.digest == again.digest == copy.deepcopy(once).digest
    assert once.digest != twice.digest
    assert once.digest != ScaledLaplacian.from_csr(csr_matrix((count, count))).digest
