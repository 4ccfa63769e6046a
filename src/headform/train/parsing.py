"""`headform train parsing`: classes of the pixels around a face, from synthetic faces and open portraits.

B batch, C classes, M side of the map.

Synthetic faces have exact classes. Annotated portraits have those that their contours and their even backdrop tell
(`headform.data.contour_classes`); the rest is masked. Portraits without annotations teach consistency (Tarvainen and Valpola
2017): the averaged network reads the crop as it is, and the network must find the same in the crop varied, where the former
is sure (as in FixMatch, Sohn et al. 2020).
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from headform.data.open_portraits import Portrait, annotated_portraits, fold_of, plain_portraits
from headform.errors import UsageError, check_choice
from headform.geometry.face_classes import FACE_CLASSES, OUTSIDE, UNKNOWN
from headform.heads import load_open
from headform.nets.parsing_net import ParsingNet, ParsingNetConfig
from headform.nets.shipped import load_parsing
from headform.synth.generator import Generator
from headform.synth.randomization import FULL
from headform.train.config import OptimizerConfig, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.parsing_augment import ParsingAugmentation
from headform.train.parsing_losses import ParsingLossWeights, class_weights, confident_labels, parsing_losses
from headform.train.parsing_sources import (
    LabeledPicture,
    ParsingBatch,
    PictureSource,
    PortraitSource,
    SyntheticSource,
    centered_batch,
    labeled_pictures,
    random_batch,
)
from headform.train.pool import RESUMABLE_FIELDS, PoolConfig, RenderPool, part_of_run, rows_of
from headform.train.trainer import Losses, Step, Trainer, TrainResult

Preset = Literal["open", "synthetic-only"]
PICTURE_SIDE = 272
_VALIDATED_PORTRAITS = 24


@dataclass(frozen=True)
class ParsingConfig:
    """Configuration of a run.

    Attributes:
        preset: ``open`` for synthetic faces and open portraits, ``synthetic-only``.
        trainer: Length, optimizer, schedule.
        pool: Configuration of the synthetic faces.
        net: Sizes of the network.
        augmentation: Ranges of the variation of crops.
        weights: Factors of the losses.
        annotated_share: Share of annotated portraits in a batch, with the preset ``open``.
        plain_share: Share of portraits without annotations.
        ramp: Steps between which the weight of the consistency rises from 0: an untaught network is no teacher.
        folds: Parts into which the annotated people are divided; 0 for none.
        fold: Part that is held out, from 0; used where `folds` is not 0.
        start: Weights to start from; random ones if empty.
        first_faces: Synthetic faces rendered before the first step.
        validation: Synthetic faces for validation.
        seed: Seed of weights and data.
    """

    preset: Preset = "open"
    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(
            minutes=30.0, batch=12, precision="bfloat16", ema_decay=0.998, optimizer=OptimizerConfig(lr=3e-3)
        )
    )
    pool: PoolConfig = field(default_factory=lambda: PoolConfig("wide", PICTURE_SIDE, FULL, 8_000, classes=True))
    net: ParsingNetConfig = field(default_factory=ParsingNetConfig)
    augmentation: ParsingAugmentation = field(default_factory=ParsingAugmentation)
    weights: ParsingLossWeights = field(default_factory=ParsingLossWeights)
    annotated_share: float = 0.25
    plain_share: float = 0.3
    ramp: tuple[int, int] = (150, 800)
    folds: int = 0
    fold: int = 0
    start: str = ""
    first_faces: int = 1024
    validation: int = 96
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.preset, get_args(Preset), "preset", "ParsingConfig")
        if self.folds and not (self.folds >= 2 and 0 <= self.fold < self.folds):
            what = f"fold {self.fold} of {self.folds}"
            raise UsageError("fold_invalid", what, "ParsingConfig", "give 2 folds or more, and one of them, from 0")

    @property
    def learns_portraits(self) -> bool:
        """True if portraits teach."""
        return self.preset == "open"


@dataclass(frozen=True)
class ParsingSources:
    """Sources of a batch: synthetic faces, annotated portraits, portraits without annotations; None where one is missing."""

    synthetic: PictureSource | None
    annotated: PictureSource | None = None
    plain: PictureSource | None = None


def batch_counts(config: ParsingConfig, sources: ParsingSources, count: int) -> tuple[int, int, int]:
    """Return how many pictures of a batch are synthetic, annotated and without annotations."""
    annotated = round(config.annotated_share * count) if sources.annotated is not None else 0
    plain = round(config.plain_share * count) if sources.plain is not None else 0
    if sources.synthetic is None:
        return 0, count - plain, plain
    return count - annotated - plain, annotated, plain


class ParsingLosses:
    """Losses listed in the module docstring.

    Args:
        config: Configuration of the run.
        sources: Sources of the pictures.
        trainer: Trainer, whose averaged network is the teacher.
        device: Device of the network.
    """

    def __init__(
        self, config: ParsingConfig, sources: ParsingSources, trainer: Trainer, device: torch.device | str
    ) -> None:
        self._config, self._sources, self._trainer, self._device = config, sources, trainer, device
        self._class_weights = class_weights(config.net.classes).to(device)
        self._teacher = trainer.averaged_module()

    def __call__(self, net: nn.Module, step: Step) -> Losses:
        """Draw a batch and compute its losses by name; ``total`` is minimized."""
        config, sources = self._config, self._sources
        counts = batch_counts(config, sources, step.count)
        pictures: list[LabeledPicture] = []
        for source, count in zip((sources.synthetic, sources.annotated, sources.plain), counts, strict=True):
            if source is not None and count:
                pictures += source.draw(step.rng, count)
        batch = random_batch(step.rng, pictures, config.augmentation)
        labeled = counts[0] + counts[1]
        inside = batch.inside.to(self._device)
        logits = net(batch.images.to(self._device), inside)
        labels = batch.labels[:labeled].to(self._device)
        entropy, dice = parsing_losses(logits[:labeled], labels, self._class_weights)
        losses = {"entropy": entropy, "dice": dice, "total": entropy + config.weights.dice * dice}
        if counts[2]:
            taught = self._taught(batch.plain[labeled:].to(self._device), inside[labeled:])
            each = functional.cross_entropy(logits[labeled:].float(), taught, self._class_weights, ignore_index=UNKNOWN)
            agreed = (taught != UNKNOWN).float().mean()
            losses["consistency"] = torch.nan_to_num(each) * agreed
            losses["sure"] = agreed
            losses["total"] = losses["total"] + self._ramp() * config.weights.consistency * losses["consistency"]
        return losses

    @torch.no_grad()
    def _taught(self, plain: Float[Tensor, "B 3 S S"], inside: Float[Tensor, "B 1 S S"]) -> Int[Tensor, "B M M"]:
        """Return the averaged network's classes of crops, each read with its mirror image."""
        self._trainer.copy_average(self._teacher)
        logits = self._teacher(plain, inside) + self._teacher(plain.flip(-1), inside.flip(-1)).flip(-1)
        return confident_labels(logits / 2, inside, self._config.weights.confidence, UNKNOWN)

    def _ramp(self) -> float:
        low, high = self._config.ramp
        return float(np.clip((self._trainer.step - low) / (high - low), 0.0, 1.0))


