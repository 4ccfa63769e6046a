"""Time the batched renderer: forward, and forward with backward, beside one by one and beside plain torch.

Run:

    python -m benchmarks.render_speed [--heads 8] [--size 224] [--repeats 11] [--json FILE]

Heads are open heads with random identity and expression, seen by perspective cameras, with an albedo and a light each; the
gradient reaches vertices, albedo and light. Every way renders the same pictures. Given are milliseconds per head: the median
of the repeats by the clock, its ratio to the batch, and the processor time of all threads, which load changes little.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from torch import Tensor

from benchmarks.environment import describe
from headform.geometry.camera import PerspectiveCamera, PerspectiveCameras
from headform.geometry.spherical_harmonics import AMBIENT
from headform.heads import load_open
from headform.render.renderer import Backend, render_batch


@dataclass(frozen=True)
class Arguments:
    """Size of the work."""

    heads: int = 8
    """Heads of the batch."""
    size: int = 224
    """Side of the pictures, pixels."""
    repeats: int = 11
    """Timed calls, after two that are not."""
    json: Path | None = None
    """File for the numbers."""


def scene(count: int, size: int) -> tuple[list[Tensor], Tensor, PerspectiveCameras]:
    """Build vertices, albedo and light that want gradients; faces; cameras."""
    head, generator = load_open(), torch.Generator().manual_seed(0)
    identity = torch.randn(count, 100, generator=generator)
    expression = torch.rand(count, 51, generator=generator) * 0.2
    light = torch.randn(count, 9, 3, generator=generator) * 0.1
    light[:, 0] += 0.8 * AMBIENT
    albedo = head.albedo_of(torch.randn(count, 50, generator=generator))
    camera = PerspectiveCamera.frontal(4.0 * size, (size, size), 1.0)
    inputs = [head.vertices(identity, expression), albedo, light]
    cameras = PerspectiveCameras.of(*[camera] * count)
    return [t.detach().clone().requires_grad_() for t in inputs], head.faces, cameras


def timed(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median duration and median processor time of a call, milliseconds."""
    spent, busy = [], []
    for number in range(repeats + 2):
        begun, worked = time.perf_counter(), time.process_time()
        call()
        if number >= 2:
            spent.append(1000 * (time.perf_counter() - begun))
            busy.append(1000 * (time.process_time() - worked))
    return statistics.median(spent), statistics.median(busy)


def measure(arguments: Arguments) -> dict[str, dict[str, float]]:
    """Milliseconds per head of each way, forward and with backward."""
    count, size = arguments.heads, arguments.size
    inputs, faces, cameras = scene(count, size)

    def rendered(at: slice, backend: Backend) -> Tensor:
        vertices, albedo, light = (t[at] for t in inputs)
        camera = PerspectiveCameras(cameras.K[at], cameras.R[at], cameras.t[at])
        return render_batch(vertices, faces, camera, (size, size), attributes=albedo, light=light, backend=backend).rgb

    ways: dict[str, Callable[[], list[Tensor]]] = {
        "batch": lambda: [rendered(slice(None), "kernel")],
        "one by one": lambda: [rendered(slice(k, k + 1), "kernel") for k in range(count)],
        "rasterized by plain torch": lambda: [rendered(slice(None), "torch")],
    }
    reference = torch.cat(ways["batch"]()).detach()
    found = {}
    for name, way in ways.items():
        assert torch.equal(torch.cat(way()).detach(), reference), name

        def forward(way: Callable[[], list[Tensor]] = way) -> None:
            with torch.no_grad():
                way()

        def both(way: Callable[[], list[Tensor]] = way) -> None:
            for rgb in way():
                rgb.square().sum().backward()  # type: ignore[no-untyped-call]

        found[name] = {}
        for kind, call in (("forward", forward), ("forward_backward", both)):
            wall, processor = timed(call, arguments.repeats)
            found[name] |= {f"{kind}_ms": wall / count, f"{kind}_processor_ms": processor / count}
    return found


def main(arguments: Arguments) -> None:
    """Measure and print."""
    machine = describe()
    found = measure(arguments)
    base = found["batch"]
    print(f"{arguments.heads} heads, {arguments.size} x {arguments.size}, {torch.get_num_threads()} threads")
    print("| | forward | ratio | processor | forward and backward | ratio | processor |\n|---|---|---|---|---|---|---|")
    for name, row in found.items():
        cells = []
        for kind in ("forward", "forward_backward"):
            own = row[f"{kind}_ms"]
            cells += [f"{own:.1f}", f"{own / base[f'{kind}_ms']:.1f}", f"{row[f'{kind}_processor_ms']:.1f}"]
        print(f"| {name} | " + " | ".join(cells) + " |")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"machine": machine, "milliseconds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
