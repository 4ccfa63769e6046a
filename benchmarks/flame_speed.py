"""FLAME decoding: our kernel, our reference in torch and `smplx`, beside the bare product of codes and bases.

A made FLAME file of the published sizes (5,023 vertices, 300 + 100 modes, 36 pose correctives, 5 joints) is read by all;
every mode and every joint is in use. `smplx` (pip install smplx; its license forbids commercial use) is left out where it is
absent. "Forward" is without gradients, "both" is forward and backward to every input from the vertices. The bare product is
mean + code @ bases with all 436 rows, and on the way back gradient @ bases transposed, by torch: no decoder has less to do.

All contestants must agree before any is timed: vertices to 1e-6 m. They take turns; a cell is the median and, in brackets,
the minimum. Memory is measured in a process of its own for each.

Run:

    python -m benchmarks.flame_speed [--repeats 15] [--batches 1 8 64] [--threads N]
"""

import multiprocessing
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
import tyro
from torch import Tensor

from benchmarks.environment import describe
from benchmarks.resident import peak_megabytes, resident_megabytes
from headform.heads.flame.head import FlameHead
from headform.importers import flame
from tests.heads import flame_file

KERNEL, REFERENCE, THEIRS, BARE = "kernel", "reference", "smplx", "bare product"
METERS = 1e-6
Decode = Callable[[list[Tensor]], Tensor]
WIDTHS = (300, 100, 3, 3, 3, 3, 3, 3)
"""Identity, expression, global rotation, neck, jaw, left eye, right eye, translation."""


@dataclass(frozen=True)
class Arguments:
    """How often, how many heads at once; torch threads, 0 for its own choice."""

    repeats: int = 15
    batches: tuple[int, ...] = (1, 8, 64)
    threads: int = 0


def main(arguments: Arguments) -> None:
    """Print a row per batch and pass, then the memory each contestant needs."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = flame_file.write_smplx_folder(Path(name), flame_file.flame_model())
        contestants = {title: make(title, folder) for title in (KERNEL, REFERENCE, THEIRS)}
        decoders = {title: decode for title, decode in contestants.items() if decode}
        if THEIRS not in decoders:
            print("smplx is not installed here, so it is not timed.\n")
        bare = make_bare(flame.read(folder / "FLAME_NEUTRAL.npz"))
        titles = [*decoders, BARE]
        print(f"| heads | pass | {' | '.join(f'{t} ms' for t in titles)} |", end="")
        print(f" {THEIRS} / {KERNEL} | {KERNEL} / {BARE} | apart, m | gradients apart |")
        print("|" + "---|" * (len(titles) + 6), flush=True)
        for items in arguments.batches:
            inputs, gradient = drawn(items)
            apart = check(decoders, inputs, gradient)
            for title, call in (("forward", forward), ("both", both)):
                seconds = take_turns({**decoders, BARE: bare}, call, inputs, gradient, arguments.repeats)
                middle = {t: 1000 * median(s) for t, s in seconds.items()}
                cells = [f"{middle[t]:.2f} ({1000 * min(seconds[t]):.2f})" for t in titles]
                ratio = f"{middle[THEIRS] / middle[KERNEL]:.1f}" if THEIRS in middle else "–"
                print(
                    f"| {items} | {title} | {' | '.join(cells)} | {ratio} "
                    f"| {middle[KERNEL] / middle[BARE]:.2f} | {apart[0]:.1e} | {apart[1]:.1e} |",
                    flush=True,
                )
        del decoders, contestants, bare
        counts = " | ".join(f"both at {items}" for items in arguments.batches)
        print(f"\n| memory, MB | model | {counts} |\n|" + "---|" * (2 + len(arguments.batches)))
        for title in titles[:-1]:
            numbers = in_own_process(title, folder, arguments.batches)
            shown = " | ".join("–" if n is None else f"{n:.0f}" for n in numbers)
            print(f"| {title} | {shown} |", flush=True)
    print(
        f"\nMedian and (minimum) of {arguments.repeats} turns. Apart: greatest difference of a coordinate between any two,"
        " of a gradient, divided by its greatest entry. Memory: resident after reading the model and one head, above that of"
        " a process ready to read it; then how far forward and backward rise above that."
    )
    print(describe())


def make(title: str, folder: Path) -> Decode | None:
    """A decoder; None if it is not installed."""
    if title == THEIRS:
        return make_theirs(folder)
    return ours(flame.read(folder / "FLAME_NEUTRAL.npz"), title)


def ours(head: FlameHead, title: str) -> Decode:
    """Our decoder, by the kernel or by the reference."""

    def kernel(x: list[Tensor]) -> Tensor:
        return head.pose(
            x[0], x[1], global_rotation=x[2], neck=x[3], jaw=x[4], eyes=torch.cat(x[5:7], -1), translation=x[7]
        ).vertices  # fmt: skip

    def reference(x: list[Tensor]) -> Tensor:
        return head._decode(x[0], x[1], x[7], x[2:7])[0]

    return kernel if title == KERNEL else reference


def make_theirs(folder: Path) -> Decode | None:
    """Their decoder; None if it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import smplx
        except ImportError:
            return None
        model: Any = smplx.FLAME(
            str(folder), ext="npz", num_betas=300, num_expression_coeffs=100, use_face_contour=False
        )

    def decode(x: list[Tensor]) -> Tensor:
        return model(
            betas=x[0], expression=x[1], global_orient=x[2], neck_pose=x[3], jaw_pose=x[4], leye_pose=x[5],
            reye_pose=x[6], transl=x[7],
        ).vertices  # fmt: skip

    return decode


