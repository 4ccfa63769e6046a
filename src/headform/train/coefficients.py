"""`headform train coefficients`: the face encoder of Xu et al. (2024), from 2D and 3D supervision.

B photos, S subjects, P people, V vertices, N coefficients.

Subjects with meshes (`headform data synthetic`, `headform data prepare`) give all losses, subjects with photos alone the 2D
ones. A run in steps that is interrupted and resumed ends with the same bits: which photos are read derives from the seed,
the step and the index of the shards, whose digest is kept.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.data.shards import ShardSet
from headform.errors import InputError, UsageError
from headform.geometry.shape_errors import ShapeErrors, shape_errors
from headform.heads.code_decoder import CodeDecoder, decoder_of, mean_code
from headform.heads.linear import LinearHead
from headform.losses.image_identity import IdentityLoss
from headform.losses.mesh_identity import MeshIdentityLoss
from headform.nets.face_encoder import FaceEncoder
from headform.nets.mesh_autoencoder_net import MeshAutoencoder
from headform.train.coefficient_batches import CoefficientBatches
from headform.train.coefficient_losses import CoefficientLosses
from headform.train.coefficients_config import CoefficientsConfig
from headform.train.distributed import init_distributed
from headform.train.trainer import Losses, Step, Trainer, TrainResult

ScanErrors = Callable[[Float[np.ndarray, "P V 3"], Float[np.ndarray, "P V 3"]], dict[str, float]]
_VALIDATED = 64
"""Photos that go through the encoder at once in validation."""


def run(
    config: CoefficientsConfig,
    out: Path,
    *,
    head: LinearHead,
    samples: ShardSet,
    unlabeled: ShardSet | None = None,
    backbone: nn.Module | None = None,
    recognizer: nn.Module | None = None,
    autoencoder: MeshAutoencoder | None = None,
    start: FaceEncoder | None = None,
    scan_errors: ScanErrors | None = None,
    resume: bool = False,
) -> tuple[FaceEncoder, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged encoder on the CPU, the totals of the run, and metadata for the model card.

    Args:
        config: Configuration.
        out: Run folder.
        head: Head model of the codes.
        samples: Subjects with meshes; some of them are held out for validation.
        unlabeled: Subjects with photos alone.
        backbone: Trained recognition network that the encoder begins with; random weights if absent.
        recognizer: Frozen recognition network of the identity loss, of the encoder's kind; the backbone as given if absent.
        autoencoder: Mesh autoencoder of the head whose encoder is the 3D-ID loss's.
        start: Encoder to begin with, in place of `backbone`.
        scan_errors: Measure of heads beside true ones, such as `evaluate.ScanValidation`, for `config.scans` of the photos
            held out; validation is by vertices alone without.
        resume: Resume from the checkpoint in the folder.

    Raises:
        UsageError: `head_unsupported`, `network_missing`, `start_mismatch`, `losses_none`; `dataset_small` where no subject
            is left to train on; `photos_unused` for unlabeled photos in a run that has no use for them; those of `Trainer`.
        InputError: `meshes_missing` where held-out subjects have no mesh of the head; `sample_unusable`, `dataset_damaged`.
    """
    torch.manual_seed(config.seed)
    device = init_distributed().device
    decoder = decoder_of(head.to(device), config.net.layout)
    net = _encoder(config, backbone, start)
    if start is None:
        net.mean.copy_(mean_code(decoder, net.points5_ndc))
    mean = net.mean.clone()
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _check_data(config, samples, unlabeled)
    learning, held_out = samples.split(config.held_out, config.seed)
    batches = CoefficientBatches(
        decoder, net.crop, photos=config.photos, side=config.render_side, jitter=config.point_jitter,
        patch_rate=config.patch_rate
    )  # fmt: skip
    if not bool(batches.assemble(held_out[:_VALIDATED], None).labeled.any()):
        what = "the held-out subjects have neither meshes nor coefficients of this head"
        raise InputError("meshes_missing", what, head.name, "use samples that were made or registered with this head")
    losses = CoefficientLosses(
        config, decoder, mean.to(device), _mesh_identity(config, autoencoder, head, device), _identity(config, net,
        recognizer, backbone)
    )  # fmt: skip
    facts: dict[str, Any] = {
        "stage": "coefficients",
        "config": asdict(config),
        "head": head.sha256,
        "data_sha256": samples.digest,
        "unlabeled_sha256": None if unlabeled is None else unlabeled.digest,
        "subjects": len(learning.subjects),
        "photos": len(learning),
        "data": _data(samples, unlabeled),
        "teacher": "the backbone begins with a recognition network" if backbone is not None and start is None else "",
    }
    trainer = Trainer(
        net, config.trainer, out, metadata=facts, count=len(learning.subjects), resume=resume, frozen=net.frozen
    )

    def losses_of(module: nn.Module, step: Step) -> Losses:
        if step.indices is None:
            raise TypeError("the trainer was given the number of subjects")
        rows = batches.draw(learning, step.indices.tolist(), step.rng)
        if unlabeled is not None and config.unlabeled:
            others = step.rng.integers(0, len(unlabeled.subjects), config.unlabeled)
            rows += batches.draw(unlabeled, others.tolist(), step.rng)
        batch = batches.assemble(rows, step.rng).to(device)
        return losses(module(batch.crops, config.photos), batch, step.rng)

    def validate(module: nn.Module) -> dict[str, float]:
        return assess_shapes(module, decoder, held_out, batches, device, scan_errors, config.scans)

    result = trainer.run(losses_of, validate)
    final = trainer.averaged_module()
    if not isinstance(final, FaceEncoder):
        raise TypeError(type(final))
    facts |= {
        "validation": validate(final),
        "steps": result.steps,
        "samples_seen": result.steps * config.photos * (config.trainer.batch + (config.unlabeled if unlabeled else 0)),
        "minutes": round(result.minutes, 1),
    }
    return final.cpu(), result, facts


