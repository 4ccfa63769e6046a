"""Fit the constants by which confidence follows from what a result says of itself (`pipeline.confidence`).

    python -m benchmarks.confidence_fit [--data ../shared/data] [--people N] [--synthetic N]

None of these faces is in `benchmarks.covered_faces`, which checks the outcome: that takes the portraits for which
`tools.cover.faces.held_out` holds, this the others, and synthetic faces and covers have another seed. The network of covers
taught with these portraits, though under other covers.

Expected error = ERROR_FACTOR sigma^SIGMA_POWER apart^APART_POWER, in units of the face's size, by least squares of its
logarithm; portraits and synthetic faces weigh the same. The confidence then divides it by the share that is seen.
"""

from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
import tyro
from scipy.optimize import lsq_linear
from scipy.stats import spearmanr

from benchmarks.covered_faces import ANNOTATED, COVERS, CUTS, changed, measured, portrait_faces, synthetic_faces
from benchmarks.environment import default_data, describe
from headform import Reconstructor
from headform.pipeline import reconstructor as module
from headform.pipeline.confidence import Assessment, assess_confidence
from headform.pipeline.unseen import Unseen
from tools.cover.covers import PAINTERS
from tools.cover.faces import held_out, portraits

SEED = 70001
"""Neither the training of the network of covers nor the check uses it."""


@dataclass(frozen=True)
class Arguments:
    """Sizes and places."""

    data: Path = field(default_factory=default_data)
    people: int = 34
    synthetic: int = 24


def main(arguments: Arguments) -> None:
    """Print the constants, and the rank correlation of the error with each clue and with their sum."""
    reconstructor = Reconstructor.load(texture_size=0)
    clues, errors, surface = _observed(reconstructor, arguments)
    constants = fit(clues, errors, surface)
    print(f"{len(errors)} pictures, {int(surface.sum())} of them synthetic")
    print("ERROR_FACTOR, SIGMA_POWER, APART_POWER:", *(f"{value:.4f}" for value in constants))
    ratio = np.median(clues[:, 1] / clues[:, 0])
    print(f"TYPICAL_APART: {ratio:.2f}")
    for label, clue in (("sigma", clues[:, 0]), ("apart", clues[:, 1]), ("share", clues[:, 2])):
        print(f"{label}: {spearmanr(clue, errors).statistic:.2f}")
    found = expected(constants, clues)
    for label, clue in (("expected error", found), ("over the share that is seen", found / (1 - clues[:, 2]))):
        print(f"{label}: {spearmanr(clue, errors).statistic:.2f}")
    print(describe())


def _observed(reconstructor: Reconstructor, arguments: Arguments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reconstruct whole, covered and cut faces; return clues (N, 3), errors (N,), and which faces are synthetic (N,)."""
    rng = np.random.default_rng(SEED)
    photos = arguments.data / "photos"
    names = [n for n in portraits(photos) if not held_out(n) and n.split("/")[0] in ANNOTATED]
    names = [names[k] for k in rng.permutation(len(names))[: arguments.people]]
    whole = list(portrait_faces(reconstructor, photos, names, annotated=True))
    rows: list[tuple[list[float], float, bool]] = []
    for face in [*whole, *synthetic_faces(reconstructor, rng, arguments.synthetic)]:
        pictures = [("whole", face.rgb, np.zeros(68, bool), np.zeros(2))]
        for kind in rng.choice([*PAINTERS, *CUTS], COVERS, replace=False):
            other = whole[int(rng.integers(len(whole)))].rgb
            pictures.append((str(kind), *changed(rng, face, str(kind), other)))
        for picture in pictures:
            with mock.patch.object(module, "assess_confidence", _Recorder()) as recorder:
                row = measured(reconstructor, face, *picture)
            if row.found:
                rows.append((recorder.clues, row.error, face.surface))
    return tuple(np.array(column) for column in zip(*rows, strict=True))  # type: ignore[return-value]


class _Recorder:
    """`assess_confidence`, which keeps what it was given."""

    clues: list[float]

    def __call__(self, prediction: module.DensePrediction, rms: float, apart: float, unseen: Unseen) -> Assessment:
        self.clues = [prediction.relative_sigma, apart, unseen.share]
        return assess_confidence(prediction, rms, apart, unseen)


def expected(constants: np.ndarray, clues: np.ndarray) -> np.ndarray:
    """Compute the expected error of each row of clues (N, 3)."""
    return np.asarray(constants[0] * (clues[:, :2] ** constants[1:]).prod(1))


def fit(clues: np.ndarray, errors: np.ndarray, surface: np.ndarray) -> np.ndarray:
    """Fit factor and powers; the powers are not negative."""
    weight = np.sqrt(np.where(surface, 1 / max(surface.sum(), 1), 1 / max((~surface).sum(), 1)))[:, None]
    terms = np.column_stack([np.ones(len(clues)), np.log(clues[:, :2])])
    found = lsq_linear(terms * weight, np.log(errors) * weight[:, 0], ([-np.inf, 0, 0], np.inf)).x
    return np.array([np.exp(found[0]), *found[1:]])


if __name__ == "__main__":
    main(tyro.cli(Arguments))
