"""`headform train texture`: decoder, refiner and combiner of Lin et al. (2020), against photos, and a critic.

B photos, V vertices, C channels of the refiner's input, E numbers of an embedding.

Photos have their coarse stage with them (`headform data coarse`): head, camera, light and coarse texture do not change. A
run in steps that is interrupted and resumed ends with the same bits: which photos are read derives from the seed, the step
and the index of the shards, whose digest is kept; the critic, both optimizers and the guard's counter are in the checkpoint.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.data.coarse_stage import read_coarse_stage
from headform.data.shards import ShardSet
from headform.data.synthetic_people import SOURCE
from headform.errors import UsageError
from headform.heads.linear import LinearHead
from headform.heads.loading import load_open
from headform.io import image_bytes
from headform.io.atomic import make_folder, write_bytes
from headform.losses.image_identity import IdentityLoss
from headform.mesh.hierarchy import FACTORS, Rule
from headform.mesh.hierarchy_file import cached_hierarchy
from headform.mesh.mesh_hierarchy import MeshHierarchy
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.texture_critic_net import TextureCritic, TextureCriticConfig
from headform.nets.texture_net import TextureNet, linear_from_signal
from headform.registration.carried import carry_over
from headform.train._run_folder import FORMAT_FIELD
from headform.train.critic_guard import CriticGuard
from headform.train.distributed import init_distributed
from headform.train.texture_batches import TextureBatches
from headform.train.texture_config import CRITIC, TextureConfig
from headform.train.texture_losses import TextureLosses, critic_losses, render_texture
from headform.train.texture_validation import TextureValidation, network_signal
from headform.train.trainer import Losses, Step, Trainer, TrainResult

RUN_FORMAT = 1
"""Raised when shards or options mean something else than before. Runs without one are older: perhaps from before the
networks saw eyes, teeth and neck, or before the truth was at the level of the coarse texture."""
PICTURES = "pictures"
"""Folder of the validation pictures within the run folder."""


class TextureTraining(nn.Module):
    """All that is learned in a run: the networks, and the critic with its guard."""

    def __init__(self, net: TextureNet, critic: TextureCritic | None) -> None:
        super().__init__()
        self.net = net
        self.critic = critic
        self.guard = None if critic is None else CriticGuard()

    def forward(self, embedding: Float[Tensor, "B E"], signal: Float[Tensor, "B V C"]) -> Float[Tensor, "B V 3"]:
        """Refine textures; see `TextureNet`."""
        return self.net(embedding, signal)  # type: ignore[no-any-return]


def head_hierarchy(head: LinearHead) -> MeshHierarchy:
    """Build or load the mesh hierarchy of a head; left and right alike where the head knows its mirror image."""
    mirror = head.mirror.numpy() if head.has_field("mirror") else None
    rule: Rule = "coma" if mirror is None else "symmetric"
    return cached_hierarchy(head.mean.double().numpy(), head.faces.numpy(), FACTORS, rule=rule, mirror=mirror)


def dressed_head(head: LinearHead) -> LinearHead:
    """Return the head with parts, mirror image and regions, by which photos are read: its own, or the open head's."""
    if head.has_field("part") and head.has_field("mirror"):
        return head
    return carry_over(head, load_open()).dressed


