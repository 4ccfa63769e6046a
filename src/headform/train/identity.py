"""`headform train identity`: network that reads identity coefficients from a gray, aligned crop, on synthetic faces.

B batch, K identity modes, P surface points.

The loss is the squared distance of the surfaces up to a similarity, since size and position cannot be seen in one crop.
Training begins with easy faces (near frontal, neutral, mild light) and continues with the full range: from hard pictures
alone it does not converge.
"""

import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.heads.mirror import mirror_identity_map
from headform.images.transfer import LUMA_REC601
from headform.nets.identity_net import INPUT_SIDE, IdentityNet, IdentityNetConfig
from headform.synth.generator import Generator
from headform.synth.randomization import EASY, FULL, RandomizationConfig
from headform.train.augment import cut_windows, paste_patches, random_windows, vary_color
from headform.train.config import OptimizerConfig, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.pool import RESUMABLE_FIELDS, PoolConfig, RenderPool, part_of_run, rows_of
from headform.train.trainer import Losses, Step, Trainer, TrainResult

PICTURE_SIDE = 132
_SLACK = PICTURE_SIDE - INPUT_SIDE
_GRAY = np.array(LUMA_REC601, np.float32)


@dataclass(frozen=True)
class IdentityConfig:
    """Configuration of a run.

    Attributes:
        trainer: length, optimizer, schedule.
        net: sizes of the network.
        easy_share: share of the run on near frontal, neutral, mildly lit faces.
        patch_rate: share of pictures partly covered by a patch of another.
        ridge: weight of the squared error of the coefficients (in standard deviations) relative to the loss in cm².
        capacity: synthetic faces kept on disk.
        workers: generator processes.
        first_faces: synthetic faces rendered before the first step.
        validation: synthetic faces for validation.
        seed: seed of weights and data.
    """

    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(minutes=40.0, optimizer=OptimizerConfig(lr=2e-3))
    )
    net: IdentityNetConfig = field(default_factory=IdentityNetConfig)
    easy_share: float = 0.35
    patch_rate: float = 0.05
    ridge: float = 1e-4
    capacity: int = 40_000
    workers: int = 1
    first_faces: int = 2048
    validation: int = 384
    seed: int = 0

    def pool(self, randomization: RandomizationConfig) -> PoolConfig:
        """Return the configuration of the synthetic faces of one part of the run."""
        return PoolConfig("tight", PICTURE_SIDE, randomization, self.capacity, self.workers, self.seed + 77)


