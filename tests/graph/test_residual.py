"""The residual block: its formula written out, its size, and the sizes of the networks made of it."""

import numpy as np
import pytest
import torch
from torch.nn.functional import elu

from headform.graph.cheb_conv import ChebConv
from headform.graph.laplacian import ScaledLaplacian
from headform.graph.residual import ChebResidual
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, double_loop

F64 = torch.float64


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def dense_conv(x, weight, dense):
    """Up to three terms as dense polynomials."""
    polynomials = (torch.eye(len(dense), dtype=F64), dense, 2 * dense @ dense)
    terms = [polynomials[k] @ x @ weight[k] for k in range(len(weight))]
    if len(weight) == 3:
        terms.append(-x @ weight[2])
    return sum(terms)


@pytest.mark.parametrize("width", [(4, 4), (4, 2), (2, 5)])
def test_is_two_filters_plus_the_way_past_them(width):
    faces, number = MESHES["flat"]
    dense = torch.from_numpy(double_loop(faces, number, "once"))
    lap = ScaledLaplacian.from_csr(scaled_laplacian(faces, number), F64)
    block = ChebResidual(*width, 3).double()
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(2, number, width[0], dtype=F64)
    y = block(x, lap)
    past = torch.eye(width[0], dtype=F64) if width[0] == width[1] else block.shortcut.weight[0]
    for item in range(2):
        inner = elu(dense_conv(x[item], block.first.weight, dense) + block.inner.bias)
        main = dense_conv(inner, block.second.weight, dense)
        want = elu(main + x[item] @ past + block.outer.bias)
        np.testing.assert_allclose(y[item].detach(), want.detach(), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("in_channels", "out_channels"), [(16, 16), (32, 16), (7, 16), (16, 3)])
def test_counts_its_parameters(in_channels, out_channels):
    block = ChebResidual(in_channels, out_channels)
    want = 6 * in_channels * out_channels + 6 * out_channels**2 + 2 * out_channels
    if in_channels != out_channels:
        want += in_channels * out_channels
    assert count(block) == want


def test_networks_of_it_have_the_published_sizes() -> None:
    # Lin et al. 2020, the variant with residual blocks: channels from one block to the next.
    decoder = [ChebResidual(a, b) for a, b in [(32, 16), (16, 16), (16, 16), (16, 3)]]
    refiner = [ChebResidual(a, b) for a, b in [(7, 16), (16, 32), (32, 32), (32, 16), (16, 3)]]
    combine = ChebConv(6, 3, 6, bias=False)
    assert count(*decoder) == 11_756
    assert count(*refiner) == 30_044
    assert count(combine) == 108
