"""Configuration shared by every training stage: length, optimizer, schedule, logging and checkpoints."""

import math
from dataclasses import dataclass, field
from typing import Literal

from headform.errors import UsageError

RESUMABLE_FIELDS = (
    "trainer.steps",
    "trainer.minutes",
    "trainer.log_every",
    "trainer.validate_every",
    "trainer.save_every",
    "trainer.save_seconds",
)
"""Fields that may change when a run is resumed: its length, and the intervals of logging, validation and checkpoints.

A run can thus be extended, but a cosine schedule is stretched from that point on: the weights differ from those of a run
that had the greater length from its first step.
"""


@dataclass(frozen=True)
class OptimizerConfig:
    """Optimizer and its parameters.

    Attributes:
        kind: `adamw` (decay decoupled from the gradient: weights shrink by lr * weight_decay) or
            `sgd` with momentum (v = momentum v + g, w -= lr v; decay adds weight_decay * w to g,
            the gradient of weight_decay / 2 * |w|^2), or `muon` (`headform.train.muon`; decay as
            with `adamw`).
        lr: Highest learning rate; the schedule multiplies it.
        momentum: Momentum of `sgd` and `muon`; 0 for none.
        betas: Decay of the two moments of `adamw`; WGAN-GP is usually trained with (0, 0.9).
        weight_decay: Weight decay of all parameters that belong to no group.
    """

    kind: Literal["adamw", "sgd", "muon"] = "adamw"
    lr: float = 1.6e-3
    momentum: float = 0.9
    weight_decay: float = 0.02
    betas: tuple[float, float] = (0.9, 0.999)

    def __post_init__(self) -> None:
        kinds = ("adamw", "sgd", "muon")
        _ask(self.kind in kinds, "optimizer.kind", self.kind, "one of " + ", ".join(kinds))
        _ask(0 < self.lr < math.inf, "optimizer.lr", self.lr, "more than 0")
        _ask(0 <= self.momentum < 1, "optimizer.momentum", self.momentum, "from 0 to below 1")
        good = len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas)
        _ask(good, "optimizer.betas", self.betas, "two numbers from 0 to below 1")
        decay = self.weight_decay
        _ask(0 <= decay < math.inf, "optimizer.weight_decay", decay, "0 or more")


