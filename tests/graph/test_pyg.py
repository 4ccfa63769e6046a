"""The convolution against PyTorch Geometric's `ChebConv`, a reading of the same paper by others.

What it computes with ``normalization="sym"``: L = I - D^-1/2 A D^-1/2 as a list of edges plus one loop of weight 1 per
vertex (loops of the input are dropped), 2 L / lambda_max, minus 1 on the loops. With lambda_max = 2, which is also what it
takes when told nothing (twice the largest weight, and the loops' 1 is the largest), the loops become zeros and the rest is
our operator. A vertex without edges keeps its loop of 1 - 1 = 0: a row of zeros, as ours. Weights lie in `lins`, one
`Linear` (out, in) without bias per term.
"""

import warnings

import numpy as np
import pytest
import torch

from headform.graph.cheb_conv import ChebConv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES


@pytest.fixture(scope="module")
def theirs():
    """The class; its package warns of deprecated torch functions when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = pytest.importorskip("torch_geometric.nn", reason="PyTorch Geometric is absent")
    return package.ChebConv


def directed_edges(faces):
    """Both directions of every edge, once, with the number of its triangles."""
    uses = {}
    for face in faces.tolist():
        for a, b in ((0, 1), (1, 2), (2, 0)):
            for pair in ((face[a], face[b]), (face[b], face[a])):
                if pair[0] != pair[1]:
                    uses[pair] = uses.get(pair, 0) + 1
    pairs = np.array(list(uses), np.int64)
    return torch.from_numpy(pairs.T.copy()), torch.tensor(list(uses.values()), dtype=torch.float64)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("edge_weight", ["once", "per_triangle"])
@pytest.mark.parametrize("lambda_max", [2.0, None])
@pytest.mark.parametrize("num_terms", [1, 2, 6])
def test_layer_and_gradients_are_theirs(theirs, mesh, edge_weight, lambda_max, num_terms):
    faces, count = MESHES[mesh]
    edges, uses = directed_edges(faces)
    matrix = scaled_laplacian(faces, count, edge_weight=edge_weight)
    lap = ScaledLaplacian.from_csr(matrix, torch.float64)
    ours = ChebConv(3, 5, num_terms).double()
    torch.nn.init.normal_(ours.bias)
    other = theirs(3, 5, num_terms, normalization="sym").double()
    with torch.no_grad():
        for lin, weight in zip(other.lins, ours.weight, strict=True):
            lin.weight.copy_(weight.T)
        other.bias.copy_(ours.bias)
    x = torch.randn(2, count, 3, dtype=torch.float64, requires_grad=True)
    z = x.detach().clone().requires_grad_()
    weights = None if edge_weight == "once" else uses
    y = ours(x, lap)
    w = other(z, edges, weights, lambda_max=lambda_max)
    torch.testing.assert_close(y, w)
    gradient = torch.randn_like(y)
    y.backward(gradient)
    w.backward(gradient)
    torch.testing.assert_close(x.grad, z.grad)
    torch.testing.assert_close(ours.bias.grad, other.bias.grad)
    for lin, weight in zip(other.lins, ours.weight.grad, strict=True):
        torch.testing.assert_close(lin.weight.grad.T, weight)
