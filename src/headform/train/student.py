"""`headform train landmarks --preset open | synthetic-only`: the student, on synthetic faces and open portraits.

B batch, S side of the crop. Configuration and presets are in `student_config`, labels in `student_rows`, losses in
`student_losses`.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import UsageError
from headform.geometry.rotation import rotation_from_6d
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.nets.crop_geometry import loose_square
from headform.nets.landmarks.student_net import StudentNet, StudentOutput
from headform.synth.generator import Generator
from headform.train.distributed import init_distributed
from headform.train.pool import RESUMABLE_FIELDS, RenderPool, part_of_run, rows_of
from headform.train.student_batches import StudentBatches, StudentTargets
from headform.train.student_config import StudentConfig
from headform.train.student_losses import StudentLosses
from headform.train.student_rows import Rows, SyntheticRows, join_rows, stack_rows
from headform.train.student_sources import FixedFaces, PortraitSource, left_out
from headform.train.trainer import Losses, Step, Trainer, TrainResult

_AT_ONCE = 32
"""Crops of the validation that go through the network at once."""
HeldOut = dict[str, tuple[Tensor, StudentTargets]]


@torch.no_grad()
def student_errors(net: nn.Module, images: Float[Tensor, "B 3 S S"], targets: StudentTargets) -> dict[str, float]:
    """Measure the errors of the points in percent of the face's size, of openings, rotation, visibility, and of a constant.

    Returns:
        ``nme68`` of the annotators' points with a weight, ``mean_points_nme68`` of their mean over the batch,
        ``nme68_surface`` of the first 68 surface points, ``lids`` and ``lips`` of the openings in percent of the face's
        size, ``degrees``, and ``visible``, the share of points whose visibility is right.
    """
    outs: list[StudentOutput] = [net(part) for part in images.split(_AT_ONCE)]
    joined = {name: torch.cat([getattr(o, name) for o in outs]) for name in vars(outs[0])}
    t, known = targets, (targets.weight68 > 0).float()
    size = t.size[:, None]

    def error(points: Tensor, true: Tensor, weight: Tensor) -> float:
        return 100 * float(((points - true).norm(dim=-1) / size * weight).sum() / weight.sum().clamp_min(1))

    opened = (joined["openings"] - t.openings).abs() * 100
    given = (t.openings_weight > 0).float()
    cosine = ((rotation_from_6d(joined["rotation6"]) * t.rotation).sum((1, 2)) - 1) / 2
    seen = ((joined["visible_logits"] > 0) == (t.visible > 0.5)).float()
    return {
        "nme68": error(joined["points68"], t.points68, known),
        "mean_points_nme68": error(t.points68.mean(0).expand_as(t.points68), t.points68, known),
        "nme68_surface": error(joined["points"][:, :68], t.points[:, :68], (t.points_weight[:, :68] > 0).float()),
        "lids": float((opened * given)[:, :4].sum() / given[:, :4].sum().clamp_min(1)),
        "lips": float((opened * given)[:, 4:].sum() / given[:, 4:].sum().clamp_min(1)),
        "degrees": float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).mean()),
        "visible": float(seen.mean()),
    }


def run(
    config: StudentConfig, out: Path, *, portraits: Path | None = None, resume: bool = False
) -> tuple[StudentNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged network on the CPU, the totals of the run, and metadata for the model card.

    Args:
        config: Configuration, such as `student_preset` gives it.
        out: Run folder.
        portraits: Folder of `headform data portraits`, where the sources include any.
        resume: Resume from the checkpoint in the folder.

    Raises:
        UsageError: `portraits_not_given`, `option_unused`, and those of `Trainer`.
        InputError: those of `PortraitSource`.
    """
    real = portraits_of(config, portraits)
    torch.manual_seed(config.seed)
    head = load_open()
    net = StudentNet(replace(config.net, points=len(head.dense), expressions=len(head.expression)))
    net.start_at(_frontal_points(head))
    device = init_distributed().device
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    facts: dict[str, Any] = {"stage": "student landmarks", "config": config.as_facts(), "head": head.sha256}
    facts["portraits"] = None if real is None else real.facts
    trainer = Trainer(net, config.trainer, out, metadata=facts, resume=resume, resumable_fields=RESUMABLE_FIELDS)
    batches = StudentBatches(head, config.net, config.variation)
    synthetic, losses = SyntheticRows(head, config.sources), StudentLosses(head, config.weights, device)
    with _faces(head, config, out, trainer, keep=resume) as faces:
        held_out: HeldOut = {"": _on(device, *batches(synthetic(_validation(head, config)), None))}
        if real is not None and portraits is not None and config.fold is not None:
            rows = [real.row(each, None) for each in left_out(portraits, config.fold)]
            if rows:
                held_out["portraits_"] = _on(device, *batches(stack_rows(rows), None))

        def losses_of(net: nn.Module, step: Step) -> Losses:
            images, targets = batches(draw_rows(config, synthetic, faces, real, step), step.rng)
            return losses(net, images.to(device), targets.to(device))

        def validate(net: nn.Module) -> dict[str, float]:
            return {
                prefix + name: value
                for prefix, given in held_out.items()
                for name, value in student_errors(net, *given).items()
            }

        started = time.time()
        result = trainer.run(losses_of, validate)
        made = faces.made
        final = trainer.averaged_module()
        measured = validate(final)
    if not isinstance(final, StudentNet):
        raise TypeError(type(final))
    final.cpu()
    facts |= {
        "steps": result.steps,
        "samples_seen": result.samples,
        "faces_rendered": made,
        "minutes": round(result.minutes, 1),
        "wall_minutes_last_part": round((time.time() - started) / 60, 1),
        "validation": measured,
        "data": _data_of(real),
    }
    return final, result, facts