def run(
    config: TextureConfig,
    out: Path,
    *,
    head: LinearHead,
    samples: ShardSet,
    embedder: FaceEmbedder,
    hierarchy: MeshHierarchy | None = None,
    start: TextureNet | None = None,
    resume: bool = False,
) -> tuple[TextureNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged networks on the CPU, the totals of the run, and metadata for the model card.

    Args:
        config: Configuration.
        out: Run folder; validation pictures are written into its subfolder `pictures`.
        head: Head model of the coarse stage, on the CPU.
        samples: Photos with their coarse stage; some subjects are held out for validation, or, with `held_out` 0, all of
            them are learned and looked at.
        embedder: Embedder of faces, whose recognition network is also the identity loss's.
        hierarchy: Mesh hierarchy; that of `head_hierarchy` if absent.
        start: Networks to begin with.
        resume: Resume from the checkpoint in the folder.

    Raises:
        UsageError: `embedder_kind`, `network_missing`, `head_unsupported`, `start_mismatch`; `dataset_small` where no
            subject is left to train on; those of `Trainer`.
        InputError: `sample_unusable`, also for a coarse stage of another head; `dataset_damaged`.
        WeightsError: `head_lacks`: landmarks, by which the open head's parts are carried over.
        ResourceError: `critic_diverged`; those of `Trainer`.
    """
    asked_for = config.net.embedding, config.net.embedding_size
    if asked_for != (embedder.kind, embedder.size):
        what = f"the networks are configured for {asked_for}, the embedder gives {(embedder.kind, embedder.size)}"
        raise UsageError("embedder_kind", what, "", "give the networks of that embedding")
    context = init_distributed()
    device = context.device
    read_coarse_stage(samples[0], head)  # shards of another head are refused before a run begins
    learning, held_out = _split(config, samples)
    dressed = dressed_head(head)
    torch.manual_seed(config.seed)
    training = _networks(config, hierarchy or head_hierarchy(head), start)
    training.to(device)
    embedder.network.to(device)
    identity = IdentityLoss(embedder.network, embedder.crop) if config.weights.identity else None
    losses = TextureLosses(config, dressed, identity, device)
    batches = TextureBatches(head, embedder, config.side, dressed=dressed)
    faces = head.faces.to(device)
    validation = TextureValidation(held_out, batches, config.net, faces, identity, device)
    facts: dict[str, Any] = {
        "stage": f"texture, preset {config.preset}",
        "config": asdict(config),
        "head": head.sha256,
        "data_sha256": samples.digest,
        "photos": len(learning),
        "data": _data(samples),
        "license": _license(samples, head),
        "hierarchy": {
            "counts": list(training.net.hierarchy.counts),
            "topology_sha256": training.net.hierarchy.topology,
        },
    }
    asked = facts | {FORMAT_FIELD: RUN_FORMAT, "config": {k: v for k, v in asdict(config).items() if k != "trainer"}}
    trainer = Trainer(
        training, config.trainer, out, metadata=asked, count=len(learning), resume=resume,
        resumable_fields=("config.ramp",) if config.preset == "overfit" else (),
    )  # fmt: skip

    def criticize(step: Step) -> Losses:
        if training.critic is None or training.guard is None or step.indices is None:
            raise TypeError("there is a critic, and the trainer was given the number of photos")
        batch = batches.read(learning, step.indices.tolist()).to(device)
        with torch.no_grad():
            refined = training(batch.embedding, network_signal(config.net, batch))
            fake = render_texture(faces, linear_from_signal(refined), batch).overlay
        found = critic_losses(training.critic, batch.images, fake, config.weights.adversarial)
        # all processes see one quotient, so that all of them pause, or stop, at once
        (total,) = context.total([float(found["quotient"])], device)
        training.guard.check(total / context.world_size, str(out))
        return found

    def losses_of(module: nn.Module, step: Step) -> Losses:
        if step.phase == CRITIC:
            return criticize(step)
        if step.indices is None:
            raise TypeError("the trainer was given the number of photos")
        batch = batches.read(learning, step.indices.tolist()).to(device)
        refined = module(batch.embedding, network_signal(config.net, batch))
        critic = None if training.guard is None or training.guard.paused else training.critic
        return losses(refined, batch, step.number, critic)

    def validate(module: nn.Module) -> dict[str, float]:
        if not len(held_out):
            return {}
        net = module.net
        if not isinstance(net, TextureNet):
            raise TypeError(type(net))
        folder = out / PICTURES
        make_folder(folder)
        sheet = validation.picture(net, config.pictures)
        write_bytes(folder / f"step-{trainer.step:06d}.png", image_bytes.png(sheet))
        return validation.measure(net)

    result = trainer.run(losses_of, validate)
    final = trainer.averaged_module()
    if not isinstance(final, TextureTraining):
        raise TypeError(type(final))
    facts |= {
        "validation": validate(final) if context.is_main else {},
        "steps": result.steps,
        "samples_seen": result.samples,
        "minutes": round(result.minutes, 1),
    }
    return final.net.cpu(), result, facts


def _split(config: TextureConfig, samples: ShardSet) -> tuple[ShardSet, ShardSet]:
    count = len(samples.subjects)
    if config.held_out >= count:
        what = f"there are {count} subjects, of which {config.held_out} are to be held out for validation"
        raise UsageError("dataset_small", what, "", "use more subjects, or hold out fewer (--held-out)")
    if config.held_out == 0:
        return samples, samples.select(range(min(len(samples), config.pictures)))
    return samples.split(config.held_out, config.seed)


def _networks(config: TextureConfig, hierarchy: MeshHierarchy, start: TextureNet | None) -> TextureTraining:
    net = TextureNet(config.net, hierarchy)
    critic = TextureCritic(TextureCriticConfig(config.side, config.critic_norm)) if config.has_critic else None
    if start is not None:
        if start.config != config.net or start.levels.counts != net.levels.counts:
            what = f"the weights to start from are of {start.config}"
            raise UsageError("start_mismatch", what, "", "start from networks of the same sizes")
        net.load_state_dict(start.state_dict())
    return TextureTraining(net, critic)


def _license(samples: ShardSet, head: LinearHead) -> str:
    """Name the terms that hold for what is learned, for the model card."""
    synthetic = {source for source, _ in samples.subject_labels} == {SOURCE}
    terms = [] if head.sha256 == load_open().sha256 else [f"that of the head {head.name}: {head.license}"]
    terms += [] if synthetic else ["that of the photos it was taught with"]
    return "; ".join(terms) or "MIT"


def _data(samples: ShardSet) -> str:
    """Describe the sources of the photos for the model card."""
    counts: dict[str, int] = {}
    for (source, _), numbers in zip(samples.subject_labels, samples.subjects, strict=True):
        counts[source] = counts.get(source, 0) + len(numbers)
    return "; ".join(f"{count} photos of {source}" for source, count in sorted(counts.items()))
