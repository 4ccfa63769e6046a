"""The Chebyshev basis against eigenvectors and cosines, and by hand on two vertices."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.testing import assert_close

from headform.graph.chebyshev import chebyshev_basis
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, double_loop

F64 = torch.float64


def operator(mesh, edge_weight="once", dtype=F64):
    faces, count = MESHES[mesh]
    return ScaledLaplacian.from_csr(scaled_laplacian(faces, count, edge_weight=edge_weight), dtype)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("edge_weight", ["once", "per_triangle"])
@pytest.mark.parametrize("num_terms", [1, 2, 3, 6, 12])
def test_is_the_cosine_of_multiples_of_the_spectrum(mesh, edge_weight, num_terms):
    faces, count = MESHES[mesh]
    values, vectors = np.linalg.eigh(double_loop(faces, count, edge_weight))
    angle = np.arccos(values.clip(-1, 1))
    x = np.random.default_rng(0).normal(size=(2, count, 3))
    want = [(vectors * np.cos(k * angle)) @ vectors.T @ x for k in range(num_terms)]
    got = chebyshev_basis(torch.from_numpy(x), operator(mesh, edge_weight), num_terms)
    # arccos loses half the digits at the ends of the spectrum; the cosine of k of them loses k² more.
    np.testing.assert_allclose(got.numpy(), np.stack(want, axis=-1), atol=1e-11)


def test_two_vertices_by_hand() -> None:
    x = torch.tensor([[5.0], [7.0]], dtype=F64)
    want = torch.tensor([[[5.0, -7.0, 5.0, -7.0]], [[7.0, -5.0, 7.0, -5.0]]], dtype=F64)
    assert_close(chebyshev_basis(x, operator("path"), 4), want)


def test_an_isolated_vertex_sees_the_polynomials_at_zero() -> None:
    x = torch.randn(20, 2, dtype=F64)
    basis = chebyshev_basis(x, operator("lonely"), 6)
    at_zero = torch.tensor([1.0, 0.0, -1.0, 0.0, 1.0, 0.0], dtype=F64)
    for vertex in (0, 9, 19):
        assert_close(basis[vertex], x[vertex, :, None] * at_zero)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (0,)])
def test_leading_axes_are_a_batch(shape):
    lap = operator("pieces")
    x = torch.randn(*shape, lap.num_vertices, 2, dtype=F64)
    got = chebyshev_basis(x, lap, 4)
    assert got.shape == (*shape, lap.num_vertices, 2, 4)
    for index in np.ndindex(shape):
        assert_close(got[index], chebyshev_basis(x[index], lap, 4))


def test_gradients_of_first_and_second_order() -> None:
    lap = operator("fan")
    x = torch.randn(2, lap.num_vertices, 1, dtype=F64, requires_grad=True)
    assert gradcheck(lambda x: chebyshev_basis(x, lap, 4), (x,))
    assert gradgradcheck(lambda x: chebyshev_basis(x, lap, 4).square(), (x,), atol=1e-4)


def test_wrong_sizes_are_refused() -> None:
    lap = operator("path")
    with pytest.raises(ValueError, match=r"\(3, 1\) vertices and channels, expected \(2, 1\)"):
        chebyshev_basis(torch.zeros(3, 1, dtype=F64), lap, 2)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        chebyshev_basis(torch.zeros(2, 1, dtype=F64), lap, 0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_halves_are_as_good_as_their_digits(dtype):
    matrix = scaled_laplacian(np.array([[0, 1, 2], [2, 1, 3], [3, 4, 2]]), 5)
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    half = chebyshev_basis(x.to(dtype), ScaledLaplacian.from_csr(matrix, dtype), 4)
    whole = chebyshev_basis(x, ScaledLaplacian.from_csr(matrix, torch.float64), 4)
    assert half.dtype == dtype
    assert (half.double() - whole).abs().max() < 30 * torch.finfo(dtype).eps