def draw_rows(
    config: StudentConfig,
    synthetic: SyntheticRows,
    faces: RenderPool | FixedFaces,
    real: PortraitSource | None,
    step: Step,
) -> Rows:
    """Draw the rows of a batch from all sources; their numbers are drawn, too, by the shares of the configuration."""
    s = config.sources
    shares = np.array([s.synthetic, s.portraits, s.turned])
    made, portraits, turned = (int(n) for n in step.rng.multinomial(step.count, shares / shares.sum()))
    parts = [synthetic(faces.draw(step.rng, made))] if made else []
    if real is not None and portraits + turned:
        parts.append(real.draw(step.rng, portraits, turned))
    return join_rows(parts)


def portraits_of(config: StudentConfig, folder: Path | None) -> PortraitSource | None:
    """Return the source of portraits of a configuration, or None if it has none; nothing but the index is read.

    Args:
        config: Configuration of the run.
        folder: Folder of `headform data portraits`.

    Raises:
        UsageError: `portraits_not_given`, `option_unused`.
        InputError: those of `PortraitSource`.
    """
    if not config.sources.real:
        if folder is not None:
            what = "portraits are given, and the preset uses none"
            raise UsageError("option_unused", what, "--portraits", "leave them out, or use --preset open")
        return None
    if folder is None:
        advice = "give --portraits DIR, a folder that `headform data portraits` has written"
        raise UsageError("portraits_not_given", "the preset needs prepared portraits", "--portraits", advice)
    randomization = config.pool.randomization
    return PortraitSource(folder, config.pool.size, config.sources, config.variation, randomization, config.fold)


def _frontal_points(head: LinearHead) -> Float[Tensor, "N 2"]:
    """Return the dense points of the mean head seen from the front, in crop coordinates."""
    points = head.mean[head.dense][:, :2].double().numpy() * [1.0, -1.0]
    x, y, side = loose_square(points[:68])
    return torch.from_numpy((points - [x, y]) * (2 / side) - 1).float()


@contextlib.contextmanager
def _faces(
    head: LinearHead, config: StudentConfig, out: Path, trainer: Trainer, *, keep: bool
) -> Iterator[RenderPool | FixedFaces]:
    """Hold the source of synthetic faces during a part of a run, filled with its first faces."""
    if config.pool.workers == 0:
        yield FixedFaces(head, config.pool, config.first_faces)
        return
    rank = trainer.context.rank
    pool = RenderPool(out / f"pool_{rank}", head, part_of_run(config.pool, trainer.seconds, rank), keep=keep)
    with pool:
        pool.wait_for(config.first_faces)
        yield pool
    if trainer.done >= config.trainer.length:
        shutil.rmtree(pool.folder, ignore_errors=True)


def _validation(head: LinearHead, config: StudentConfig) -> Rows:
    """Render held-out synthetic faces, with a seed that no worker uses."""
    maker = Generator(head, size=config.pool.size, view="loose", randomization=config.pool.randomization)
    return rows_of(maker.batch(np.random.default_rng((config.seed, 2**31)), config.validation))


def _on(device: torch.device, images: Tensor, targets: StudentTargets) -> tuple[Tensor, StudentTargets]:
    return images.to(device), targets.to(device)


def _data_of(real: PortraitSource | None) -> str:
    made = "synthetic faces (headform.synth)"
    if real is None:
        return f"{made} only; no photo of anyone"
    named = "; ".join(f"{name}: {license}" for name, license in real.facts["sources"].items())
    teachers = (
        "labeled by the committee (the dense network, MediaPipe's face mesh, face-api, PFLD) and hand-placed contours"
    )
    return f"{made}, and open portraits {teachers}: {named}"
