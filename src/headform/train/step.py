"""What a stage and its trainer say to each other: a request for losses, the losses, and the totals of a run.

B samples of the global batch, W processes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from torch import Tensor

Losses = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Step:
    """One request for losses.

    Attributes:
        number: Step, counted from 0 over all parts of the run.
        count: Samples that this process is to use, B / (W accumulate).
        indices: Items of the data set, when the trainer was given their number.
        rng: Drawn from (seed, step, rank) and, after the first request of a step, its number: for everything else that is
            left to chance.
        phase: Name of the phase.
        repeat: Repeat of the phase, counted from 0.
    """

    number: int
    count: int
    indices: Int64[np.ndarray, " count"] | None
    rng: np.random.Generator
    phase: str = "all"
    repeat: int = 0


@dataclass(frozen=True)
class TrainResult:
    """Totals of a run, over all its parts.

    Attributes:
        steps: Done.
        samples: Seen, by all processes together.
        minutes: Of training.
        losses: Running means of the last ones, factor 0.98.
        stopped: Whether a signal ended it before its time.
    """

    steps: int
    samples: int
    minutes: float
    losses: dict[str, float]
    stopped: bool