def _check_data(config: CoefficientsConfig, samples: ShardSet, unlabeled: ShardSet | None) -> None:
    count = len(samples.subjects)
    if config.held_out >= count:
        what = f"there are {count} subjects, of which {config.held_out} are to be held out for validation"
        raise UsageError("dataset_small", what, "", "use more subjects, or hold out fewer (--held-out)")
    if unlabeled is not None and not (config.unlabeled and config.renders):
        what = "these losses use no photos without meshes"
        raise UsageError("photos_unused", what, "", "leave them out, or use --preset open with its 2D losses")


def _data(samples: ShardSet, unlabeled: ShardSet | None) -> str:
    """Describe the sources of the photos for the model card."""

    def sources(of: ShardSet) -> str:
        return ", ".join(sorted({source for source, _ in of.subject_labels}))

    text = f"{len(samples)} photos of {len(samples.subjects)} subjects with meshes ({sources(samples)})"
    if unlabeled is not None:
        text += f"; {len(unlabeled)} photos without ({sources(unlabeled)})"
    return text


@torch.no_grad()
def assess_shapes(
    encoder: nn.Module,
    decoder: CodeDecoder,
    samples: ShardSet,
    batches: CoefficientBatches,
    device: torch.device,
    scan_errors: ScanErrors | None = None,
    scans: int = 0,
) -> dict[str, float]:
    """Measure the neutral heads of held-out photos, each photo alone, against the mean head's error.

    Returns:
        Mean distance of vertices of the face, as they are and after the best similarity, in millimeters and in per cent of
        the mean head's; and what `scan_errors` says of `scans` of them, evenly spaced.
    """
    found: list[Float[Tensor, "B V 3"]] = []
    wanted: list[Float[Tensor, "B V 3"]] = []
    name = decoder.layout.parts[0][0]
    for first in range(0, len(samples), _VALIDATED):
        rows = samples[first : first + _VALIDATED]
        batch = batches.assemble(rows, None)
        codes = decoder.layout.split(encoder(batch.crops.to(device)).float())
        found.append(decoder.shape(codes[name][batch.labeled.to(device)]).cpu())
        wanted.append(batch.shapes)
    head = decoder.head
    face = head.regions["face"].cpu()
    own, true = torch.cat(found), torch.cat(wanted)
    ours = shape_errors(own[:, face], true[:, face])
    mean: Float[Tensor, "M V 3"] = head.mean.cpu()[face].expand(len(own), -1, -1)
    measures = _measures(ours, shape_errors(mean, true[:, face]))
    if scan_errors is not None and scans:
        chosen = np.unique(np.linspace(0, len(own) - 1, min(scans, len(own))).round().astype(int))
        measures |= scan_errors(own[chosen].numpy(), true[chosen].numpy())
    return measures


def _measures(ours: ShapeErrors, mean: ShapeErrors) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in ("metrical", "aligned"):
        own, theirs = float(np.mean(getattr(ours, name))), float(np.mean(getattr(mean, name)))
        found |= {f"{name}_mm": own, f"{name}_percent_of_mean_head": 100 * own / theirs}
    return found


def _encoder(config: CoefficientsConfig, backbone: nn.Module | None, start: FaceEncoder | None) -> FaceEncoder:
    net = FaceEncoder(config.net)
    if start is not None:
        if replace(start.config, trained=config.net.trained) != config.net:
            what = f"the weights to start from are of {start.config}"
            raise UsageError("start_mismatch", what, "", "start from an encoder of the same sizes")
        net.load_state_dict(start.state_dict())
    elif backbone is not None:
        net.backbone.load_state_dict(backbone.state_dict())
    return net.set_trainable(config.net.trained)


def _mesh_identity(
    config: CoefficientsConfig, autoencoder: MeshAutoencoder | None, head: LinearHead, device: torch.device
) -> MeshIdentityLoss | None:
    if autoencoder is None:
        return None
    if autoencoder.levels.counts[0] != len(head.mean):
        what = f"the mesh autoencoder is for {autoencoder.levels.counts[0]} vertices, the head has {len(head.mean)}"
        fix = "train one with `headform train mesh-autoencoder` on this head"
        raise UsageError("head_unsupported", what, "3D-ID loss", fix)
    frozen = autoencoder.to(device).eval().requires_grad_(False)

    def encode(vertices: Float[Tensor, "B V 3"]) -> Float[Tensor, "B Z"]:
        code = frozen.encode_linear(vertices)
        return torch.relu(code) if config.latent_relu else code

    return MeshIdentityLoss(encode, origin=head.mean.to(device) if config.latent_centered else None)


def _identity(
    config: CoefficientsConfig, net: FaceEncoder, recognizer: nn.Module | None, backbone: nn.Module | None
) -> IdentityLoss | None:
    """Return the recognition loss with a copy that is never trained: of the recognizer, else of the backbone as given."""
    if not config.renders or config.identity_images == 0:
        return None
    frozen = backbone if recognizer is None else recognizer
    if frozen is None:
        return None
    device = next(net.parameters()).device
    return IdentityLoss(copy.deepcopy(frozen).to(device), net.crop)
