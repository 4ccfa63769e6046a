"""Median time of each stage of a warm reconstruction, in one process.

Run:

    python -m benchmarks.reconstruct_speed [--photo FILE] [--side 1024] [--repeats 15]
"""

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
import tyro
from PIL import Image

from benchmarks.environment import describe
from headform import Reconstructor, images

ASTRONAUT = Path(__file__).resolve().parents[1] / "examples" / "astronaut.jpg"


@dataclass(frozen=True)
class Arguments:
    """Which photo at which size, how often; torch threads, 0 for its own choice."""

    photo: Path = ASTRONAUT
    side: int = 1024
    repeats: int = 15
    threads: int = 0


def main(arguments: Arguments) -> None:
    """Print a row per stage; the photo is in memory, so reading and writing files are not in it."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    rgb = square(images.read(arguments.photo).rgb, arguments.side)
    began = time.perf_counter()
    reconstructor = Reconstructor.load()
    reconstructor.reconstruct(rgb)
    first = time.perf_counter() - began
    stages: dict[str, list[float]] = defaultdict(list)
    walls = []
    for _ in range(arguments.repeats):
        began = time.perf_counter()
        result = reconstructor.reconstruct(rgb)[0]
        walls.append(time.perf_counter() - began)
        for stage, seconds in result.timings.items():
            if stage != "total":
                stages[stage].append(seconds)
    print("| stage | median ms | slowest ms |\n|---|---|---|")
    for stage, seconds in {**stages, "in all": walls}.items():
        print(f"| {stage} | {1000 * median(seconds):.1f} | {1000 * max(seconds):.1f} |")
    size = f"{arguments.side} x {arguments.side} pixels"
    print(
        f"\n{arguments.photo.name} at {size}, {arguments.repeats} warm runs; "
        f"loading and the first run took {first:.2f} s"
    )
    print(describe())


def square(rgb: np.ndarray, side: int) -> np.ndarray:
    """The middle square of a photo, at `side` pixels."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    left, top = (width - short) // 2, (height - short) // 2
    box = (left, top, left + short, top + short)
    picture = Image.fromarray(rgb).resize((side, side), Image.Resampling.LANCZOS, box=box)
    return np.asarray(picture)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
