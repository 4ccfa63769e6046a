"""Photos a second of the batch path, beside the 50 a second that Lin et al. (2020) state for theirs on a GPU of 2017.

Run:

    python -m benchmarks.batch_speed [--photo FILE] [--batch 8] [--repeats 3]
"""

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import tyro

from benchmarks.environment import describe
from benchmarks.reconstruct_speed import ASTRONAUT, square
from headform import Reconstructor, images

PAPER_RATE = 50.0
"""Images a second during inference, "in parallel with an NVIDIA 1080Ti"; what is in them is not said."""


@dataclass(frozen=True)
class Arguments:
    """Which photo at which size, photos of a batch, batches; torch threads, 0 for its own choice."""

    photo: Path = ASTRONAUT
    side: int = 512
    batch: int = 8
    repeats: int = 3
    threads: int = 0


def main(arguments: Arguments) -> None:
    """Print a row per path; the photos are in memory, results are not written."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    photos = [square(images.read(arguments.photo).rgb, arguments.side)] * arguments.batch
    print("| what is made of a photo | photos a second | ms a photo |\n|---|---|---|")
    for what, size in (("head, light and albedo", 0), ("and both textures of 1024 x 1024", 1024)):
        reconstructor = Reconstructor.load(texture_size=size)
        reconstructor.reconstruct_many(photos[:2])
        walls = []
        for _ in range(arguments.repeats):
            began = time.perf_counter()
            reconstructor.reconstruct_many(photos)
            walls.append(time.perf_counter() - began)
        seconds = median(walls) / arguments.batch
        print(f"| {what} | {1 / seconds:.1f} | {1000 * seconds:.0f} |")
    print(f"| Lin et al. (2020), their claim, on a GPU of 2017 | {PAPER_RATE:.0f} | {1000 / PAPER_RATE:.0f} |")
    print(
        f"\nBatches of {arguments.batch} photos of {arguments.side} x {arguments.side} pixels, median of {arguments.repeats}"
    )
    print(describe())


if __name__ == "__main__":
    main(tyro.cli(Arguments))
