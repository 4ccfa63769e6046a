"""`headform train landmarks`: dense landmark network, trained on synthetic faces alone.

B batch, N dense points, E expressions, M side of the mask.

Losses: Gaussian negative log-likelihood of the points (Wood et al. 2022, eq. 1) and their L1 distance; the expression as a
displacement of the dense points; the Frobenius distance of the rotations; cross-entropy of the skin mask.
"""

import shutil
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from headform.geometry.rotation import rotation_from_6d
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.heads.mirror import ROTATION_SIGNS, mirrored_expressions
from headform.nets.landmarks.dense_net import INPUT_SIDE, MASK_SIDE, DenseNet, DenseNetConfig
from headform.synth.generator import Generator
from headform.synth.randomization import FULL
from headform.train.augment import cut_windows, paste_patches, random_windows, vary_color
from headform.train.config import TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.loss_weights import LandmarkLossWeights
from headform.train.pool import RESUMABLE_FIELDS, PoolConfig, RenderPool, part_of_run, rows_of
from headform.train.trainer import Losses, Step, Trainer, TrainResult

PICTURE_SIDE = 144
_SLACK = PICTURE_SIDE - INPUT_SIDE


@dataclass(frozen=True)
class LandmarkConfig:
    """Configuration of a run.

    Attributes:
        trainer: Length, optimizer, schedule.
        pool: Configuration of the synthetic faces.
        net: Sizes of the network.
        weights: Factors of the losses.
        patch_rate: Share of pictures partly covered by a patch of another.
        first_faces: Synthetic faces rendered before the first step.
        validation: Synthetic faces for validation.
        seed: Seed of weights and data.
    """

    trainer: TrainerConfig = field(default_factory=lambda: TrainerConfig(minutes=60.0))
    pool: PoolConfig = field(default_factory=lambda: PoolConfig("loose", PICTURE_SIDE, FULL))
    net: DenseNetConfig = field(default_factory=DenseNetConfig)
    weights: LandmarkLossWeights = field(default_factory=LandmarkLossWeights)
    patch_rate: float = 0.12
    first_faces: int = 2048
    validation: int = 384
    seed: int = 0


@dataclass(frozen=True)
class LandmarkTargets:
    """Labels in the network's own units; see `headform.nets.landmarks.dense_net.DenseOutput`."""

    points: Float[Tensor, "B N 2"]
    expression: Float[Tensor, "B E"]
    rotation: Float[Tensor, "B 3 3"]
    gaze: Float[Tensor, "B 2"]
    mask: Float[Tensor, "B M M"]

    def to(self, device: torch.device) -> "LandmarkTargets":
        """Move all labels to a device."""
        return LandmarkTargets(*(getattr(self, each.name).to(device) for each in fields(self)))


