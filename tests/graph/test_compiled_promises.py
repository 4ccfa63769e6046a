"""What the CPU kernel promises besides its numbers: threads, processes, layouts in memory, copies."""

import copy
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from headform.graph.cheb_conv import ChebConv
from tests.graph.signals import assert_same_bits, operators, results, signals


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
        x, gradient = (torch.cat([t.new_zeros(1), t.flatten()])[1:].view(t.shape) for t in (x, gradient))
    inputs = [x, weight, bias, gradient]
    plain = [t.clone(memory_format=torch.contiguous_format) for t in inputs]
    for rectify in (False, True):
        got = results(inputs, lap, "compiled", rectify=rectify)
        assert_same_bits(got, results(plain, lap, "compiled", rectify=rectify))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3)], ids=str)
@pytest.mark.parametrize("channels", [(33, 17), (3, 16), (16, 3)], ids=str)
def test_the_number_of_threads_changes_no_bit(shape, channels):
    lap, _ = operators("large")
    inputs = signals("large", channels, 6, shape)
    found = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)  # the suite's fixture puts it back to 1
        found.append(results(inputs, lap, "compiled", rectify=True))
    for other in found[1:]:
        assert_same_bits(found[0], other)


def test_callers_at_once_do_not_meet() -> None:
    torch.set_num_threads(3)
    tasks = [
        (mesh, signals(mesh, channels, num_terms, (3,), seed))
        for seed, (mesh, channels, num_terms) in enumerate(
            [("large", (3, 16), 6), ("flat", (17, 33), 3), ("pieces", (16, 3), 6)] * 4
        )
    ]

    def work(task):
        return results(task[1], operators(task[0])[0], "compiled")

    alone = [work(task) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(work, tasks))
    for one, other in zip(alone, together, strict=True):
        assert_same_bits(one, other)


def test_copies_and_inference_work() -> None:
    lap, _ = operators("flat")
    net = torch.nn.ModuleDict({"lap": lap, "conv": ChebConv(3, 4, 5, backend="compiled")})
    x = torch.randn(2, lap.num_vertices, 3)
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
    y = conv(torch.randn(lap.num_vertices, 2, requires_grad=True), lap)
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
