"""The CPU kernel against the reference in double precision, and what it promises about threads and gradients.

What is independent here: `test_cheb_conv` holds the reference, and the kernel too, against dense polynomials.
"""

import copy
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
import torch

from headform import heads
from headform.graph.cheb_conv import ChebConv, cheb_conv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import MESHES, flat

F64 = torch.float64


@cache
def operators(mesh):
    """In single and in double precision, of the same rounded entries."""
    if mesh == "head":
        head = heads.load_open()
        faces, count = np.asarray(head.faces, np.int64), len(head.mean)
    else:
        faces, count = flat(3000, 1) if mesh == "large" else MESHES[mesh]
    single = ScaledLaplacian.from_csr(scaled_laplacian(faces, count))
    return single, copy.deepcopy(single).double()


def signals(mesh, channels, num_terms, shape, seed=0):
    """x, weight, bias and the gradient of the result."""
    generator = torch.Generator().manual_seed(seed)
    count = operators(mesh)[0].count
    sizes = ((*shape, count, channels[0]), (num_terms, *channels), channels[1:])
    sizes = (*sizes, (*shape, count, channels[1]))
    return [torch.randn(size, generator=generator) for size in sizes]


def results(inputs, lap, backend, wanted=(True, True, True)):
    """The result and the gradients of x, weight and bias, None for those not wanted."""
    leaves = [t.detach().requires_grad_(w) for t, w in zip(inputs[:3], wanted, strict=True)]
    y = cheb_conv(*leaves, lap, backend=backend)
    if any(wanted):
        y.backward(inputs[3])
    return [y.detach(), *(leaf.grad for leaf in leaves)]


def assert_near(got, want):
    """To 1e-5 of the largest value."""
    for name, one, other in zip(("y", "x", "weight", "bias"), got, want, strict=True):
        assert (one is None) == (other is None), name
        if one is None:
            continue
        assert one.dtype == torch.float32
        assert one.shape == other.shape, name
        if other.numel():
            largest = other.abs().max()
            assert (one.double() - other).abs().max() <= 1e-5 * largest, name


def check(mesh, channels, num_terms, shape):
    single, double = operators(mesh)
    inputs = signals(mesh, channels, num_terms, shape)
    want = results([t.double() for t in inputs], double, "reference")
    got = results(inputs, single, "compiled")
    assert_near(got, want)


CHANNELS = [(1, 1), (3, 16), (16, 16), (16, 3), (17, 33), (32, 32), (40, 16), (16, 40)]


@pytest.mark.parametrize("channels", CHANNELS, ids=lambda c: f"{c[0]}-{c[1]}")
@pytest.mark.parametrize("num_terms", [1, 2, 3, 6])
def test_equals_the_reference_at_every_width(channels, num_terms):
    check("large", channels, num_terms, (2,))


@pytest.mark.parametrize("shape", [(), (1,), (4,), (5,), (2, 3), (1, 0)], ids=str)
@pytest.mark.parametrize("channels", [(3, 16), (17, 33)], ids=lambda c: f"{c[0]}-{c[1]}")
def test_equals_the_reference_for_every_batch(shape, channels):
    check("flat", channels, 6, shape)


@pytest.mark.parametrize("mesh", MESHES)
@pytest.mark.parametrize("num_terms", [1, 2, 6, 9])
def test_equals_the_reference_on_every_mesh(mesh, num_terms):
    check(mesh, (5, 18), num_terms, (3,))


def test_equals_the_reference_on_the_head() -> None:
    check("head", (16, 16), 6, (1,))


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


@pytest.mark.parametrize("which", ["turned", "strided", "expanded", "offset"])
def test_any_layout_in_memory_gives_the_same_bits(which):
    lap, _ = operators("flat")
    x, weight, bias, gradient = signals("flat", (3, 5), 4, (4,))
    if which == "turned":
        x, gradient = (t.transpose(-1, -2).contiguous().transpose(-1, -2) for t in (x, gradient))
        weight = weight.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    elif which == "strided":
        x, gradient = (torch.cat([t, t], dim=-1)[::2, :, : t.shape[-1]] for t in (x, gradient))
        bias = torch.stack([bias, bias], dim=1)[:, 0]
    elif which == "expanded":
        x, gradient = (t[:1].expand(4, -1, -1) for t in (x, gradient))
    else:  # an address that no vector register likes
        x, gradient = (
            torch.cat([t.new_zeros(1), t.flatten()])[1:].view(t.shape) for t in (x, gradient)
        )
    inputs = [x, weight, bias, gradient]
    plain = [t.clone(memory_format=torch.contiguous_format) for t in inputs]
    for got, want in zip(
        results(inputs, lap, "compiled"), results(plain, lap, "compiled"), strict=True
    ):
        assert torch.equal(got, want)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)], ids=str)
