"""The CPU kernel against the reference in double precision, over widths, batches, meshes and wanted gradients.

What is independent here: `test_cheb_conv` holds the reference, and the kernel too, against dense polynomials.
"""

import copy

import numpy as np
import pytest
import torch

from headform.graph.cheb_conv import ChebConv, cheb_conv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES
from tests.graph.signals import assert_near, assert_same_bits, operators, results, signals

RECTIFY = pytest.mark.parametrize("rectify", [False, True], ids=["plain", "rectified"])


def check(mesh, channels, num_terms, shape, wanted=(True, True, True), *, rectify=False):
    single, double = operators(mesh)
    inputs = signals(mesh, channels, num_terms, shape)
    exact = [t.double() for t in inputs]
    want = results(exact, double, "reference", wanted, rectify=rectify)
    assert_near(results(inputs, single, "compiled", wanted, rectify=rectify), want)


def of(channels):
    return f"{channels[0]}-{channels[1]}"


# Around the sixteen lanes, and around the few channels for which items share them or the recurrence turns round.
WIDE = [(16, 16), (17, 33), (32, 32), (40, 16), (16, 40), (6, 7)]
NARROW = [(1, 1), (3, 16), (16, 3), (3, 3), (5, 4), (4, 5), (6, 5), (5, 6), (33, 1), (1, 33)]


@pytest.mark.parametrize("channels", WIDE + NARROW, ids=of)
@pytest.mark.parametrize("num_terms", [1, 2, 3, 6])
@RECTIFY
def test_equals_the_reference_at_every_width(channels, num_terms, rectify):
    check("large", channels, num_terms, (2,), rectify=rectify)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (5,), (2, 3), (1, 0)], ids=str)
@pytest.mark.parametrize("channels", [(3, 16), (17, 33), (33, 17)], ids=of)
@RECTIFY
def test_equals_the_reference_for_every_batch(shape, channels, rectify):
    check("flat", channels, 6, shape, rectify=rectify)


@pytest.mark.parametrize("items", [1, 3, 5, 6, 7, 11, 16, 17, 33])
@pytest.mark.parametrize("channels", [(1, 2), (3, 5), (5, 3), (20, 2)], ids=of)
def test_equals_the_reference_where_items_share_the_lanes(items, channels):
    check("flat", channels, 4, (items,), rectify=True)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("num_terms", [1, 2, 6, 9])
def test_equals_the_reference_on_every_mesh(mesh, num_terms):
    check(mesh, (5, 18), num_terms, (3,))


@pytest.mark.parametrize("channels", [(16, 16), (3, 16), (16, 3)], ids=of)
def test_equals_the_reference_on_the_head(channels):
    check("head", channels, 6, (1,), rectify=True)


@pytest.mark.parametrize("shape", [(2,), (6,)], ids=str)
@pytest.mark.parametrize("channels", [(3, 17), (17, 3), (20, 20), (2, 3)], ids=of)
@pytest.mark.parametrize("wanted", list(np.ndindex(2, 2, 2)), ids=str)
@RECTIFY
def test_only_the_gradients_that_are_wanted(wanted, channels, shape, rectify):
    flags = tuple(bool(w) for w in wanted)
    check("flat", channels, 4, shape, flags, rectify=rectify)


def test_an_operator_without_entries_leaves_the_even_terms() -> None:
    lap = ScaledLaplacian.from_csr(scaled_laplacian(np.zeros((0, 3), np.int64), 70))
    x, weight = torch.randn(2, 70, 3), torch.randn(5, 3, 2)
    y = cheb_conv(x, weight, None, lap, backend="compiled")
    torch.testing.assert_close(y, x @ (weight[0] - weight[2] + weight[4]))


def test_equal_meshes_with_other_weights_are_told_apart() -> None:
    faces, count = MESHES["flat"]
    x, weight = torch.randn(count, 3), torch.randn(3, 3, 2)
    found = []
    for edge_weight in ("once", "per_triangle"):
        matrix = scaled_laplacian(faces, count, edge_weight=edge_weight)
        lap = ScaledLaplacian.from_csr(matrix)
        y = cheb_conv(x, weight, None, lap, backend="compiled")
        want = cheb_conv(x, weight, None, lap, backend="reference")
        torch.testing.assert_close(y, want, atol=1e-5, rtol=0)
        found.append(y)
    assert (found[0] - found[1]).abs().max() > 0.01


@pytest.mark.parametrize("channels", [(3, 5), (7, 2)], ids=of)
@RECTIFY
def test_a_second_derivative_equals_the_references(channels, rectify):
    single, double = operators("lonely")
    found = []
    for lap, backend in ((double, "reference"), (single, "compiled")):
        inputs = [t.to(lap.values.dtype) for t in signals("lonely", channels, 4, (2,))]
        leaves = [t.requires_grad_() for t in inputs]
        y = cheb_conv(*leaves[:3], lap, rectify=rectify, backend=backend)
        first = torch.autograd.grad(y, leaves[:3], leaves[3], create_graph=True)
        penalty = sum(g.square().sum() for g in first)
        second = torch.autograd.grad(penalty, leaves[:2], retain_graph=True)
        third = torch.autograd.grad(y.square().sum(), leaves[2])
        found.append([penalty.detach()[None], *second, *third])
    assert_near(found[1], found[0])


def test_gradients_add_up_over_layers_that_share_an_operator() -> None:
    single, double = operators("closed")
    net = torch.nn.ModuleList([ChebConv(3, 17, 6), ChebConv(17, 17, 6), ChebConv(17, 2, 6)])
    x = torch.randn(3, single.num_vertices, 3)
    grads = []
    for modules, lap, backend in (
        (copy.deepcopy(net).double(), double, "reference"),
        (copy.deepcopy(net), single, "compiled"),
    ):
        h = x.to(lap.values.dtype)
        for layer in modules:
            layer.backend = backend
            h = torch.tanh(layer(h, lap))
        h.square().sum().backward()  # the first gradient to arrive is a spread-out scalar
        grads.append([p.grad for p in modules.parameters()])
    for want, got in zip(*grads, strict=True):
        assert (got.double() - want).abs().max() <= 1e-5 * want.abs().max()


@pytest.mark.parametrize("channels", [(2, 3), (3, 17), (17, 3), (17, 17)], ids=str)
@RECTIFY
def test_what_is_no_number_shows_and_spoils_no_other_item(channels, rectify):
    lap, _ = operators("flat")
    x, weight, bias, gradient = signals("flat", channels, 3, (6,))
    whole = results([x, weight, bias, gradient], lap, "compiled", rectify=rectify)
    x[2, 7, 1] = torch.nan
    broken = results([x, weight, bias, gradient], lap, "compiled", rectify=rectify)
    assert broken[0][2, 7].isnan().all()
    others = [0, 1, 3, 4, 5]
    assert_same_bits([t[others] for t in broken[:2]], [t[others] for t in whole[:2]])
    assert broken[2].isnan().any()