def shape_metric(head: LinearHead, *, points: int = 1500) -> Float[Tensor, "K K"]:
    """Compute the Gram matrix Q: d @ Q @ d is the mean squared distance, cm², of two faces whose codes differ by d.

    Distances are measured over the face region, up to a similarity: displacements are projected off the seven
    directions in which a similarity moves the mean face (first-order alignment).
    """
    ids = torch.nonzero(head.regions["face"])[:, 0]
    ids = ids[:: max(1, len(ids) // points)]
    at = head.mean[ids].double() * 100
    at = at - at.mean(0)
    x, y, z = at.unbind(1)
    nil = torch.zeros_like(x)
    moves = [torch.eye(3, dtype=torch.float64)[k].expand_as(at).reshape(-1) for k in range(3)]
    turns = [(nil, -z, y), (z, nil, -x), (-y, x, nil), (x, y, z)]
    tangent = torch.stack([*moves, *(torch.stack(t, 1).reshape(-1) for t in turns)], 1)  # (3P, 7)
    axes, _ = torch.linalg.qr(tangent)
    modes = head.identity[:, ids].double().flatten(1) * 100  # (K, 3P)
    free = modes - (modes @ axes) @ axes.T
    return (free @ free.T / len(ids)).float()


class IdentityBatches:
    """Conversion of stored rows to gray crops and coefficients.

    Args:
        head: Head model of the identity coefficients.
        patch_rate: Share of pictures partly covered by a patch of another.
    """

    def __init__(self, head: LinearHead, patch_rate: float = 0.0) -> None:
        self._patch_rate = patch_rate
        self._mirror = mirror_identity_map(head).astype(np.float32)

    def __call__(
        self, rows: dict[str, np.ndarray], rng: np.random.Generator | None
    ) -> tuple[Float[Tensor, "B 1 S S"], Float[Tensor, "B K"]]:
        """Convert and augment rows; without `rng`, cut the middle window unaugmented."""
        count = len(rows["images"])
        corners = np.full((count, 2), _SLACK // 2) if rng is None else random_windows(rng, count, _SLACK)
        images = cut_windows(rows["images"], corners, INPUT_SIDE)
        code = rows["identity"].copy()
        if rng is None:
            gray = images.astype(np.float32) @ _GRAY
        else:
            gray = vary_color(rng, images) @ _GRAY
            paste_patches(rng, gray[..., None], self._patch_rate)
            flip = rng.random(count) < 0.5
            gray[flip] = gray[flip, :, ::-1]
            code[flip] = code[flip] @ self._mirror
        return torch.from_numpy(gray)[:, None], torch.from_numpy(code)


def run(config: IdentityConfig, out: Path, *, resume: bool = False) -> tuple[IdentityNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged network on the CPU, the totals of the run, and metadata for the model card."""
    config = replace(config, trainer=replace(config.trainer, seed=config.seed))
    torch.manual_seed(config.seed)
    head = load_open()
    net = IdentityNet(replace(config.net, modes=len(head.identity)))
    device = init_distributed().device
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    facts: dict[str, Any] = {
        "stage": "identity",
        "config": asdict(config),
        "head": head.sha256,
    }
    trainer = Trainer(net, config.trainer, out, metadata=facts, resume=resume, resumable_fields=RESUMABLE_FIELDS)
    batches, metric = IdentityBatches(head, config.patch_rate), shape_metric(head)
    metric = (metric + config.ridge * torch.eye(len(metric))).to(device)
    length, rank = config.trainer.length, trainer.context.rank
    made: dict[str, int] = {}
    validators: dict[str, Any] = {}
    result = trainer.result()
    for name, randomization, until in (("easy", EASY, config.easy_share * length), ("full", FULL, length)):
        if trainer.done >= until or trainer.stopped:
            continue
        pool_config = part_of_run(config.pool(randomization), trainer.seconds, rank)
        with RenderPool(out / f"pool_{name}_{rank}", head, pool_config, keep=resume) as pool:
            if not validators:  # rendered while the workers start
                validators = {part: _validator(head, config, part, batches, metric) for part in ("easy", "full")}
            pool.wait_for(config.first_faces if name == "easy" else min(2048, config.first_faces))

            def losses_of(net: nn.Module, step: Step, pool: RenderPool = pool) -> Losses:
                images, code = batches(pool.draw(step.rng, step.count), step.rng)
                wrong = net(images.to(device)) - code.to(device)
                total = torch.einsum("bk,kl,bl->b", wrong, metric, wrong).mean()
                return {"total": total}

            def validate(module: nn.Module, parts: dict[str, Any] = validators) -> dict[str, float]:
                return {part: check(module) for part, check in parts.items()}

            result = trainer.run(losses_of, validate, until=until)
            made[name] = pool.made
        shutil.rmtree(pool.folder, ignore_errors=True)
    final = trainer.averaged_module()
    if not isinstance(final, IdentityNet):
        raise TypeError(type(final))
    measured = {f"{part}_percent_of_mean_head": check(final) for part, check in validators.items()}
    final.cpu()
    facts |= {
        "validation": measured,
        "steps": result.steps,
        "samples_seen": result.samples,
        "faces_rendered": made,
        "minutes": round(result.minutes, 1),
    }
    return final, result, facts


def _validator(
    head: LinearHead,
    config: IdentityConfig,
    part: str,
    batches: IdentityBatches,
    metric: Float[Tensor, "K K"],
) -> Any:
    """Return a function that measures a network's error in percent of the mean head's, on held-out synthetic faces."""
    randomization = {"easy": EASY, "full": FULL}[part]
    maker = Generator(head, size=PICTURE_SIDE, view="tight", randomization=randomization)
    rows = rows_of(maker.batch(np.random.default_rng((config.seed, 2**31)), config.validation))
    images, code = (tensor.to(metric.device) for tensor in batches(rows, None))

    @torch.no_grad()
    def check(module: nn.Module) -> float:
        wrong = torch.cat([module(x) for x in images.split(64)]) - code
        ours = torch.einsum("bk,kl,bl->b", wrong, metric, wrong).sqrt().mean()
        mean = torch.einsum("bk,kl,bl->b", code, metric, code).sqrt().mean()
        return 100 * float(ours / mean)

    return check
