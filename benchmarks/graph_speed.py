"""Chebyshev convolution: our kernel, our reference and PyTorch Geometric, beside the floor of `benchmarks.graph_floor`.

Two meshes: the open head, and a made surface with the numbers of the face model of Deng et al. (35,709 vertices, 70,789
triangles, 629 boundary edges around an outline and a mouth), numbered row by row as a scanner would; ``--order shuffled``
numbers both at random. Positions play no part in a convolution and are not made.

PyTorch Geometric's `ChebConv` gets its best case: the normalized edges are computed before and handed in place of its own
step that does so at every call, without the loops that come out as zeros, sorted by target; the batch is given both ways it
takes one, as (B, V, C) and as one graph of B parts, and the faster is timed. Not used: torch-scatter and pyg-lib, of which
PyPI has no wheels, and torch.compile, which needs a compiler.

`PyG / peak` is the ratio at which a kernel would need no time but that of the arithmetic at the processor's peak, or of
memory where that is more: no implementation of these sums in single precision has a greater one.

All contestants must agree before any is timed. "Forward" is without gradients; "both" is forward and backward with the
gradients of signal, weight and bias. Contestants take turns; medians are printed.

Run:

    python -m benchmarks.graph_speed [--repeats 7] [--batch 8] [--threads N] [--order shuffled] [--clock cpu]
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np
import torch
import tyro
from scipy.spatial import Delaunay
from torch import Tensor, nn

from benchmarks import graph_floor, resident
from benchmarks.environment import describe
from headform import heads
from headform.graph.cheb_conv import Backend, ChebConv
from headform.graph.laplacian import ScaledLaplacian
from headform.mesh.scaled_laplacian import scaled_laplacian

TERMS = 6
OURS, REFERENCE, THEIRS = "kernel", "reference", "PyG"


@dataclass(frozen=True)
class Arguments:
    """How often, how many items; torch threads, 0 for its own choice; how vertices are numbered; which clock.

    ``cpu`` is the time that the processor works for this process, on one thread: what else runs on the machine is left out.
    """

    repeats: int = 7
    batch: int = 8
    channels: tuple[int, ...] = (16, 32)
    threads: int = 0
    order: Literal["natural", "shuffled"] = "natural"
    clock: Literal["wall", "cpu"] = "wall"


@dataclass(frozen=True)
class Contestant:
    """A layer, how it is called, and its weight (K, C, C) as gradients come out."""

    layer: nn.Module
    call: Callable[[Tensor], Tensor]
    weight_gradient: Callable[[], Tensor]


def main(arguments: Arguments) -> None:
    """Print a row per mesh, width and pass, then the memory each contestant needs."""
    on_cpu = arguments.clock == "cpu"
    clock = time.process_time if on_cpu else time.perf_counter
    if on_cpu or arguments.threads:
        torch.set_num_threads(1 if on_cpu else arguments.threads)
    torch.manual_seed(0)
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
    bandwidth, peak = graph_floor.copy_bandwidth(clock), graph_floor.peak_rate(clock)
    print(f"Batch {arguments.batch}, K = {TERMS}, {arguments.order} order of vertices, {arguments.clock} clock.\n")
    print(f"| mesh | channels | pass | {OURS} ms | {REFERENCE} ms | {THEIRS} ms |", end="")
    print(f" {THEIRS} / {OURS} | {THEIRS} / {REFERENCE} | floor ms | {OURS} / floor |", end="")
    print(f" memory + arithmetic ms | GFLOP/s of products | {THEIRS} / peak |\n|" + "---|" * 13, flush=True)
    memory, ways = [], []
    for name, points, faces in (("open head", *open_head()), ("face surface", *face_surface())):
        count = len(points)
        if arguments.order == "shuffled":
            faces = np.random.default_rng(0).permutation(count)[faces]
        lap = ScaledLaplacian.from_csr(scaled_laplacian(faces, count))
        for width in arguments.channels:
            layer = graph_floor.Layer(arguments.batch, count, len(lap.col_indices), width, width, TERMS)
            rate = graph_floor.gemm_rate(layer, clock)
            bandwidth, peak = max(bandwidth, graph_floor.copy_bandwidth(clock)), max(peak, graph_floor.peak_rate(clock))
            x, gradient = torch.randn(2, arguments.batch, count, width)
            contestants, way = line_up(lap, x, gradient)
            ways.append(f"{name}, {width} channels: {way}")
            costs = graph_floor.forward_cost(layer), graph_floor.backward_cost(layer)
            for title, call, cost in (
                ("forward", forward, costs[0]),
                ("both", both, costs[0] + costs[1]),
            ):
                ms = take_turns(contestants, call, x, gradient, arguments.repeats, clock)
                floor = graph_floor.floor(cost, bandwidth, rate)
                low = 1000 * floor.seconds
                bound = 1000 * graph_floor.floor(cost, bandwidth, peak).seconds
                print(
                    f"| {name}, {count:,} | {width} | {title} | {ms[OURS]:.1f} "
                    f"| {ms[REFERENCE]:.1f} | {ms[THEIRS]:.1f} | {ms[THEIRS] / ms[OURS]:.1f} "
                    f"| {ms[THEIRS] / ms[REFERENCE]:.1f} | {low:.1f} | {ms[OURS] / low:.2f} "
                    f"| {1000 * floor.memory:.1f} + {1000 * floor.arithmetic:.1f} "
                    f"| {rate / 1e9:.0f} | {ms[THEIRS] / bound:.1f} |",
                    flush=True,
                )
            peaks = [peak_megabytes(c, x, gradient) for c in contestants.values()]
            memory.append((name, width, peaks))
            del contestants
    print(f"\n| mesh | channels | {OURS} MB | {REFERENCE} MB | {THEIRS} MB |\n|---|---|---|---|---|")
    for name, width, peaks in memory:
        shown = " | ".join("–" if p is None else f"{p:.0f}" for p in peaks)
        print(f"| {name} | {width} | {shown} |")
    print(f"\nCopy: {bandwidth / 1e9:.1f} GB/s read and written.", end=" ")
    print(f"Peak: {peak / 1e9:.0f} GFLOP/s of multiplications with additions in registers.", end=" ")
    print("Memory: greatest resident size of forward and backward above that before the call.")
    print(f"Batch of {THEIRS}: " + "; ".join(ways) + f". Medians of {arguments.repeats}.")
    print(describe())


def open_head() -> tuple[np.ndarray, np.ndarray]:
    """Positions (V, 3) and triangles (F, 3) of the head that ships."""
    head = heads.load_open()
    return head.mean.double().numpy(), head.faces.numpy()


def face_surface(vertices: int = 35_709, outline: int = 551, mouth: int = 78) -> tuple[np.ndarray, np.ndarray]:
    """A triangulated dome with a hole, numbered by rows from the top: positions (V, 3) and triangles (F, 3).

    F = 2 V - outline - mouth by Euler's formula.
    """
    rng = np.random.default_rng(0)
    inside = vertices - outline - mouth
    margin = 0.6 * 2 * np.pi / outline
    hole = 0.14
    spacing = np.sqrt(np.pi * (1 - hole**2) * 2 / np.sqrt(3) / inside)
    while True:  # a triangular lattice, a little too dense, then without the surplus
        rows = np.arange(-1.0, 1.0, spacing * np.sqrt(3) / 2)
        columns = np.arange(-1.0, 1.0, spacing)
        x, y = np.meshgrid(columns, rows)
        x = x + 0.5 * spacing * (np.arange(len(rows)) % 2)[:, None]
        lattice = np.stack([x.ravel(), y.ravel()], axis=1)
        radius = np.linalg.norm(lattice, axis=1)
        lattice = lattice[(radius < 1 - margin) & (radius > hole + margin)]
        if len(lattice) >= inside:
            break
        spacing *= 0.999
    lattice = lattice[rng.permutation(len(lattice))[:inside]]
    lattice += rng.uniform(-0.15, 0.15, lattice.shape) * spacing
    ring = [_circle(1.0, outline), lattice, _circle(hole, mouth)]
    points = np.concatenate(ring)
    faces = Delaunay(points).simplices
    faces = faces[~(faces >= vertices - mouth).all(axis=1)]  # those that would close the mouth
    order = np.lexsort((points[:, 0], np.round(points[:, 1] / (spacing * np.sqrt(3) / 2))))
    names = np.empty(vertices, np.int64)
    names[order] = np.arange(vertices)
    assert len(faces) == 2 * vertices - outline - mouth
    positions = np.empty((vertices, 3))
    positions[names] = np.concatenate([points, 1 - (points**2).sum(1, keepdims=True)], axis=1)
    return positions, names[faces]


def _circle(radius: float, count: int) -> np.ndarray:
    turn = 2 * np.pi * np.arange(count) / count
    return radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def line_up(lap: ScaledLaplacian, x: Tensor, gradient: Tensor) -> tuple[dict[str, Contestant], str]:
    """Three layers with the same weights that give the same, and how theirs takes the batch.

    Raises:
        AssertionError: they differ by more than 1e-4 of the largest value.
    """
    width = x.shape[-1]
    kernel = ours(lap, width, "compiled")
    found = {OURS: kernel, REFERENCE: ours(lap, width, "reference")}
    variants = {"as (B, V, C)": theirs(lap, width, 1), "as one graph": theirs(lap, width, len(x))}
    with torch.no_grad():
        weight, bias = kernel.layer.weight, torch.randn(width)
        kernel.layer.bias.copy_(bias)
        found[REFERENCE].layer.load_state_dict(kernel.layer.state_dict())
        for other in variants.values():
            other.layer.bias.copy_(bias)
            for lin, part in zip(other.layer.lins, weight, strict=True):
                lin.weight.copy_(part.T)
    want = None
    for contestant in (found[REFERENCE], kernel, *variants.values()):
        y, grad = both(contestant, x, gradient)
        results = [y, grad, contestant.layer.bias.grad, contestant.weight_gradient()]
        want = want or results
        for one, other in zip(results, want, strict=True):
            assert (one - other).abs().max() < 1e-4 * other.abs().max(), "contestants disagree"
    ms = take_turns(variants, both, x, gradient, 1)
    way = min(ms, key=ms.__getitem__)
    return {**found, THEIRS: variants[way]}, way


def ours(lap: ScaledLaplacian, width: int, backend: Backend) -> Contestant:
    """Our layer."""
    layer = ChebConv(width, width, TERMS, backend=backend)
    return Contestant(layer, lambda x: layer(x, lap), lambda: layer.weight.grad)


def theirs(lap: ScaledLaplacian, width: int, parts: int) -> Contestant:
    """PyTorch Geometric's layer on one graph, or on `parts` copies as one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it uses what torch deprecates
        from torch_geometric.nn import ChebConv as TheirConv

    layer = TheirConv(width, width, TERMS, normalization="sym")
    matrix = lap.to_scipy().tocoo()
    pairs = torch.from_numpy(np.stack([matrix.col, matrix.row]).astype(np.int64))
    shift = lap.num_vertices * torch.arange(parts).repeat_interleave(pairs.shape[1])
    prepared = pairs.repeat(1, parts) + shift, torch.from_numpy(matrix.data).repeat(parts)
    _check_edges(layer, lap, pairs, prepared[1][: pairs.shape[1]])
    layer.__norm__ = lambda *_, **__: prepared

    def call(x: Tensor) -> Tensor:
        if parts == 1:
            return layer(x, prepared[0])
        return layer(x.reshape(-1, x.shape[-1]), prepared[0]).view(x.shape)

    return Contestant(layer, call, lambda: torch.stack([lin.weight.grad.T for lin in layer.lins]))


