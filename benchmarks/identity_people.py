"""Identity-only error on held-out made people, beside the mean head's.

Run:

    python -m benchmarks.identity_people [--count 1000] [--json FILE]

Everything about the people is randomised (`synth.FULL`), and each is seen in one picture, like a
photo: found by the detector, reconstructed, and only the identity of the result is judged.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from benchmarks.environment import describe
from headform import Reconstructor, heads
from headform.errors import FaceError
from headform.evaluate.identity import evaluate_identity
from headform.synth import Generator, MadeBatch


@dataclass(frozen=True)
class Arguments:
    """How many people, at which picture size, drawn from which seed (training uses others)."""

    count: int = 1000
    size: int = 256
    seed: int = 20_000_003
    json: Path | None = None


def main(arguments: Arguments) -> None:
    """Print the table."""
    reconstructor = Reconstructor.load()
    head = heads.load_open()

    def fit(people: MadeBatch) -> np.ndarray:
        codes = np.full(people.identity.shape, np.nan)
        for code, rgb in zip(codes, people.images, strict=True):
            try:
                code[:] = reconstructor.reconstruct(rgb)[0].identity
            except FaceError:
                continue  # counted as failed
        return codes

    began = time.perf_counter()
    table = evaluate_identity(
        Generator(head, size=arguments.size),
        {"fit": fit},
        count=arguments.count,
        seed=arguments.seed,
    )
    print(table.to_markdown())
    print(
        f"seed {table.seed}, pictures of {table.size} x {table.size} pixels, "
        f"region {table.region}, {time.perf_counter() - began:.0f} s"
    )
    print(describe())
    if arguments.json:
        arguments.json.write_text(table.to_json())


if __name__ == "__main__":
    main(tyro.cli(Arguments))
