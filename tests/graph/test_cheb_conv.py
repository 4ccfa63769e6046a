"""The convolution against explicit polynomials of dense matrices, its reach, its symmetries, its gradients."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from headform.graph.cheb_conv import ChebConv, cheb_conv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, double_loop, flat

F64 = torch.float64
BACKENDS = pytest.mark.parametrize("backend", ["reference", "compiled", "auto"])

# Coefficients of T_0 to T_5, lowest power first, as tables print them.
POLYNOMIALS = ([1], [0, 1], [-1, 0, 2], [0, -3, 0, 4], [1, 0, -8, 0, 8], [0, 5, 0, -20, 0, 16])


def operator(mesh, dtype=F64):
    faces, count = MESHES[mesh] if isinstance(mesh, str) else mesh
    return ScaledLaplacian.from_csr(scaled_laplacian(faces, count), dtype)


def explicit(x, weight, bias, dense):
    """The sum of dense polynomials, one item of the batch."""
    y = np.zeros((len(x), weight.shape[2])) + bias
    for k, coefficients in enumerate(POLYNOMIALS[: len(weight)]):
        powers = [c * np.linalg.matrix_power(dense, n) for n, c in enumerate(coefficients)]
        y += sum(powers) @ x @ weight[k]
    return y


def tolerance(backend):
    """Of float64, or of the float32 that the kernel takes."""
    return (F64, 1e-12) if backend == "reference" else (torch.float32, 1e-5)


@BACKENDS
@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("num_terms", range(1, 7))
def test_is_a_sum_of_dense_polynomials(mesh, num_terms, backend):
    dtype, error = tolerance(backend)
    lap = operator(mesh, dtype)
    conv = ChebConv(3, 5, num_terms, backend=backend).to(dtype)
    torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, lap.num_vertices, 3, dtype=dtype)
    y = conv(x, lap).detach().double().numpy()
    weight, bias = (p.detach().double().numpy() for p in (conv.weight, conv.bias))
    dense = double_loop(*MESHES[mesh], "once")
    for item in range(2):
        want = explicit(x[item].double().numpy(), weight, bias, dense)
        assert abs(y[item] - want).max() <= error * abs(want).max()


def hops(faces, count, start):
    """Edges from one vertex to every other, found breadth first; -1 where there is no way."""
    neighbors = [set() for _ in range(count)]
    for face in faces.tolist():
        for vertex in face:
            neighbors[vertex].update(face)
    far = np.full(count, -1)
    front, distance = {start}, 0
    while front:
        far[list(front)] = distance
        front = {n for v in front for n in neighbors[v] if far[n] < 0}
        distance += 1
    return far


@BACKENDS
@pytest.mark.parametrize("num_terms", [1, 2, 3, 6])
def test_an_impulse_reaches_exactly_so_many_edges_less_one(num_terms, backend):
    dtype, _ = tolerance(backend)
    faces, count = flat(400, 5)
    lap = operator((faces, count), dtype)
    distance = hops(faces, count, 7)
    assert distance.max() > num_terms
    conv = ChebConv(1, 2, num_terms, bias=False, backend=backend).to(dtype)
    torch.nn.init.constant_(conv.weight[:-1], 0.0)
    torch.nn.init.constant_(conv.weight[-1], 1.0)  # T_{K-1} alone: nothing farther can cancel
    x = torch.zeros(count, 1, dtype=dtype)
    x[7] = 1
    y = conv(x, lap).detach()[:, 0].numpy()
    assert not y[distance > num_terms - 1].any()
    assert (y[distance == num_terms - 1] != 0).all()


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), num_terms=st.integers(1, 5), count=st.integers(4, 30))
def test_relabeling_vertices_relabels_the_result(seed, num_terms, count):
    faces, _ = flat(count, seed)
    names = np.random.default_rng(seed).permutation(count)
    conv = ChebConv(2, 3, num_terms, backend="reference").double()
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(count, 2)))
    renamed = torch.empty_like(x)
    renamed[names] = x
    y = conv(x, operator((faces, count)))
    assert_close(conv(renamed, operator((names[faces], count)))[names], y)


@BACKENDS
@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,)])
def test_leading_axes_are_a_batch(shape, backend):
    dtype, error = tolerance(backend)
    lap = operator("pieces", dtype)
    conv = ChebConv(2, 3, 4, backend=backend).to(dtype)
    x = torch.randn(*shape, lap.num_vertices, 2, dtype=dtype)
    y = conv(x, lap)
    assert y.shape == (*shape, lap.num_vertices, 3)
    for index in np.ndindex(shape):
        assert_close(y[index], conv(x[index], lap), atol=error, rtol=error)


@BACKENDS
@pytest.mark.parametrize("bias", [True, False])
def test_one_term_is_a_linear_layer(bias, backend):
    dtype, error = tolerance(backend)
    lap = operator("flat", dtype)
    conv = ChebConv(4, 6, 1, bias=bias, backend=backend).to(dtype)
    linear = torch.nn.Linear(4, 6, bias=bias, dtype=dtype)
    with torch.no_grad():
        linear.weight.copy_(conv.weight[0].T)
        if conv.bias is not None:
            torch.nn.init.normal_(conv.bias)
            linear.bias.copy_(conv.bias)
    x = torch.randn(3, lap.num_vertices, 4, dtype=dtype)
    assert_close(conv(x, lap), linear(x), atol=error, rtol=error)


@BACKENDS
@pytest.mark.parametrize("bias", [True, False])
def test_rectified_is_the_plain_one_clipped_at_nought(bias, backend):
    dtype, _ = tolerance(backend)
    lap = operator("flat", dtype)
    conv = ChebConv(3, 6, 4, bias=bias, rectify=True, backend=backend).to(dtype)
    if conv.bias is not None:
        torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, lap.num_vertices, 3, dtype=dtype)
    rectified = conv(x, lap)
    conv.rectify = False
    plain = conv(x, lap)
    assert (plain < 0).any()
    assert torch.equal(rectified, plain.clamp(min=0))


@pytest.mark.parametrize("mesh", ["fan", "lonely"])
def test_gradients_of_first_and_second_order(mesh):
    lap = operator(mesh)
    x = torch.randn(2, lap.num_vertices, 2, dtype=F64, requires_grad=True)
    weight = torch.randn(3, 2, 1, dtype=F64, requires_grad=True)
    bias = torch.randn(1, dtype=F64, requires_grad=True)
    assert gradcheck(lambda x, w, b: cheb_conv(x, w, b, lap), (x, weight, bias))
    assert gradgradcheck(lambda x, w, b: cheb_conv(x, w, b, lap).square(), (x, weight, bias))


def test_double_precision_goes_by_the_reference() -> None:
    lap = operator("flat")
    x = torch.randn(2, lap.num_vertices, 2, dtype=F64)
    conv = ChebConv(2, 3, 4).double()
    y = conv(x, lap)
    conv.backend = "reference"
    assert torch.equal(conv(x, lap), y)
    conv.backend = "compiled"
    with pytest.raises(ValueError, match="float32"):
        conv(x, lap)


def test_weights_start_as_those_of_a_linear_layer() -> None:
    conv = ChebConv(8, 32, 6)
    bound = 1 / math.sqrt(48)
    assert conv.weight.shape == (6, 8, 32)
    assert conv.weight.abs().max() <= bound
    assert conv.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert conv.bias is not None
    assert not conv.bias.any()
    assert ChebConv(8, 32, 6, bias=False).bias is None
    assert "8, 32, num_terms=6" in repr(conv)


@BACKENDS
@pytest.mark.parametrize("shape", [(3, 2), (2, 1), (5, 1, 2)])
def test_wrong_sizes_are_refused(shape, backend):
    conv = inspect.unwrap(cheb_conv)  # without the test run's own check of shapes
    weight = torch.ones(2, 2, 1)
    with pytest.raises(ValueError, match=r"expected \(2, 2\)"):
        conv(torch.zeros(shape), weight, None, operator("path", torch.float32), backend=backend)


@BACKENDS
def test_no_term_at_all_is_refused(backend):
    with pytest.raises(ValueError, match="at least 1, got 0"):
        ChebConv(1, 1, 0, backend=backend)


def test_an_unknown_backend_is_refused() -> None:
    plain = inspect.unwrap(ChebConv.__init__)  # without the test run's own check of types
    with pytest.raises(ValueError, match="fast"):
        plain(ChebConv.__new__(ChebConv), 1, 1, 1, backend="fast")