@dataclass(frozen=True)
class ScheduleConfig:
    """Course of the learning rate; the formulas are in `headform.train.schedule`.

    Attributes:
        kind: `cosine` over the whole run, `exponential` staircase, or `constant`.
        warmup: Steps of linear warmup, for every kind.
        floor: Final rate of the cosine, as a fraction of the highest rate.
        gamma: Decay factor per stair of `exponential`.
        every: Length of a stair in steps; need not be an integer (an epoch of 100 items in batches of 16 is 6.25).
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
    """Group of parameters with a weight decay and learning rate of its own.

    Attributes:
        names: Patterns such as `encoder.fc.*`, as in `fnmatch`, matched against the names of
            `module.named_parameters()`; a parameter belongs to the first group that names it.
        weight_decay: Weight decay, in place of the optimizer's.
        lr_scale: Factor on the learning rate.
    """

    names: tuple[str, ...]
    weight_decay: float = 0.0
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        _ask(0 <= self.weight_decay < math.inf, "group.weight_decay", self.weight_decay, "0 or more")
        _ask(0 <= self.lr_scale < math.inf, "group.lr_scale", self.lr_scale, "0 or more")


@dataclass(frozen=True)
class PhaseConfig:
    """Part of a step with an optimizer and losses of its own, such as a critic's.

    Attributes:
        name: Name, passed to the stage as `Step.phase`; prefix of the losses in the log.
        parameters: Patterns, as in `GroupConfig`, of the trained parameters; all others are constant in this phase.
        optimizer: Optimizer of the phase; None for the trainer's.
        repeats: Optimizer steps of this phase in one step of the run, each on a batch of its own.
    """

    name: str
    parameters: tuple[str, ...] = ("*",)
    optimizer: OptimizerConfig | None = None
    repeats: int = 1

    def __post_init__(self) -> None:
        _ask(bool(self.name) and "." not in self.name, "phase.name", self.name or "empty", "a word without a dot")
        _ask(self.repeats >= 1, "phase.repeats", self.repeats, "1 or more")


@dataclass(frozen=True)
class TrainerConfig:
    """Configuration of the trainer. Exactly one of `steps` and `minutes` is given.

    A run measured in steps that is interrupted and resumed on the CPU ends with the same bits as an
    uninterrupted one. A run measured in minutes does not: its learning rate follows the clock.

    Attributes:
        steps: Length of the run in steps, all resumed parts together.
        minutes: Length of the run in minutes of training, all resumed parts together.
        batch: Samples per step, over all processes.
        optimizer: Optimizer of all phases that have none of their own.
        schedule: Learning-rate schedule.
        groups: Groups of parameters with a weight decay or learning rate of their own.
        phases: Phases of a step, in order; if empty, one phase named ``all`` that trains every parameter.
        accumulate: Number of micro-batches of a batch, whose gradients are accumulated before an optimizer step.
        precision: ``bfloat16`` runs the losses under `torch.autocast`; weights, gradients and optimizers stay float32.
        ema_decay: Decay of the exponential moving average of the weights; None for no average.
        ema_parts: Patterns of the averaged part of the state; the rest, such as a critic, keeps its last values.
        max_grad_norm: Norm to which the gradient of a phase is clipped; None for no clipping.
        drop_last: See `headform.train.sampler.EpochSampler`.
        log_every: Steps between lines of log.jsonl.
        validate_every: Steps between validations; the last step is always validated.
        save_every: Steps between checkpoints; None to ignore the step count.
        save_seconds: Seconds between checkpoints; None to ignore the clock.
        seed: Seed of the order of the data and of all random draws while training; the stage seeds the
            initial weights.
    """

    steps: int | None = None
    minutes: float | None = None
    batch: int = 48
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    groups: tuple[GroupConfig, ...] = ()
    phases: tuple[PhaseConfig, ...] = ()
    accumulate: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    ema_decay: float | None = 0.998
    ema_parts: tuple[str, ...] = ("*",)
    max_grad_norm: float | None = 5.0
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
        _ask((self.steps is None) != (self.minutes is None), "length", both, "exactly one of the two")
        _ask(self.steps is None or self.steps > 0, "steps", self.steps, "1 or more")
        long = self.minutes is None or 0 < self.minutes < math.inf
        _ask(long, "minutes", self.minutes, "more than 0")
        _ask(self.batch >= 1, "batch", self.batch, "1 or more")
        decay = self.ema_decay
        _ask(decay is None or 0 <= decay < 1, "ema_decay", decay, "from 0 to below 1")
        norm = self.max_grad_norm
        _ask(norm is None or norm > 0, "max_grad_norm", norm, "more than 0")
        _ask(self.accumulate >= 1, "accumulate", self.accumulate, "1 or more")
        kinds = ("float32", "bfloat16")
        _ask(self.precision in kinds, "precision", self.precision, "one of " + ", ".join(kinds))
        names = [phase.name for phase in self.phases]
        _ask(len(set(names)) == len(names), "phases", ", ".join(names), "each phase a name of its own")
        _ask(self.log_every >= 1, "log_every", self.log_every, "1 or more")
        _ask(self.validate_every >= 1, "validate_every", self.validate_every, "1 or more")
        _ask(self.save_every is None or self.save_every >= 1, "save_every", self.save_every, "1 or more")
        seconds = self.save_seconds
        _ask(seconds is None or seconds >= 0, "save_seconds", seconds, "0 or more")
        _ask(self.seed >= 0, "seed", self.seed, "0 or more")


def _ask(good: bool, field_name: str, value: object, wanted: str) -> None:
    if not good:
        what = f"the training configuration has {field_name} = {value}"
        raise UsageError("config_invalid", what, "", f"give {wanted}")