def make_bare(head: FlameHead) -> Decode:
    """Mean + code @ bases; the code has all rows, filled from the inputs without regard to their sense."""
    bases = torch.cat([head.identity, head.expression, head.pose_correctives]).flatten(1)
    mean = head.mean.flatten()

    def decode(x: list[Tensor]) -> Tensor:
        code = torch.cat([x[0], x[1], *x[2:6], *x[2:6], *x[2:6]], dim=-1)
        return torch.addmm(mean, code, bases).view(len(code), -1, 3)

    return decode


def drawn(items: int) -> tuple[list[Tensor], Tensor]:
    """Inputs, and a gradient of the vertices."""
    draw = torch.Generator().manual_seed(items)
    inputs = [torch.randn(items, w, generator=draw) * (1 if w > 3 else 0.3) for w in WIDTHS]
    return inputs, torch.randn(items, 5023, 3, generator=draw)


def check(decoders: dict[str, Decode], inputs: list[Tensor], gradient: Tensor) -> tuple[float, float]:
    """How far apart vertices (meters) and gradients (of the greatest entry) are.

    Raises:
        AssertionError: vertices by more than 1e-6 m, gradients by more than 1e-4.
    """
    found = [both(decode, inputs, gradient) for decode in decoders.values()]
    with torch.no_grad():
        vertices = [decode(inputs) for decode in decoders.values()]
    apart = max(float((v - vertices[0]).abs().max()) for v in vertices)
    slopes = max(
        float((g - first).abs().max() / first.abs().max())
        for grads in found
        for g, first in zip(grads, found[0], strict=True)
    )
    assert apart < METERS, f"decoders are {apart} m apart"
    assert slopes < 1e-4, f"gradients are {slopes} apart"
    return apart, slopes


@torch.no_grad()
def forward(decode: Decode, inputs: list[Tensor], gradient: Tensor) -> object:
    """One pass without gradients."""
    return decode(inputs)


def both(decode: Decode, inputs: list[Tensor], gradient: Tensor) -> list[Tensor]:
    """The gradients of all inputs; nought where an input plays no part."""
    leaves = [t.detach().requires_grad_() for t in inputs]
    decode(leaves).backward(gradient)
    return [torch.zeros_like(t) if t.grad is None else t.grad for t in leaves]


def take_turns(
    contestants: dict[str, Decode],
    call: Callable[..., object],
    inputs: list[Tensor],
    gradient: Tensor,
    repeats: int,
) -> dict[str, list[float]]:
    """Seconds of each, one after the other in every round, after two rounds that do not count."""
    seconds: dict[str, list[float]] = {title: [] for title in contestants}
    for _ in range(repeats + 2):
        for title, contestant in contestants.items():
            began = time.perf_counter()
            call(contestant, inputs, gradient)
            seconds[title].append(time.perf_counter() - began)
    return {title: times[2:] for title, times in seconds.items()}


def in_own_process(title: str, folder: Path, batches: tuple[int, ...]) -> list[float | None]:
    """`memory_of` in a process that has done nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(memory_of, (title, folder, batches, torch.get_num_threads()))


def memory_of(title: str, folder: Path, batches: tuple[int, ...], threads: int) -> list[float | None]:
    """Megabytes of the model, and of forward and backward at each batch."""
    torch.set_num_threads(threads)
    warm = make(title, folder)  # libraries, compiled code, threads
    assert warm is not None
    for items in (1, max(batches)):
        both(warm, *drawn(items))
    del warm
    empty = resident_megabytes()
    decode = make(title, folder)
    assert decode is not None
    with torch.no_grad():
        decode(drawn(1)[0])
    full = resident_megabytes()
    held = None if empty is None or full is None else full - empty
    peaks = []
    for items in batches:
        inputs, gradient = drawn(items)
        peaks.append(peak_megabytes(lambda: both(decode, inputs, gradient)))  # noqa: B023
    return [held, *peaks]


if __name__ == "__main__":
    main(tyro.cli(Arguments))