def test_the_number_of_threads_changes_no_bit(shape):
    lap, _ = operators("large")
    inputs = signals("large", (33, 17), 6, shape)
    found = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)  # the suite's fixture puts it back to 1
        found.append(results(inputs, lap, "compiled"))
    for other in found[1:]:
        assert all(torch.equal(a, b) for a, b in zip(found[0], other, strict=True))


def test_callers_at_once_do_not_meet() -> None:
    torch.set_num_threads(3)
    tasks = [
        (mesh, signals(mesh, channels, num_terms, (3,), seed))
        for seed, (mesh, channels, num_terms) in enumerate(
            [("large", (3, 16), 6), ("flat", (17, 33), 3), ("pieces", (16, 16), 6)] * 4
        )
    ]

    def work(task):
        return results(task[1], operators(task[0])[0], "compiled")

    alone = [work(task) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, tasks))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("shape", [(2,), (6,)], ids=str)
@pytest.mark.parametrize("wanted", list(np.ndindex(2, 2, 2)), ids=str)
def test_gradients_that_nobody_wants_change_no_other(wanted, shape):
    lap, _ = operators("flat")
    inputs = signals("flat", (3, 17), 4, shape)
    every = results(inputs, lap, "compiled")
    some = results(inputs, lap, "compiled", tuple(bool(w) for w in wanted))
    assert torch.equal(some[0], every[0])
    for flag, one, other in zip(wanted, some[1:], every[1:], strict=True):
        # without a gradient of x the sums run over the terms of x: the same numbers in another order
        assert one is None if not flag else (one - other).abs().max() <= 1e-5 * other.abs().max()


def test_a_second_derivative_equals_the_references() -> None:
    single, double = operators("lonely")
    found = []
    for lap, backend in ((double, "reference"), (single, "compiled")):
        inputs = [t.to(lap.values.dtype) for t in signals("lonely", (3, 5), 4, (2,))]
        leaves = [t.requires_grad_() for t in inputs]
        y = cheb_conv(*leaves[:3], lap, backend=backend)
        first = torch.autograd.grad(y, leaves[:3], leaves[3], create_graph=True)
        penalty = sum(g.square().sum() for g in first)
        found.append([penalty.detach()[None], *torch.autograd.grad(penalty, leaves[:2])])
        found[-1].append(torch.autograd.grad(y.square().sum(), leaves[2])[0])
    assert_near(found[1], found[0])


def test_gradients_add_up_over_layers_that_share_an_operator() -> None:
    single, double = operators("closed")
    net = torch.nn.ModuleList([ChebConv(3, 17, 6), ChebConv(17, 17, 6), ChebConv(17, 2, 6)])
    x = torch.randn(3, single.count, 3)
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


def test_copies_and_inference_work() -> None:
    lap, _ = operators("flat")
    net = torch.nn.ModuleDict({"lap": lap, "conv": ChebConv(3, 4, 5, backend="compiled")})
    x = torch.randn(2, lap.count, 3)
    y = net["conv"](x, net["lap"])
    twin = copy.deepcopy(net)
    with torch.no_grad():
        net["conv"].weight.zero_()
        assert torch.equal(twin["conv"](x, twin["lap"]), y)
    with torch.inference_mode():
        z = twin["conv"](x.clone(), twin["lap"])
    assert torch.equal(z, y)
    assert not net["conv"](x, lap).any()


def test_a_changed_weight_is_noticed_by_the_backward_pass() -> None:
    lap, _ = operators("flat")
    conv = ChebConv(2, 2, 2, backend="compiled")
    y = conv(torch.randn(lap.count, 2, requires_grad=True), lap)
    with torch.no_grad():
        conv.weight.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


FORKED = """
import hashlib, multiprocessing, sys, torch
from headform.graph.cheb_conv import ChebConv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian
from tests.graph.meshes import flat

lap = ScaledLaplacian.from_csr(scaled_laplacian(*flat(500)))
conv, x = ChebConv(5, 7, 6, backend="compiled"), torch.randn(6, 500, 5)

def digest(y):
    y.sum().backward()
    return [hashlib.sha256(t.numpy().tobytes()).digest() for t in (y.detach(), conv.weight.grad)]

def child(queue):
    queue.put(digest(conv(x, lap)))

if __name__ == "__main__":
    torch.set_num_threads(2)
    y = conv(x, lap)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    process = context.Process(target=child, args=(queue,), daemon=True)
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
        sys.exit("the child hangs")
    if process.exitcode:
        sys.exit("the child failed")
    assert queue.get() == digest(y)
    print("same bits")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_computes_the_same(repository, tmp_path):
    script = tmp_path / "forked.py"
    script.write_text(FORKED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "same bits"