class LandmarkBatches:
    """Conversion of stored rows to inputs and targets.

    Args:
        head: Head model of the dense points and expressions.
        patch_rate: Share of pictures partly covered by a patch of another.
    """

    def __init__(self, head: LinearHead, patch_rate: float = 0.0) -> None:
        self._patch_rate = patch_rate
        self._mirror = head.dense_mirror.numpy()
        self._expression_mirror = mirrored_expressions(head.expression_names)

    def __call__(
        self, rows: dict[str, np.ndarray], rng: np.random.Generator | None
    ) -> tuple[Float[Tensor, "B 3 S S"], LandmarkTargets]:
        """Convert and augment rows; without `rng`, cut the middle window unaugmented."""
        count = len(rows["images"])
        if rng is None:
            corners = np.full((count, 2), _SLACK // 2)
        else:
            corners = random_windows(rng, count, _SLACK // 2) * 2
        images = cut_windows(rows["images"], corners, INPUT_SIDE)
        mask = cut_windows(rows["skin"][..., None], corners // 2, MASK_SIDE)[..., 0] / np.float32(255)
        points = (rows["points"] - corners[:, None]).astype(np.float32) * (2 / INPUT_SIDE) - 1
        expression, gaze, rotation = (rows[k].copy() for k in ("expression", "gaze", "rotation"))
        pixels = images.astype(np.float32)
        if rng is not None:
            pixels = vary_color(rng, images)
            paste_patches(rng, pixels, self._patch_rate)
            flip = rng.random(count) < 0.5
            pixels[flip] = pixels[flip, :, ::-1]
            mask[flip] = mask[flip, :, ::-1]
            points[flip] = points[flip][:, self._mirror] * np.array([-1, 1], np.float32)
            expression[flip] = expression[flip][:, self._expression_mirror]
            gaze[flip, 0] *= -1
            rotation[flip] *= ROTATION_SIGNS
        tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # (B, 3, S, S), channels last in memory
        targets = LandmarkTargets(*(torch.from_numpy(x) for x in (points, expression, rotation, gaze, mask)))
        return tensor, targets


class LandmarkLosses:
    """Losses listed in the module docstring.

    Args:
        head: Head model of the dense points and expressions.
        weights: Factors of the losses in the total.
        device: Device of network and labels.
    """

    def __init__(
        self, head: LinearHead, weights: LandmarkLossWeights, device: torch.device | str | None = None
    ) -> None:
        self._weights = asdict(weights)
        weight = torch.ones(len(head.dense))
        weight[:68] = 2.0
        self._weight = (weight / weight.mean()).to(device)
        shapes = head.expression[:, head.dense].flatten(1) * 100.0  # (E, 3N) cm
        self._gram = (shapes @ shapes.T / len(head.dense)).to(device)  # (E, E) mean squared displacement, cm^2

    def __call__(self, net: nn.Module, images: Float[Tensor, "B 3 S S"], targets: LandmarkTargets) -> Losses:
        """Compute the losses by name; ``total`` is minimized."""
        out = net(images)
        off = out.points - targets.points
        squared = off.square().sum(-1)
        nll = (0.5 * squared * torch.exp(-out.log_variance) + out.log_variance) * self._weight
        far = off.abs().mean(-1) * self._weight
        wrong = out.expression - targets.expression
        moved = torch.einsum("be,ef,bf->b", wrong, self._gram, wrong)
        turned = (rotation_from_6d(out.rotation6) - targets.rotation).square().sum((1, 2))
        losses = {
            "nll": nll.mean(),
            "l1": far.mean(),
            "expression_cm2": moved.mean(),
            "expression_mse": wrong.square().mean(),
            "rotation": turned.mean(),
            "gaze": (out.gaze - targets.gaze).abs().mean(),
            "mask": functional.binary_cross_entropy_with_logits(out.mask_logits, targets.mask),
        }
        losses["total"] = torch.stack([self._weights[name] * loss for name, loss in losses.items()]).sum()
        return losses


def validation_rows(head: LinearHead, config: LandmarkConfig) -> dict[str, np.ndarray]:
    """Render held-out synthetic faces, with a seed that no worker uses."""
    maker = Generator(head, size=config.pool.size, view="loose", randomization=config.pool.randomization)
    rng = np.random.default_rng((config.seed, 2**31))
    return rows_of(maker.batch(rng, config.validation))


@torch.no_grad()
def point_error(net: nn.Module, images: Float[Tensor, "B 3 S S"], targets: LandmarkTargets) -> dict[str, float]:
    """Measure the mean 68-point error in percent of the square root of the annotated box's area, and further errors."""
    outs = [net(part) for part in images.split(64)]
    points = torch.cat([o.points for o in outs])
    true = targets.points[:, :68]
    extent = true.amax(1) - true.amin(1)
    scale = extent.prod(1).sqrt()
    error = (points[:, :68] - true).norm(dim=-1).mean(1) / scale
    rotation = rotation_from_6d(torch.cat([o.rotation6 for o in outs]))
    cosine = ((rotation * targets.rotation).sum((1, 2)) - 1) / 2
    sigma = torch.cat([o.log_variance for o in outs])[:, :68].mul(0.5).exp().mean(1)
    ratio = (points[:, :68] - true).norm(dim=-1).mean(1) / (sigma * 1.2533)
    middle = (true.mean(0) - true).norm(dim=-1).mean(1) / scale
    return {
        "nme68": float(error.mean()) * 100,
        "mean_points_nme68": float(middle.mean()) * 100,
        "degrees": float(torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).mean()),
        "error_over_sigma": float(ratio.mean()),
    }


def run(config: LandmarkConfig, out: Path, *, resume: bool = False) -> tuple[DenseNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged network on the CPU, the totals of the run, and metadata for the model card."""
    config = replace(config, trainer=replace(config.trainer, seed=config.seed))
    torch.manual_seed(config.seed)
    head = load_open()
    net = DenseNet(replace(config.net, points=len(head.dense), expressions=len(head.expression)))
    device = init_distributed().device
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    facts: dict[str, Any] = {"stage": "landmarks", "config": asdict(config), "head": head.sha256}
    trainer = Trainer(net, config.trainer, out, metadata=facts, resume=resume, resumable_fields=RESUMABLE_FIELDS)
    batches, losses = LandmarkBatches(head, config.patch_rate), LandmarkLosses(head, config.weights, device)
    rank = trainer.context.rank
    pool_config = part_of_run(config.pool, trainer.seconds, rank)
    pool = RenderPool(out / f"pool_{rank}", head, pool_config, keep=resume)
    with pool:
        images, targets = batches(validation_rows(head, config), None)
        held_out = images.to(device), targets.to(device)
        pool.wait_for(config.first_faces)

        def losses_of(net: nn.Module, step: Step) -> Losses:
            rows = pool.draw(step.rng, step.count)
            images, targets = batches(rows, step.rng)
            return losses(net, images.to(device), targets.to(device))

        started = time.time()
        result = trainer.run(losses_of, lambda module: point_error(module, *held_out))
        made = pool.made
    shutil.rmtree(pool.folder, ignore_errors=True)
    final = trainer.averaged_module()
    if not isinstance(final, DenseNet):
        raise TypeError(type(final))
    measured = point_error(final, *held_out)
    final.cpu()
    facts |= {
        "steps": result.steps,
        "samples_seen": result.samples,
        "faces_rendered": made,
        "minutes": round(result.minutes, 1),
        "wall_minutes_last_part": round((time.time() - started) / 60, 1),
        "validation": measured,
    }
    return final, result, facts
