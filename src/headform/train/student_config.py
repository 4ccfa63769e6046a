"""Configuration and presets of the student's training."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from headform.data.portraits import FOLDS
from headform.errors import UsageError, check_choice
from headform.nets.landmarks.student_net import StudentNetConfig
from headform.synth.randomization import FULL
from headform.train.config import OptimizerConfig, ScheduleConfig, TrainerConfig
from headform.train.loss_weights import StudentLossWeights
from headform.train.pool import PoolConfig

StudentPreset = Literal["open", "synthetic-only"]
STUDENT_PRESETS: tuple[StudentPreset, ...] = ("open", "synthetic-only")
PICTURE_SHARE = 9 / 8
"""Side of a stored picture over that of the network's crop: room for windows that move."""
LIVE_FACES = 12_000
"""Faces in the ring: 3.3 GB at 288 pixels."""


@dataclass(frozen=True)
class SourceConfig:
    """Share of each source in a batch, and weights of its labels.

    Attributes:
        synthetic: Share of synthetic faces.
        portraits: Share of prepared portraits as they are.
        turned: Share of their turned copies.
        synthetic_weight: Weight of all labels of a synthetic face.
        portrait_weight: Weight of all labels of a portrait.
        turned_weight: Weight of all labels of a turned copy, whose skin is stretched and whose surroundings are filled.
        synthetic68: Further weight of the annotators' points of a synthetic face, which are the surface's; its jaw is moved
            by the head's own offset.
        annotated68: Further weight of points and openings that were placed by hand.
        fitted_openings: Further weight of openings that only the fit tells: on closed mouths it leaves about a millimeter.
    """

    synthetic: float = 1.0
    portraits: float = 0.0
    turned: float = 0.0
    synthetic_weight: float = 1.0
    portrait_weight: float = 1.0
    turned_weight: float = 0.6
    synthetic68: float = 1.0
    annotated68: float = 3.0
    fitted_openings: float = 0.3

    @property
    def real(self) -> bool:
        """True if prepared portraits are needed."""
        return self.portraits + self.turned > 0

    def __post_init__(self) -> None:
        shares = self.synthetic, self.portraits, self.turned
        if min(asdict(self).values()) < 0 or not abs(sum(shares) - 1) < 1e-6:
            what = f"the shares of the sources are {shares}"
            raise UsageError(
                "config_invalid", what, "SourceConfig", "give shares and weights of 0 or more, shares of sum 1"
            )


@dataclass(frozen=True)
class VariationConfig:
    """Variation of pictures at each reading.

    Attributes:
        scale_sd: Standard deviation of the logarithm of a portrait's magnification.
        angle_sd: Standard deviation of its turn in the picture, radians.
        shift_sd: Standard deviation of its shift, sides of the picture.
        degradation_rate: Share of portraits that are degraded as synthetic photos are.
        gray_rate: Share of pictures without color.
        patch_rate: Share of pictures partly covered by a patch of another.
    """

    scale_sd: float = 0.07
    angle_sd: float = 0.13
    shift_sd: float = 0.02
    degradation_rate: float = 0.7
    gray_rate: float = 0.08
    patch_rate: float = 0.12


@dataclass(frozen=True)
class StudentConfig:
    """Configuration of a run.

    Attributes:
        trainer: Length, optimizer, schedule.
        pool: Configuration of the synthetic faces; with 0 workers the first faces are all there are, and a run in steps is
            the same to the bit.
        net: Sizes of the network.
        weights: Factors of the losses.
        sources: Shares and weights of the sources.
        variation: Variation of the pictures.
        fold: Fold of annotated people who do not teach; None for none.
        first_faces: Synthetic faces rendered before the first step.
        validation: Synthetic faces for validation.
        seed: Seed of weights and data.
    """

    trainer: TrainerConfig
    pool: PoolConfig
    net: StudentNetConfig = field(default_factory=StudentNetConfig)
    weights: StudentLossWeights = field(default_factory=StudentLossWeights)
    sources: SourceConfig = field(default_factory=SourceConfig)
    variation: VariationConfig = field(default_factory=VariationConfig)
    fold: int | None = None
    first_faces: int = 2048
    validation: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pool.size != round(self.net.side * PICTURE_SHARE) or self.pool.size % 2:
            what = f"pictures of {self.pool.size} pixels do not fit a crop of {self.net.side}"
            raise UsageError("config_invalid", what, "StudentConfig", "use pictures of 9/8 of the crop's side")
        if self.fold is not None and not 0 <= self.fold < FOLDS:
            raise UsageError("fold_invalid", f"fold is {self.fold}", "", f"use a number from 0 to {FOLDS - 1}")
        if self.fold is not None and not self.sources.real:
            advice = "leave the fold out, or use --preset open"
            raise UsageError("option_unused", "a fold only applies to portraits", "--fold", advice)

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for config.json and the model card."""
        return asdict(self)


def student_preset(
    name: StudentPreset,
    *,
    seed: int = 0,
    workers: int = 1,
    net: StudentNetConfig | None = None,
    fold: int | None = None,
) -> StudentConfig:
    """Return the configuration of a preset.

    ``open``: synthetic faces, prepared portraits with their pseudo-labels and hand-placed points, and turned copies.
    ``synthetic-only``: synthetic faces.

    Args:
        name: One of `STUDENT_PRESETS`.
        seed: Seed of weights and data.
        workers: Processes that render.
        net: Sizes of the network; None for the defaults.
        fold: Fold of annotated people who do not teach.

    Raises:
        UsageError: `option_unknown`, `fold_invalid`, `option_unused`.
    """
    check_choice(name, STUDENT_PRESETS, "preset")
    net = net or StudentNetConfig()
    trainer = TrainerConfig(
        steps=40_000,
        batch=32,
        optimizer=OptimizerConfig("adamw", lr=1.5e-3, weight_decay=0.02),
        schedule=ScheduleConfig("cosine", warmup=500),
        ema_decay=0.999,
        validate_every=2000,
        save_seconds=300.0,
        seed=seed,
    )
    sources = SourceConfig()
    if name == "open":
        sources = SourceConfig(synthetic=0.6, portraits=0.25, turned=0.15, synthetic68=0.3)
    size = round(net.side * PICTURE_SHARE)
    pool = PoolConfig("loose", size, FULL, capacity=LIVE_FACES, workers=workers, seed=seed)
    return StudentConfig(trainer=trainer, pool=pool, net=net, sources=sources, fold=fold, seed=seed)
