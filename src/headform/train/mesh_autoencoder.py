"""`headform train mesh-autoencoder`: autoencoder that compresses a mesh to a few latent coefficients.

B batch, V vertices.

There are two presets. ``coma-paper`` is the setup of Ranjan et al. (2018) as in its public code: SGD at 8e-3 with momentum
0.9, times 0.99 after each epoch, batches of 16, mean absolute error of normalized coordinates, and 5e-4 / 2 times the
squared weights and biases of the two linear layers. That penalty is applied as weight decay, which has the same gradient;
the logged loss does not include it. ``fast`` reaches a smaller error in minutes: Muon, a cosine, averaged weights, no ReLU
on the code, and the mean vertex distance in millimeters, the reported measure, as the loss.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.data import MeshDataset
from headform.data.mesh_data import MeshData
from headform.errors import check_choice
from headform.geometry.units import MM_PER_M
from headform.graph.cheb_conv import Backend
from headform.mesh.hierarchy import FACTORS, Rule
from headform.mesh.hierarchy_file import cached_hierarchy
from headform.mesh.mesh_hierarchy import MeshHierarchy
from headform.mesh.scaled_laplacian import EdgeWeight
from headform.nets.mesh_autoencoder_net import (
    LatentActivation,
    MeshAutoencoder,
    MeshAutoencoderConfig,
    check_vertices,
)
from headform.train.config import GroupConfig, OptimizerConfig, ScheduleConfig, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.trainer import Losses, Step, Trainer, TrainResult

Preset = Literal["fast", "coma-paper"]
Loss = Literal["distance", "normalized_l1"]
"""Loss. ``distance``: mean vertex distance, millimeters. ``normalized_l1``: mean absolute difference of coordinates, in
standard deviations."""
PAPER_EPOCHS = 300
"""Epochs according to the text of the paper; the default of its code is 200."""
FAST_STEPS = 6000
_LINEAR_LAYERS = ("encoder.code.*", "decoder.spread.*")


@dataclass(frozen=True)
class MeshAutoencoderRun:
    """Configuration of a run, without the meshes.

    Attributes:
        preset: Preset of the other fields.
        trainer: Steps, learning rates, batches.
        net: Sizes of the network.
        loss: Minimized loss, see `Loss`.
        hierarchy: Rule of coarsening, see `headform.mesh.hierarchy.Rule`.
        edge_weight: Edge-weight convention of the Laplacians.
        factors: Vertices per vertex of the next coarser level.
        seed: Seed of the initial weights and of the order of the meshes.
    """

    preset: Preset
    trainer: TrainerConfig
    net: MeshAutoencoderConfig = field(default_factory=MeshAutoencoderConfig)
    loss: Loss = "distance"
    hierarchy: Rule = "coma"
    edge_weight: EdgeWeight = "once"
    factors: tuple[int, ...] = FACTORS
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.preset, get_args(Preset), "preset")
        check_choice(self.loss, get_args(Loss), "loss")
        check_choice(self.hierarchy, get_args(Rule), "hierarchy")
        check_choice(self.edge_weight, get_args(EdgeWeight), "edge_weight")


def from_preset(
    preset: Preset,
    count: int,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    batch: int = 16,
    seed: int = 0,
    latent: int = 8,
    latent_activation: LatentActivation | None = None,
    hierarchy: Rule | None = None,
) -> MeshAutoencoderRun:
    """Return a preset for a training set of `count` meshes with some fields overridden; None keeps the preset's value.

    Raises:
        ValueError: both `steps` and `epochs`.
    """
    check_choice(preset, get_args(Preset), "preset")
    if steps is not None and epochs is not None:
        raise ValueError("give steps or epochs, not both")
    if epochs is None and steps is None:
        epochs, steps = (PAPER_EPOCHS, None) if preset == "coma-paper" else (None, FAST_STEPS)
    if steps is None:
        steps = max(1, math.ceil((epochs or 0.0) * count / batch))
    config = _coma_paper(count, steps, batch) if preset == "coma-paper" else _fast(steps, batch)
    net = replace(config.net, latent=latent)
    if latent_activation is not None:
        net = replace(net, latent_activation=latent_activation)
    return replace(
        config,
        trainer=replace(config.trainer, seed=seed),
        net=net,
        hierarchy=hierarchy or config.hierarchy,
        seed=seed,
    )


def _coma_paper(count: int, steps: int, batch: int) -> MeshAutoencoderRun:
    trainer = TrainerConfig(
        steps=steps,
        batch=batch,
        optimizer=OptimizerConfig(kind="sgd", lr=8e-3, momentum=0.9, weight_decay=0.0),
        schedule=ScheduleConfig(kind="exponential", warmup=0, gamma=0.99, every=count / batch),
        groups=(GroupConfig(_LINEAR_LAYERS, weight_decay=5e-4),),
        ema_decay=None,
        max_grad_norm=None,
    )
    return MeshAutoencoderRun(preset="coma-paper", trainer=trainer, loss="normalized_l1", edge_weight="per_triangle")


def _fast(steps: int, batch: int) -> MeshAutoencoderRun:
    trainer = TrainerConfig(
        steps=steps,
        batch=batch,
        optimizer=OptimizerConfig(kind="muon", lr=1e-2, momentum=0.95, weight_decay=0.0),
        schedule=ScheduleConfig(kind="cosine", warmup=min(100, max(1, steps // 20)), floor=0.002),
        ema_decay=0.99,
        max_grad_norm=5.0,
        log_every=50,
        validate_every=500,
    )
    net = MeshAutoencoderConfig(latent_activation="linear", init="balanced")
    return MeshAutoencoderRun(preset="fast", trainer=trainer, net=net)


def hierarchy_of(config: MeshAutoencoderRun, data: MeshData) -> MeshHierarchy:
    """Build or load the mesh hierarchy; the rule ``symmetric`` keeps mirror pairs where they are known.

    Raises:
        InputError: a mesh that cannot be coarsened this far.
    """
    return cached_hierarchy(
        data.template,
        data.train.faces,
        config.factors,
        rule=config.hierarchy,
        mirror=data.mirror if config.hierarchy == "symmetric" else None,
        edge_weight=config.edge_weight,
    )


def run(
    config: MeshAutoencoderRun,
    data: MeshData,
    out: Path,
    *,
    resume: bool = False,
    backend: Backend = "auto",
) -> tuple[MeshAutoencoder, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the (averaged) network, the totals of the run, and metadata for the model card.

    Raises:
        InputError: a mesh with NaN, or one that cannot be coarsened.
        UsageError, WeightsError, ResourceError: see `Trainer`.
    """
    hierarchy = hierarchy_of(config, data)
    torch.manual_seed(config.seed)
    net = MeshAutoencoder(config.net, hierarchy, backend=backend)
    mean, std = data.statistics.mean, data.statistics.std
    net.normalization.set_statistics(torch.from_numpy(mean).float(), torch.from_numpy(std).float())
    device = init_distributed().device
    net.to(device)
    facts: dict[str, Any] = {
        "stage": f"mesh-autoencoder, preset {config.preset}",
        "config": asdict(config),
        "meshes": data.facts,
        "hierarchy": {
            "rule": config.hierarchy,
            "counts": list(hierarchy.counts),
            "edge_weight": config.edge_weight,
            "topology_sha256": hierarchy.topology,
        },
    }
    losses = MeshLosses(config.loss, net)
    count = data.train.count
    asked = facts | {"config": {k: v for k, v in asdict(config).items() if k != "trainer"}}
    trainer = Trainer(
        net,
        config.trainer,
        out,
        metadata=asked,
        count=count,
        resume=resume,
        resumable_fields=("trainer.schedule.warmup",),  # `fast` derives it from the steps
    )

    def losses_of(module: nn.Module, step: Step) -> Losses:
        if step.indices is None:
            raise AssertionError("the trainer was given the number of meshes")
        vertices = data.train.vertices(step.indices).to(device)
        check_vertices(vertices, data.train.name)
        return losses(module(vertices), vertices)

    def validate(module: nn.Module) -> dict[str, float]:
        return vertex_errors(module, data.held_out, config.trainer.batch, device)

    result = trainer.run(losses_of, validate)
    final = trainer.averaged_module()
    if not isinstance(final, MeshAutoencoder):
        raise TypeError(type(final))
    final.cpu()
    facts |= {
        "data": f"{data.train.count} meshes: {data.train.name}",
        "license": data.train.license,
        "steps": result.steps,
        "meshes_seen": result.samples,
        "minutes": round(result.minutes, 1),
    }
    if trainer.context.is_main:
        cpu = torch.device("cpu")
        still = _MeanMesh(final.normalization.mean)
        facts["validation"] = {
            "meshes": data.held_out.count,
            **vertex_errors(final, data.held_out, config.trainer.batch, cpu),
            "mean_mesh_mm": vertex_errors(still, data.held_out, 64, cpu)["mean_mm"],
        }
    return final, result, facts