@torch.no_grad()
def class_overlap(module: nn.Module, batch: ParsingBatch, device: torch.device | str = "cpu") -> dict[str, float]:
    """Measure the intersection over union of each class that the labels show, in cells, and their mean."""
    classes = len(FACE_CLASSES)
    counts = torch.zeros(classes, classes, dtype=torch.long)
    for k in range(0, len(batch.images), 32):
        part = slice(k, k + 32)
        found = module(batch.images[part].to(device), batch.inside[part].to(device)).argmax(1).cpu()
        labels = batch.labels[part]
        known = labels < OUTSIDE
        counts += torch.bincount(labels[known] * classes + found[known], minlength=classes**2).reshape(classes, classes)
    shared = counts.diagonal().double()
    union = counts.sum(0) + counts.sum(1) - shared
    there = [k for k in range(classes) if int(counts[k].sum()) > 0]
    each = {FACE_CLASSES[k]: 100 * float(shared[k] / union[k]) for k in there}
    return {**each, "mean": float(np.mean(list(each.values())))} if each else {}


def run(
    config: ParsingConfig,
    out: Path,
    *,
    photos: Path | None = None,
    resume: bool = False,
    log_fn: Callable[[str], None] | None = None,
) -> tuple[ParsingNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged network on the CPU, the totals of the run, and metadata for the model card.

    Args:
        config: Configuration.
        out: Run folder.
        photos: Folder that holds `london`, `canada` and `congress`; required by the preset ``open``.
        resume: Resume from the checkpoint in the folder.
        log_fn: Receiver of log lines, see `Trainer.run`.

    Raises:
        UsageError: `photos_missing`; those of `Trainer`.
        InputError: `portraits_missing`; those of `annotated_portraits`.
    """
    config = replace(config, trainer=replace(config.trainer, seed=config.seed))
    annotated: list[Portrait] = []
    plain: list[Portrait] = []
    if config.learns_portraits:
        if photos is None:
            what = "the preset open learns from portraits"
            raise UsageError("photos_missing", what, "", "give their folder with --photos, or --preset synthetic-only")
        annotated, plain = annotated_portraits(photos), plain_portraits(photos)
    held_out = [p for p in annotated if config.folds and fold_of(p.name, config.folds) == config.fold]
    taught = [p for p in annotated if not any(p is other for other in held_out)]
    facts: dict[str, Any] = {
        "stage": "parsing",
        "config": asdict(config),
        "data": describe_data(config, len(taught), len(plain)),
        "portraits": {"annotated": len(taught), "plain": len(plain), "held_out": len(held_out)},
    }
    head = load_open()
    rank = init_distributed().rank
    pool = RenderPool(out / f"pool_{rank}", head, part_of_run(config.pool, 0.0, rank), keep=resume)
    with pool:
        pool.wait_for(config.first_faces)
        sources = ParsingSources(
            SyntheticSource(pool),
            PortraitSource(taught) if taught else None,
            PortraitSource(plain) if plain else None,
        )
        validation = {"synthetic": centered_batch(_validation_faces(config))}
        shown = held_out[:_VALIDATED_PORTRAITS]
        if shown:
            validation["portraits"] = centered_batch([LabeledPicture(p.image, p.points, p.classes) for p in shown])
        net, result, measured = train_on(config, out, sources, facts, validation, resume=resume, log_fn=log_fn)
        made = pool.made
    if not result.stopped:  # else the workers go on where they were, with new faces
        shutil.rmtree(pool.folder, ignore_errors=True)
    facts |= {
        "config": card_config(config),
        "data": facts["data"] + _data_of_start(config),
        "validation": measured,
        "steps": result.steps,
        "samples_seen": result.samples,
        "faces_rendered": made,
        "minutes": round(result.minutes, 1),
    }
    return net, result, facts


def train_on(
    config: ParsingConfig,
    out: Path,
    sources: ParsingSources,
    facts: dict[str, Any],
    validation: dict[str, ParsingBatch],
    *,
    resume: bool = False,
    log_fn: Callable[[str], None] | None = None,
) -> tuple[ParsingNet, TrainResult, dict[str, float]]:
    """Train on given sources; return the averaged network, the totals of the run, and its measures."""
    torch.manual_seed(config.seed)
    net = load_parsing(Path(config.start))[0].train() if config.start else ParsingNet(config.net)
    device = init_distributed().device
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(net, config.trainer, out, metadata=facts, resume=resume, resumable_fields=RESUMABLE_FIELDS)
    losses = ParsingLosses(config, sources, trainer, device)

    def validate(module: nn.Module) -> dict[str, float]:
        measures: dict[str, float] = {}
        for name, batch in validation.items():
            measures |= {f"{name}_{key}": value for key, value in class_overlap(module, batch, device).items()}
        return measures

    result = trainer.run(losses, validate, log_fn=log_fn)
    final = trainer.averaged_module()
    if not isinstance(final, ParsingNet):
        raise TypeError(type(final))
    return final.cpu(), result, {k: round(v, 1) for k, v in validate(final).items()}


def _validation_faces(config: ParsingConfig) -> Sequence[LabeledPicture]:
    """Render held-out synthetic faces, with a seed that no worker uses."""
    pool = config.pool
    maker = Generator(load_open(), size=pool.size, view=pool.view, randomization=pool.randomization)
    rng = np.random.default_rng((config.seed, 2**31))
    return labeled_pictures(rows_of(maker.batch(rng, config.validation), classes=True))


def card_config(config: ParsingConfig) -> dict[str, Any]:
    """Return the configuration for the model card: without the hundreds of ranges of the faces, and without folders."""
    values = asdict(config)
    del values["pool"]["randomization"]
    return values | {"start": Path(config.start).name}


def _data_of_start(config: ParsingConfig) -> str:
    """Return what the weights were taught with from which a run started, for the model card."""
    if not config.start:
        return ""
    return f"; started from weights taught with {load_parsing(Path(config.start))[1].get('data', 'data unknown')}"


def describe_data(config: ParsingConfig, annotated: int, plain: int) -> str:
    """Name the sources of a run, for the model card."""
    synthetic = "synthetic faces (headform.synth) with exact classes"
    if not config.learns_portraits:
        return f"{synthetic} only; no photo of anyone"
    held_out = f", fold {config.fold} of {config.folds} held out" if config.folds else ""
    return (
        f"{synthetic}; {annotated} portraits of the Face Research Lab London Set (Lisa DeBruine and Benedict Jones, 2017, "
        "figshare 5047666) and of the Canadian faces (Lisa DeBruine, figshare 4220517), both CC BY 4.0, with their "
        f"hand-placed contours and backdrops as partial classes{held_out}; {plain} portraits of members of the United "
        "States Congress (public domain) without labels, by consistency"
    )
