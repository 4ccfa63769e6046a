"""Judge predicted neutral heads by NoW's protocol, and compare two methods person by person."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from headform.evaluate.meshes.scan_validation import ScanValidation
from headform.heads.linear import LinearHead

DRAWS = 10_000
"""Draws of the bootstrap."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Distances of each person's scan vertices from the prediction, millimeters."""

    aligned: list[np.ndarray]
    metrical: list[np.ndarray]

    def save(self, file: Path) -> None:
        """Write the distances; those of people follow each other."""
        columns = {f"{kind}{k}": each for kind in ("aligned", "metrical") for k, each in enumerate(getattr(self, kind))}
        np.savez(file, **columns)

    @classmethod
    def read(cls, file: Path) -> "Judged":
        """Read what `save` wrote."""
        with np.load(file) as found:
            people = range(len(found.files) // 2)
            return cls([found[f"aligned{k}"] for k in people], [found[f"metrical{k}"] for k in people])

    def people(self, metrical: bool) -> np.ndarray:
        """Mean distance of each person."""
        return np.array([each.mean() for each in (self.metrical if metrical else self.aligned)])


def judge(head: LinearHead, found: Tensor, wanted: Tensor) -> Judged:
    """Measure heads of one topology; the scan of a person is the true neutral head.

    Args:
        head: Head model, for faces and landmarks.
        found: (P, V, 3) predictions, meters.
        wanted: (P, V, 3) true heads, meters.
    """
    distances = ScanValidation(head).distances(found.numpy(), wanted.numpy())
    return Judged(distances["scan"], distances["scan_metrical"])


def pooled(people: Sequence[np.ndarray]) -> str:
    """Median, mean and standard deviation over all vertices of all people, as NoW pools them."""
    all_of_them = np.concatenate(people)
    return f"{np.median(all_of_them):.3f} / {all_of_them.mean():.3f} / {all_of_them.std():.3f}"


def bootstrap(one: np.ndarray, other: np.ndarray) -> str:
    """Mean difference of two methods over people, with the paired bootstrap's 95 % interval, millimeters."""
    difference = one - other
    rng = np.random.default_rng(0)
    means = difference[rng.integers(0, len(difference), (DRAWS, len(difference)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{difference.mean():+.3f} ({low:+.3f} to {high:+.3f})"