class MeshLosses:
    """Losses of a batch: `total` is the configured loss, `mm` the mean vertex distance.

    Args:
        kind: Minimized loss, see `Loss`.
        net: Network with the standard deviations by which ``normalized_l1`` divides.
    """

    def __init__(self, kind: Loss, net: MeshAutoencoder) -> None:
        check_choice(kind, get_args(Loss), "kind")
        self._kind, self._std = kind, net.normalization.std

    def __call__(self, out: Float[Tensor, "B V 3"], vertices: Float[Tensor, "B V 3"]) -> Losses:
        """Compute the losses by name."""
        off = out - vertices
        if self._kind == "distance":
            far = MM_PER_M * torch.linalg.vector_norm(off, dim=-1).mean()
            return {"total": far, "mm": far.detach()}
        far = MM_PER_M * torch.linalg.vector_norm(off.detach(), dim=-1).mean()
        return {"total": (off / self._std).abs().mean(), "mm": far}


@torch.no_grad()
def vertex_errors(module: nn.Module, dataset: MeshDataset, batch: int, device: torch.device) -> dict[str, float]:
    """Compute the mean vertex distance, and the median over meshes of their mean vertex distance, millimeters."""
    means = []
    for start in range(0, dataset.count, batch):
        rows = np.arange(start, min(start + batch, dataset.count))
        vertices = dataset.vertices(rows).to(device)
        off = torch.linalg.vector_norm(module(vertices) - vertices, dim=-1)
        means.append(MM_PER_M * off.double().mean(-1).cpu())
    per_mesh = torch.cat(means)
    return {"mean_mm": float(per_mesh.mean()), "median_mm": float(per_mesh.median())}


class _MeanMesh(nn.Module):
    """Constant prediction of the mean mesh, the baseline without any latent coefficient."""

    def __init__(self, mean: Float[Tensor, "V 3"]) -> None:
        super().__init__()
        self._mean = mean

    def forward(self, vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B V 3"]:
        """Return the mean, repeated B times."""
        return self._mean.expand_as(vertices)
