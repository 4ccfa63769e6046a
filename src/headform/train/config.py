"""How long, how fast and how often: the configuration that every training stage shares."""

import math
from dataclasses import dataclass, field
from typing import Literal

from headform.errors import UsageError

MAY_CHANGE = (
    "trainer.steps",
    "trainer.minutes",
    "trainer.log_every",
    "trainer.validate_every",
    "trainer.save_every",
    "trainer.save_seconds",
)
"""What a resumed run may be given anew: how long it takes and how often it writes, no more.

A longer run is then a fair continuation, but a cosine schedule is stretched from there on: the
weights are not those of a run that was given the greater length from its first step.
"""


@dataclass(frozen=True)
class OptimizerConfig:
    """What turns gradients into steps.

    Attributes:
        kind: `adamw` (decay decoupled from the gradient: weights shrink by rate * weight_decay) or
            `sgd` with momentum (v = momentum v + g, w -= rate v; decay adds weight_decay * w to g,
            the gradient of weight_decay / 2 * |w|^2), or `muon` (`headform.train.muon`; decay as
            with `adamw`).
        rate: Highest learning rate; the schedule multiplies it.
        momentum: Of `sgd` and `muon`; 0 for none.
        weight_decay: Of all parameters that no group names.
    """

    kind: Literal["adamw", "sgd", "muon"] = "adamw"
    rate: float = 1.6e-3
    momentum: float = 0.9
    weight_decay: float = 0.02

    def __post_init__(self) -> None:
        kinds = ("adamw", "sgd", "muon")
        _ask(self.kind in kinds, "optimizer.kind", self.kind, "one of " + ", ".join(kinds))
        _ask(0 < self.rate < math.inf, "optimizer.rate", self.rate, "more than 0")
        _ask(0 <= self.momentum < 1, "optimizer.momentum", self.momentum, "from 0 to below 1")
        decay = self.weight_decay
        _ask(0 <= decay < math.inf, "optimizer.weight_decay", decay, "0 or more")


@dataclass(frozen=True)
class ScheduleConfig:
    """How the rate changes; the formulas are in `headform.train.schedule`.

    Attributes:
        kind: `cosine` over the whole run, `exponential` staircase, or `constant`.
        warmup: Steps over which the rate rises in a straight line, with every kind.
        floor: Share of the highest rate at which the cosine ends.
        gamma: Factor of each stair of `exponential`.
        every: Steps of a stair; need not be whole (an epoch of 100 items in batches of 16 is 6.25).
    """

    kind: Literal["cosine", "exponential", "constant"] = "cosine"
    warmup: int = 200
    floor: float = 0.01
    gamma: float = 0.99
    every: float = 1000.0

    def __post_init__(self) -> None:
        kinds = ("cosine", "exponential", "constant")
        _ask(self.kind in kinds, "schedule.kind", self.kind, "one of " + ", ".join(kinds))
        _ask(self.warmup >= 0, "schedule.warmup", self.warmup, "0 or more")
        _ask(0 <= self.floor <= 1, "schedule.floor", self.floor, "from 0 to 1")
        _ask(0 < self.gamma <= 1, "schedule.gamma", self.gamma, "above 0, at most 1")
        _ask(0 < self.every < math.inf, "schedule.every", self.every, "more than 0")


@dataclass(frozen=True)
class GroupConfig:
    """Parameters that are to be treated apart.

    Attributes:
        names: Patterns such as `encoder.fc.*`, as in `fnmatch`, matched against the names of
            `module.named_parameters()`; a parameter belongs to the first group that names it.
        weight_decay: In place of the optimizer's.
        rate: Factor on the learning rate.
    """

    names: tuple[str, ...]
    weight_decay: float = 0.0
    rate: float = 1.0

    def __post_init__(self) -> None:
        _ask(0 <= self.weight_decay < math.inf, "group.weight_decay", self.weight_decay, "0 up")
        _ask(0 <= self.rate < math.inf, "group.rate", self.rate, "0 or more")


@dataclass(frozen=True)
class TrainerConfig:
    """Everything that the trainer itself is told. Just one of `steps` and `minutes` is given.

    A run of so many steps that is interrupted and resumed on the CPU ends in the very bits of an
    uninterrupted one. A run of so many minutes cannot promise it: its rate follows the clock.

    Attributes:
        steps: Length of the run, of all its resumed parts together.
        minutes: The same in minutes of training, of all parts together.
        batch: Samples of a step, over all processes together.
        optimizer: What turns gradients into steps.
        schedule: How the rate changes.
        groups: Parameters with a weight decay or a rate of their own.
        average: Of the moving average of the weights; None for no average.
        clip: Greatest norm of the gradient; None for no limit.
        drop_last: See `headform.train.sampler.EpochSampler`.
        log_every: Steps from one line of log.jsonl to the next.
        validate_every: Steps from one validation to the next; the last step has one too.
        save_every: Steps between checkpoints; None for none by count.
        save_seconds: Seconds between checkpoints; None for none by the clock.
        seed: Of the order of the data and of everything drawn at random while training; the
            module's first weights are the stage's to seed.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 48
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    groups: tuple[GroupConfig, ...] = ()
    average: float | None = 0.998
    clip: float | None = 5.0
    drop_last: bool = False
    log_every: int = 100
    validate_every: int = 1000
    save_every: int | None = None
    save_seconds: float | None = 120.0
    seed: int = 0

    @property
    def length(self) -> float:
        """Steps or minutes, whichever the run is measured in."""
        return float(self.steps or self.minutes or 0)

    def __post_init__(self) -> None:
        both = f"steps {self.steps} and minutes {self.minutes}"
        _ask((self.steps is None) != (self.minutes is None), "length", both, "just one of the two")
        _ask(self.steps is None or self.steps > 0, "steps", self.steps, "1 or more")
        long = self.minutes is None or 0 < self.minutes < math.inf
        _ask(long, "minutes", self.minutes, "more than 0")
        _ask(self.batch >= 1, "batch", self.batch, "1 or more")
        _ask(self.average is None or 0 <= self.average < 1, "average", self.average, "from 0 to <1")
        _ask(self.clip is None or self.clip > 0, "clip", self.clip, "more than 0")
        _ask(self.log_every >= 1, "log_every", self.log_every, "1 or more")
        _ask(self.validate_every >= 1, "validate_every", self.validate_every, "1 or more")
        _ask(self.save_every is None or self.save_every >= 1, "save_every", self.save_every, "1 up")
        seconds = self.save_seconds
        _ask(seconds is None or seconds >= 0, "save_seconds", seconds, "0 or more")
        _ask(self.seed >= 0, "seed", self.seed, "0 or more")


def _ask(good: bool, field_name: str, value: object, wanted: str) -> None:
    if not good:
        what = f"{field_name} of the training is {value}"
        raise UsageError("config_invalid", what, "", f"give {wanted}")