def _check_edges(layer: Any, lap: ScaledLaplacian, pairs: Tensor, values: Tensor) -> None:
    """What is handed in is what the layer computes by itself, but for loops of nought."""
    edges, weights = layer.__norm__(pairs, lap.num_vertices, None, "sym", lambda_max=2.0, dtype=torch.float32)
    loops = edges[0] == edges[1]
    assert not weights[loops].any()
    assert torch.equal(edges[:, ~loops], pairs)
    assert torch.allclose(weights[~loops], values, atol=1e-6)


@torch.no_grad()
def forward(contestant: Contestant, x: Tensor, gradient: Tensor) -> Tensor:
    """One pass without gradients."""
    return contestant.call(x)


def both(contestant: Contestant, x: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Result and gradient of the signal; those of the parameters stay in the layer."""
    contestant.layer.zero_grad(set_to_none=True)
    leaf = x.detach().requires_grad_()
    y = contestant.call(leaf)
    y.backward(gradient)
    assert leaf.grad is not None
    return y.detach(), leaf.grad


def take_turns(
    contestants: dict[str, Contestant],
    call: Callable[..., object],
    x: Tensor,
    gradient: Tensor,
    repeats: int,
    clock: graph_floor.Clock = time.perf_counter,
) -> dict[str, float]:
    """Median milliseconds of each, one after the other in every round, after a round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats + 1):
        for name, contestant in contestants.items():
            began = clock()
            call(contestant, x, gradient)
            seconds[name].append(clock() - began)
    return {name: 1000 * median(times[1:]) for name, times in seconds.items()}


def peak_megabytes(contestant: Contestant, x: Tensor, gradient: Tensor) -> float | None:
    """How far resident memory rises in forward and backward; None where the system does not tell."""
    contestant.layer.zero_grad(set_to_none=True)
    return resident.peak_megabytes(lambda: both(contestant, x, gradient))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
