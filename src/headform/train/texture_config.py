"""Configuration of `headform train texture`: networks, losses and their weights, schedule, critic; five presets.

``paper`` is Lin et al. (2020): residual form, the coarse texture alone refined, FaceNet's embedding, the critic with batch
norm, the paper's losses. ``released-code`` is what their published code trains by default: the normal form, seven channels,
the regressor's features beside FaceNet's, its own objective, no critic. ``open`` is the paper's method with what ships: the
recognition network of the package, photo colors for the refiner, a start from these colors, a critic without batch norm, and
the true albedo of synthetic people. ``albedo`` learns this true albedo alone, from synthetic people alone: without light,
shadow and shine, and where nothing is seen; it starts from the coarse texture. ``overfit`` learns one photo by heart.

The weights of two groups of losses change during the first `ramp` steps, in a straight line:

    total = sigma1 (pixel + sigma2 identity + sigma3 adversarial) + sigma4 (vertex terms) + others
    sigma1: 0 → 1, sigma4: 1 → `least_vertices`
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from headform.errors import check_choice
from headform.nets.texture_critic_net import CriticNorm
from headform.nets.texture_net import PHOTO_CHANNELS, TextureNetConfig
from headform.train.config import GroupConfig, OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig

Preset = Literal["open", "albedo", "paper", "released-code", "overfit"]
Objective = Literal["paper", "released"]
PAPER_EPOCHS = 50
PAPER_BATCH = 4
RAMP_EPOCHS = 5
"""Epochs of the ramp in the published code; the paper says "gradually"."""
OPEN_STEPS = 20_000
ALBEDO_STEPS = 6_000
OVERFIT_STEPS = 150
_LINEAR = ("net.decoder.spread.*", "net.refiner.narrow.*", "net.refiner.spread.*")
_MUON = OptimizerConfig(kind="muon", lr=1e-2, momentum=0.9, weight_decay=0.0)
"""After 120 steps on one photo 25.0 dB, after 240 of AdamW at 4e-3 23.0; AdamW at 1e-2 learns nothing."""
_CRITIC = OptimizerConfig(lr=1e-4, weight_decay=0.0, betas=(0.5, 0.9))


@dataclass(frozen=True)
class TextureLossWeights:
    """Factors of the losses; see the module docstring for the groups.

    Attributes:
        pixel: masked Euclidean distance of colors between photo and rendering, L_pix.
        identity: sigma2, cosine of the recognition network between photo and overlay, L_id.
        adversarial: sigma3, score of the critic, L_adv.
        coarse: distance of T and T' at the vertices; a vertex term.
        projected: distance of T_p and the lit T' where the photo shows the vertex; a vertex term.
        truth: distance of T' from the true albedo of synthetic people, at the level of the coarse texture.
        symmetry: distance of T' from its mirror image.
        variance: variance of T' over the skin of the face.
    """

    pixel: float = 1.0
    identity: float = 0.2
    adversarial: float = 0.001
    coarse: float = 1.0
    projected: float = 1.0
    truth: float = 0.0
    symmetry: float = 0.0
    variance: float = 0.0

    @property
    def drawn(self) -> bool:
        """Tell whether a loss compares the texture in the light of its photo."""
        return any((self.pixel, self.identity, self.adversarial, self.projected))


@dataclass(frozen=True)
class TextureConfig:
    """Configuration of a run, without data and head.

    Attributes:
        preset: preset of the other fields.
        trainer: steps, optimizers, schedule; its phases say whether there is a critic, and its steps per step.
        net: sizes of the networks.
        weights: factors of the losses.
        objective: ``paper`` as in the module docstring; ``released``: ref L1(T', T) + ren (vertex colors + 0.2 identity +
            0.5 symmetry + 0.01 variance), ref = sigma4 and ren = sigma1, of the published code.
        ramp: steps over which sigma1 and sigma4 change.
        least_vertices: value at which sigma4 stays.
        critic_norm: normalization of the critic.
        side: side of the rendered pictures, pixels; a multiple of 32 with a critic.
        held_out: subjects held out for validation.
        pictures: held-out photos in the picture of a validation.
        seed: seed of weights and order of the data.
    """

    preset: Preset
    trainer: TrainerConfig
    net: TextureNetConfig = field(default_factory=TextureNetConfig)
    weights: TextureLossWeights = field(default_factory=TextureLossWeights)
    objective: Objective = "paper"
    ramp: int = 1
    least_vertices: float = 0.0
    critic_norm: CriticNorm = "batch"
    side: int = 224
    held_out: int = 16
    pictures: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.preset, get_args(Preset), "preset")
        check_choice(self.objective, get_args(Objective), "objective")
        check_choice(self.critic_norm, get_args(CriticNorm), "critic_norm")
        if not 0 <= self.least_vertices <= 1 or self.ramp < 1 or self.side < 16:
            raise ValueError(f"ramp, least_vertices or side is out of range: {self}")
        if min(self.held_out, self.pictures) < 0:
            raise ValueError(f"counts must not be negative: {self}")
        if self.has_critic and self.side % 32:
            raise ValueError(f"with a critic the side is a multiple of 32: {self}")

    @property
    def has_critic(self) -> bool:
        """Tell whether a critic is trained."""
        return any(phase.name == CRITIC for phase in self.trainer.phases)

    def sigmas(self, step: int) -> tuple[float, float]:
        """Return sigma1 and sigma4 at a step, counted from 0."""
        rising = min(1.0, step / self.ramp)
        return rising, max(1.0 - rising, self.least_vertices)


CRITIC, TEXTURE = "critic", "texture"
"""Names of the two phases."""


def from_preset(preset: Preset, photos: int, *, seed: int = 0, steps: int | None = None) -> TextureConfig:
    """Return a preset for a training set, with another seed or length.

    Args:
        preset: Name.
        photos: Number of photos to learn from, by which the published settings count epochs.
        seed: Seed of everything.
        steps: Steps; None keeps the preset's.
    """
    check_choice(preset, get_args(Preset), "preset")
    epoch = max(1.0, photos / PAPER_BATCH)
    if preset == "open":
        config = _open()
    elif preset == "albedo":
        config = _albedo()
    elif preset == "overfit":
        config = _overfit()
    else:
        config = _paper(epoch) if preset == "paper" else _released(epoch)
    trainer = replace(config.trainer, seed=seed, steps=steps or config.trainer.steps)
    # a shortened run still has both phases of the losses
    ramp = min(config.ramp, max(1, (trainer.steps or config.ramp) // 2))
    return replace(config, trainer=trainer, seed=seed, ramp=ramp)


def with_critic(config: TextureConfig, repeats: int | None) -> TextureConfig:
    """Return a configuration with a critic that takes `repeats` steps in each step, or without one for 0.

    Args:
        config: Configuration.
        repeats: Steps of the critic; None leaves the configuration as it is.
    """
    if repeats is None:
        return config
    if repeats == 0:
        weights = replace(config.weights, adversarial=0.0)
        return replace(config, trainer=replace(config.trainer, phases=()), weights=weights)
    phases = (PhaseConfig(CRITIC, ("critic.*",), _CRITIC, repeats), PhaseConfig(TEXTURE, ("net.*",)))
    weights = replace(config.weights, adversarial=config.weights.adversarial or TextureLossWeights().adversarial)
    return replace(config, trainer=replace(config.trainer, phases=phases), weights=weights)


def _paper(epoch: float) -> TextureConfig:
    trainer = TrainerConfig(
        steps=round(PAPER_EPOCHS * epoch),
        batch=PAPER_BATCH,
        optimizer=OptimizerConfig(lr=1e-4, weight_decay=0.0),
        schedule=ScheduleConfig(kind="exponential", warmup=0, gamma=0.98, every=epoch),
        ema_decay=None,
        max_grad_norm=5.0,
    )
    config = TextureConfig("paper", trainer, ramp=max(1, round(RAMP_EPOCHS * epoch)))
    return with_critic(config, 5)


def _released(epoch: float) -> TextureConfig:
    paper = with_critic(_paper(epoch), 0)
    return replace(
        paper,
        preset="released-code",
        # 5e-4 / 2 times the squares of the linear layers' weights, as decoupled decay
        trainer=replace(paper.trainer, groups=(GroupConfig(_LINEAR, weight_decay=5e-4),)),
        net=TextureNetConfig("normal", PHOTO_CHANNELS, "pool5+facenet", 3840),
        weights=TextureLossWeights(adversarial=0.0, symmetry=0.5, variance=0.01),
        objective="released",
        least_vertices=0.2,
    )


def _open() -> TextureConfig:
    trainer = TrainerConfig(
        steps=OPEN_STEPS,
        batch=4,
        optimizer=replace(_MUON, lr=3e-3),
        schedule=ScheduleConfig(warmup=100),
        ema_decay=0.998,
        ema_parts=("net.*",),
        validate_every=500,
        log_every=50,
    )
    config = TextureConfig(
        "open",
        trainer,
        TextureNetConfig("residual", PHOTO_CHANNELS, "recognizer", 128, base="photo", unlit=True),
        TextureLossWeights(truth=1.0, symmetry=0.1),
        ramp=2000,
        least_vertices=0.2,
        critic_norm="none",
        side=160,
    )
    return with_critic(config, 1)


def _albedo() -> TextureConfig:
    open_ = with_critic(_open(), 0)
    return replace(
        open_,
        preset="albedo",
        trainer=replace(open_.trainer, steps=ALBEDO_STEPS),
        # shadows and shine of the photo's colors would have to be unlearned
        net=replace(open_.net, base="coarse"),
        weights=TextureLossWeights(
            pixel=0.0, identity=0.0, adversarial=0.0, coarse=0.0, projected=0.0, truth=1.0, symmetry=0.02
        ),
    )


def _overfit() -> TextureConfig:
    open_ = with_critic(_open(), 0)
    trainer = replace(
        open_.trainer,
        steps=OVERFIT_STEPS,
        batch=1,
        optimizer=_MUON,
        schedule=ScheduleConfig(warmup=10),
        ema_decay=0.9,
        validate_every=50,
        log_every=20,
        save_every=None,
        save_seconds=120.0,
    )
    weights = TextureLossWeights(adversarial=0.0, symmetry=0.02)
    net = replace(open_.net, base="coarse")  # from the photo's colors, 25.3 dB in place of 26.8 after as many steps
    return replace(
        open_,
        preset="overfit",
        trainer=trainer,
        net=net,
        weights=weights,
        ramp=40,
        side=224,
        held_out=0,
        pictures=1,
    )
