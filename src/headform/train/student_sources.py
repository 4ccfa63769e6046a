"""Sources of the student's batches: synthetic faces that are all made before the first step, and prepared portraits.

P side of a picture.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from headform.data.portraits import Portrait, Portraits
from headform.errors import InputError
from headform.heads.linear import LinearHead
from headform.synth.generator import Generator
from headform.synth.portrait_degradation import degrade_portrait
from headform.synth.randomization import RandomizationConfig
from headform.train.pool import PoolConfig, rows_of
from headform.train.student_config import SourceConfig, VariationConfig
from headform.train.student_rows import Rows, portrait_row, stack_rows

_BATCH = 32
_LARGEST = 2.5
"""Standard deviations at which a variation is clipped: beyond, the picture would leave the stored crop."""


class FixedFaces:
    """Synthetic faces in memory, the same at each start; in place of `RenderPool` where a run must be the same to the bit.

    Args:
        head: Head model of the faces.
        config: Configuration of the faces; its capacity and workers do not matter.
        count: Number of faces.

    Attributes:
        made: Number of faces.
    """

    def __init__(self, head: LinearHead, config: PoolConfig, count: int) -> None:
        maker = Generator(head, size=config.size, view=config.view, randomization=config.randomization)
        parts = []
        for start in range(0, count, _BATCH):
            rng = np.random.default_rng((config.seed, 0, start))
            parts.append(rows_of(maker.batch(rng, min(_BATCH, count - start))))
        self._rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self.made = count

    def draw(self, rng: np.random.Generator, count: int) -> Rows:
        """Draw rows uniformly."""
        index = np.sort(rng.integers(0, self.made, count))
        return {name: values[index] for name, values in self._rows.items()}


class PortraitSource:
    """Prepared portraits and their turned copies, cut and varied anew at each reading.

    Args:
        folder: Folder of `headform data portraits`.
        size: Side P of the pictures.
        sources: Weights of the labels.
        variation: Variation of the cut and the photo.
        degradation: Randomization whose degradations are applied.
        fold: Fold of annotated people who are left out.

    Attributes:
        facts: Plan, sources and counts of the folder.

    Raises:
        InputError: `dataset_missing`, `dataset_damaged`; `dataset_empty` without a portrait, or without turned copies where
            they are to be drawn.
    """

    def __init__(
        self,
        folder: Path,
        size: int,
        sources: SourceConfig,
        variation: VariationConfig,
        degradation: RandomizationConfig,
        fold: int | None,
    ) -> None:
        self._size, self._sources, self._variation = size, sources, variation
        self._degradation = degradation
        self._photos: Sequence[Portrait] = Portraits(folder, turned=False, without_fold=fold)
        copies = Portraits(folder, without_fold=fold)
        self._copies: Sequence[Portrait] = copies
        self.facts = copies.facts
        self._each = len(copies) // max(len(self._photos), 1)
        if not len(self._photos) or (sources.turned > 0 and self._each < 2):
            what = "there is no portrait here to learn from" + (", or no turned copy" if len(self._photos) else "")
            raise InputError("dataset_empty", what, str(folder), "prepare some with `headform data portraits`")

    def __len__(self) -> int:
        return len(self._photos)

    def draw(self, rng: np.random.Generator, portraits: int, turned: int) -> Rows:
        """Draw portraits and turned copies uniformly."""
        rows = [self.row(self._photos[int(rng.integers(len(self._photos)))], rng) for _ in range(portraits)]
        for _ in range(turned):
            number = int(rng.integers(len(self._photos))) * self._each + int(rng.integers(1, self._each))
            rows.append(self.row(self._copies[number], rng))
        return stack_rows(rows)

    def row(self, portrait: Portrait, rng: np.random.Generator | None) -> Rows:
        """Cut a portrait to a row; without `rng`, as it is."""
        if rng is None:
            return portrait_row(portrait.cut(self._size), self._sources)
        v = self._variation
        scale, angle, right, down = np.clip(rng.normal(size=4), -_LARGEST, _LARGEST)
        cut = portrait.cut(
            self._size,
            scale=float(np.exp(v.scale_sd * scale)),
            angle=float(v.angle_sd * angle),
            shift=(float(v.shift_sd * right), float(v.shift_sd * down)),
        )
        if rng.random() < v.degradation_rate:
            cut = replace(cut, rgb=degrade_portrait(rng, cut.rgb, self._degradation))
        return portrait_row(cut, self._sources)


def left_out(folder: Path, fold: int) -> list[Portrait]:
    """Read the annotated photos of the people of a fold."""
    return [portrait for portrait in Portraits(folder, turned=False, only_fold=fold) if portrait.annotated68.any()]
