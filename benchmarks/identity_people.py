"""Identity-only error on held-out synthetic faces, beside the mean head's.

Run:

    python -m benchmarks.identity_people [--count 1000] [--json FILE]

Everything about the people is randomized (`synth.FULL`), and each is seen in one picture, like a
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
from headform.evaluate.meshes.identity import evaluate_identity
from headform.nets.face_encoder_predictor import FaceEncoderPredictor
from headform.nets.shipped import load_face_encoder
from headform.synth import Generator, SyntheticBatch


@dataclass(frozen=True)
class Arguments:
    """Number of people, picture size, seed (training uses others), and another network's file."""

    count: int = 1000
    identity: Path | None = None
    size: int = 256
    seed: int = 20_000_003
    json: Path | None = None


class _Judge:
    """The network's own answer and the fit's, from one look at each picture."""

    def __init__(self, identity: Path | None) -> None:
        self._reconstructor = Reconstructor.load(texture_size=0, identity=identity)
        net, _ = load_face_encoder(identity)
        self._network = FaceEncoderPredictor(net, self._reconstructor.head)
        self._people: SyntheticBatch | None = None
        self._codes = np.zeros((2, 0, 0))

    def codes(self, people: SyntheticBatch) -> np.ndarray:
        """(2, B, K): network and fit; NaN where no face was found, which counts as failed."""
        if people is not self._people:
            self._people = people
            self._codes = np.stack([self._look(rgb) for rgb in people.images], axis=1)
        return self._codes

    def _look(self, rgb: np.ndarray) -> np.ndarray:
        try:
            result = self._reconstructor.reconstruct(rgb)[0]
            network = self._network.predict([rgb], [result.dense[:68]])[0]
            return np.stack([network, result.identity])
        except FaceError:
            return np.full((2, len(self._reconstructor.head.identity)), np.nan)


def main(arguments: Arguments) -> None:
    """Print the table."""
    judge = _Judge(arguments.identity)
    began = time.perf_counter()
    table = evaluate_identity(
        Generator(heads.load_open(), size=arguments.size),
        {"network": lambda people: judge.codes(people)[0], "fit": lambda p: judge.codes(p)[1]},
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
