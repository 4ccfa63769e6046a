"""Images per second of the generator of synthetic faces, over worker processes.

Run:

    python -m benchmarks.synth_speed [--size 128] [--workers 2] [--count 600]
"""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Literal

import numpy as np
import tyro

from benchmarks.environment import describe
from headform import heads
from headform.synth import Generator

CHUNK = 20
_generator: Generator | None = None
_barrier: Barrier | None = None


@dataclass(frozen=True)
class Arguments:
    """How many pictures, how large, by how many processes."""

    size: int = 128
    workers: int = 2
    count: int = 600
    view: Literal["loose", "tight"] = "loose"


def main(arguments: Arguments) -> None:
    """Print images per second, without the start of the processes."""
    context = multiprocessing.get_context("spawn")  # threads of numba do not survive a fork
    chunks = range(max(arguments.workers, -(-arguments.count // CHUNK)))
    barrier = context.Barrier(arguments.workers)
    with context.Pool(arguments.workers, _start, (arguments.size, arguments.view, barrier)) as pool:
        pool.map(_warm_up, range(arguments.workers), chunksize=1)
        began = time.perf_counter()
        done = list(pool.imap_unordered(_make, chunks))
        seconds = time.perf_counter() - began
    made, busy = sum(count for count, _ in done), sum(cpu for _, cpu in done)
    print(f"{made / busy:.1f} images per second of processor time")
    print(
        f"{made / seconds:.1f} images/s: {made} of {arguments.size} x {arguments.size} pixels, "
        f"{arguments.view} view, {arguments.workers} processes, {seconds:.1f} s"
    )
    print(describe())


def _start(size: int, view: Literal["loose", "tight"], barrier: Barrier) -> None:
    global _generator, _barrier
    _barrier = barrier
    _generator = Generator(heads.load_open(), size=size, view=view)


def _warm_up(worker: int) -> None:
    """Compile the kernels; no worker takes two of these, for each waits for all."""
    assert _generator is not None
    assert _barrier is not None
    _generator.batch(np.random.default_rng(worker), 2)
    _barrier.wait(timeout=600)


def _make(seed: int) -> tuple[int, float]:
    """How many were made, and the processor time they took: a busy machine does not change it."""
    assert _generator is not None
    began = time.process_time()
    made = len(_generator.batch(np.random.default_rng([1, seed]), CHUNK).images)
    return made, time.process_time() - began


if __name__ == "__main__":
    main(tyro.cli(Arguments))
