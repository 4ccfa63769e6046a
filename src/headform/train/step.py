"""Interface between a training stage and the trainer: a request for losses, the losses, and the totals of a run.

B samples of the global batch, W processes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64
from torch import Tensor

Losses = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Step:
    """Request for the losses of one batch.

    Attributes:
        number: Step number, counted from 0 over all parts of the run.
        count: Number of samples for this process, B / (W accumulate).
        indices: Indices into the data set; None if the trainer was not given its size.
        rng: Generator for all other random choices, seeded with (seed, step, rank) and, after the first request of a
            step, the number of the request.
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
    """Totals of a run, over all resumed parts.

    Attributes:
        steps: Number of steps done.
        samples: Number of samples seen by all processes.
        minutes: Duration of the training in minutes.
        losses: Exponential running means of the losses, decay 0.98.
        stopped: True if a signal ended the run early.
    """

    steps: int
    samples: int
    minutes: float
    losses: dict[str, float]
    stopped: bool
