"""Steps between mesh levels against loops and dense matrices."""

import copy

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, random_array
from torch.autograd import gradcheck, gradgradcheck

from headform.graph.resample import Resample, pooling, unpooling

F64 = torch.float64
KINDS = pytest.mark.parametrize(
    ("dtype", "channels"), [(F64, 2), *((torch.float32, c) for c in (1, 3, 16, 17, 32))], ids=str
)
"""By torch's product, and by the kernel: in lanes of sixteen and not."""


def near(got, want):
    torch.testing.assert_close(got, want, rtol=0, atol=1e-12 if got.dtype == F64 else 1e-6)


def corners_and_weights(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    corners = np.stack([rng.permutation(columns)[:3] for _ in range(rows)])
    weights = rng.dirichlet(np.ones(3), size=rows)
    weights[0], weights[1] = (0, 1, 0), (0.25, 0, 0.75)  # as on kept vertices and on edges
    return corners, weights


@KINDS
@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,)], ids=str)
def test_pooling_picks_in_the_given_order(shape, dtype, channels):
    kept = np.array([6, 0, 3])
    x = torch.randn(*shape, 7, channels, dtype=dtype)
    y = pooling(kept, 7, dtype)(x)
    assert y.shape == (*shape, 3, channels)
    assert y.dtype == dtype
    for row, vertex in enumerate(kept):
        assert torch.equal(y[..., row, :], x[..., vertex, :])


@KINDS
@pytest.mark.parametrize("shape", [(), (4,), (2, 3)], ids=str)
def test_unpooling_mixes_three_vertices(shape, dtype, channels):
    corners, weights = corners_and_weights(9, 5)
    x = torch.randn(*shape, 5, channels, dtype=dtype)
    y = unpooling(corners, weights, 5, dtype)(x)
    assert y.shape == (*shape, 9, channels)
    for row in range(9):
        want = sum(weights[row, k] * x[..., corners[row, k], :] for k in range(3))
        near(y[..., row, :], want)


def test_a_vertex_named_twice_gets_the_sum_of_its_weights() -> None:
    up = unpooling(np.array([[1, 1, 0]]), np.array([[0.5, 0.25, 0.25]]), 2, F64)
    assert up(torch.tensor([[4.0], [8.0]], dtype=F64)).tolist() == [[7.0]]


@KINDS
def test_any_matrix_is_applied_row_by_row(dtype, channels):
    matrix = csr_matrix(random_array((8, 6), density=0.4, rng=np.random.default_rng(0)))
    assert (np.diff(matrix.indptr) == 0).any(), "a row without entries is among them"
    x = torch.randn(3, 6, channels, dtype=dtype)
    resample = Resample.from_csr(matrix, dtype)
    assert (resample.out_vertices, resample.in_vertices) == (8, 6)
    y = resample(x)
    for item in range(3):
        near(y[item], torch.from_numpy(matrix.toarray() @ x[item].double().numpy()).to(dtype))


@KINDS
@pytest.mark.parametrize("step", ["down", "up"])
def test_the_gradient_is_the_transposed_matrix(step, dtype, channels):
    corners, weights = corners_and_weights(9, 5)
    dense = np.zeros((9, 5))
    for row in range(9):
        for k in range(3):
            dense[row, corners[row, k]] += weights[row, k]
    resample = unpooling(corners, weights, 5, dtype)
    if step == "down":
        resample, dense = pooling(np.array([1, 4]), 5, dtype), np.eye(5)[[1, 4]]
    x = torch.randn(2, 5, channels, dtype=dtype, requires_grad=True)
    y = resample(x)
    gradient = torch.randn_like(y)
    y.backward(gradient, retain_graph=True)
    assert x.grad is not None
    for item in range(2):
        want = dense.T @ gradient[item].double().numpy()
        near(x.grad[item], torch.from_numpy(want).to(dtype))
    # Twice: of |x'|² with x' = M^T (g y), along the way that differentiates itself.
    again = resample(x).square().sum()
    (first,) = torch.autograd.grad(again, x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    twice = torch.from_numpy(2 * dense.T @ dense).to(dtype)
    want = 2 * twice @ twice @ x.detach()
    assert (second - want).abs().max() <= (1e-12 if dtype == F64 else 1e-5) * want.abs().max()


def test_gradients_of_first_and_second_order() -> None:
    resample = unpooling(*corners_and_weights(9, 5), 5, F64)
    x = torch.randn(2, 5, 1, dtype=F64, requires_grad=True)
    assert gradcheck(resample, (x,))
    assert gradgradcheck(lambda x: resample(x).square(), (x,))


@pytest.mark.parametrize("channels", [3, 32])
def test_the_number_of_threads_changes_no_bit(channels):
    resample = unpooling(*corners_and_weights(400, 90), 90)
    x, gradient = torch.randn(5, 90, channels), torch.randn(5, 400, channels)
    found = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)  # the suite's fixture puts it back to 1
        leaf = x.clone().requires_grad_()
        y = resample(leaf)
        y.backward(gradient)
        found.append((y.detach(), leaf.grad))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


@KINDS
def test_axes_in_another_order_in_memory_give_the_same(dtype, channels):
    up = unpooling(*corners_and_weights(9, 5), 5, dtype)
    x = torch.randn(3, channels, 5, dtype=dtype).transpose(-1, -2)
    near(up(x), up(x.contiguous()))


def test_a_module_that_changes_its_precision_stays_right() -> None:
    corners, weights = corners_and_weights(9, 5)
    up, x = unpooling(corners, weights, 5), torch.randn(2, 5, 3)
    y = up(x)  # the kernel's arrays are made here
    exact = unpooling(corners, weights, 5, F64)(x.double())
    near(copy.deepcopy(up)(x), y)
    assert up.double()(x.double()).dtype == F64
    assert (up(x.double()) - exact).abs().max() < 1e-6
    near(up.float()(x), y)


def test_is_no_state_and_refuses_other_meshes() -> None:
    down = pooling(np.array([0, 2]), 3)
    assert not down.state_dict()
    assert "3 -> 2" in repr(down)
    with pytest.raises(ValueError, match=r"\(4, 1\) vertices and channels, expected \(3, 1\)"):
        down(torch.zeros(4, 1))


def test_halves_take_the_same_way_up_and_down() -> None:
    matrix = csr_matrix(np.array([[0.25, 0.75, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0, 0, 1]]))
    operator = Resample.from_csr(matrix, torch.bfloat16)
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.bfloat16, requires_grad=True)
    y = operator(x)
    want = torch.tensor([[2.5, 3.5], [3.0, 4.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.bfloat16)
    assert torch.equal(y, want)
    y.sum().backward()
    assert torch.equal(x.grad[:, 0], torch.tensor([0.75, 1.75, 1.5], dtype=torch.bfloat16))
