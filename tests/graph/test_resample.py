"""Steps between mesh levels against loops and dense matrices."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, random_array
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from headform.graph.resample import Resample, pooling, unpooling

F64 = torch.float64


def corners_and_weights(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    corners = np.stack([rng.permutation(columns)[:3] for _ in range(rows)])
    weights = rng.dirichlet(np.ones(3), size=rows)
    weights[0], weights[1] = (0, 1, 0), (0.25, 0, 0.75)  # as on kept vertices and on edges
    return corners, weights


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,)])
def test_pooling_picks_in_the_given_order(shape):
    kept = np.array([6, 0, 3])
    x = torch.randn(*shape, 7, 2, dtype=F64)
    y = pooling(kept, 7, F64)(x)
    assert y.shape == (*shape, 3, 2)
    for row, vertex in enumerate(kept):
        assert torch.equal(y[..., row, :], x[..., vertex, :])


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_unpooling_mixes_three_vertices(shape):
    corners, weights = corners_and_weights(9, 5)
    x = torch.randn(*shape, 5, 2, dtype=F64)
    y = unpooling(corners, weights, 5, F64)(x)
    assert y.shape == (*shape, 9, 2)
    for row in range(9):
        want = sum(weights[row, k] * x[..., corners[row, k], :] for k in range(3))
        assert_close(y[..., row, :], want)


def test_a_vertex_named_twice_gets_the_sum_of_its_weights() -> None:
    up = unpooling(np.array([[1, 1, 0]]), np.array([[0.5, 0.25, 0.25]]), 2, F64)
    assert up(torch.tensor([[4.0], [8.0]], dtype=F64)).tolist() == [[7.0]]


def test_any_matrix_is_applied_row_by_row() -> None:
    matrix = csr_matrix(random_array((8, 6), density=0.4, rng=np.random.default_rng(0)))
    x = torch.randn(3, 6, 2, dtype=F64)
    resample = Resample.from_csr(matrix, F64)
    assert (resample.rows, resample.columns) == (8, 6)
    for item in range(3):
        np.testing.assert_allclose(resample(x)[item].numpy(), matrix.toarray() @ x[item].numpy())


@pytest.mark.parametrize("step", ["down", "up"])
def test_the_gradient_is_the_transposed_matrix(step):
    corners, weights = corners_and_weights(9, 5)
    dense = np.zeros((9, 5))
    for row in range(9):
        for k in range(3):
            dense[row, corners[row, k]] += weights[row, k]
    resample = unpooling(corners, weights, 5, F64)
    if step == "down":
        resample, dense = pooling(np.array([1, 4]), 5, F64), np.eye(5)[[1, 4]]
    x = torch.randn(2, 5, 3, dtype=F64, requires_grad=True)
    y = resample(x)
    gradient = torch.randn_like(y)
    y.backward(gradient)
    assert x.grad is not None
    for item in range(2):
        want = dense.T @ gradient[item].numpy()
        np.testing.assert_allclose(x.grad[item].numpy(), want, atol=1e-14)
    assert gradcheck(resample, (x,))
    assert gradgradcheck(lambda x: resample(x).square(), (x,))


def test_axes_in_another_order_in_memory_give_the_same() -> None:
    corners, weights = corners_and_weights(9, 5)
    up = unpooling(corners, weights, 5, F64)
    x = torch.randn(3, 2, 5, dtype=F64).transpose(-1, -2)
    assert_close(up(x), up(x.contiguous()))


def test_is_no_state_and_refuses_other_meshes() -> None:
    down = pooling(np.array([0, 2]), 3)
    assert not down.state_dict()
    assert "3 -> 2" in repr(down)
    with pytest.raises(ValueError, match="4 vertices, expected 3"):
        down(torch.zeros(4, 1))
