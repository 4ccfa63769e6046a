"""`headform train identity`: a recognition network, from photos with the person's label.

B photos, D numbers of an embedding.

The people of the shards are the classes of a sub-center ArcFace (`headform.losses.arcface`), whose margin grows from zero
during the first steps; afterwards the classes are thrown away. Some people are held out: validation is the area under the
ROC curve over all pairs of their photos. A mirrored photo counts as the same person. A run in steps that is interrupted and
resumed ends with the same bits.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from headform.data.sample import Sample
from headform.data.shards import ShardSet
from headform.data.synthetic_people import SOURCE
from headform.errors import UsageError, check_choice
from headform.losses.arcface import MARGIN, SCALE, SubCenterArcFace
from headform.nets.face_encoder import backbone_name
from headform.nets.recognition.crops import ARCFACE, IMAGENET_112, CropSpec
from headform.nets.recognition.iresnet_net import EMBEDDING, LAYERS, IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.recognition.verification import leave_one_out_rank_1, verification_auc
from headform.train.config import GroupConfig, OptimizerConfig, ScheduleConfig, TrainerConfig
from headform.train.distributed import init_distributed
from headform.train.face_crops import FaceCrops, mirrored_points5, points5_of
from headform.train.trainer import Losses, Step, Trainer, TrainResult

Network = Literal["mobilefacenet", "iresnet18", "iresnet34", "iresnet50", "iresnet100"]
_VALIDATED = 64
"""Photos that go through the network at once in validation."""
_TRAINED_SCALE = 0.1
"""Factor on the learning rate of a network that begins with trained weights; the classes begin at random."""


@dataclass(frozen=True)
class RecognitionConfig:
    """Configuration of a run, without data.

    Attributes:
        trainer: length, optimizer, schedule; its batch counts photos.
        network: architecture.
        sub_centers: centers k of each person.
        margin: angular margin, radians.
        scale: scale of the logits.
        margin_warmup: steps during which the margin grows from 0.
        point_jitter: standard deviation of the five points of the crop, pixels of the crop.
        patch_rate: share of crops that are partly covered by a patch of another.
        held_out: people held out for validation.
        validated: largest number of their photos that are compared.
        seed: seed of weights, data order and augmentation.
    """

    trainer: TrainerConfig = field(
        default_factory=lambda: TrainerConfig(
            steps=20_000,
            batch=128,
            optimizer=OptimizerConfig(lr=1e-3, weight_decay=0.05),
            schedule=ScheduleConfig(warmup=200),
            ema_parts=("network.*",),
        )
    )
    network: Network = "mobilefacenet"
    sub_centers: int = 3
    margin: float = MARGIN
    scale: float = SCALE
    margin_warmup: int = 2000
    point_jitter: float = 1.0
    patch_rate: float = 0.05
    held_out: int = 100
    validated: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice(self.network, get_args(Network), "network")
        if min(self.sub_centers, self.held_out, self.margin_warmup + 1) < 1 or self.validated < 2:
            raise ValueError(f"counts must be positive: {self}")

    def margin_at(self, step: int) -> float:
        """Return the margin of a step, counted from 0."""
        return self.margin * min(1.0, step / max(1, self.margin_warmup))


class RecognitionBatches:
    """Crops of photos, augmented with a generator.

    Args:
        crops: Crop and augmentation of the network's input.
    """

    def __init__(self, crops: FaceCrops) -> None:
        self._crops = crops

    def assemble(self, rows: Sequence[Sample], rng: np.random.Generator | None) -> Float[Tensor, "B 3 T T"]:
        """Cut and stack photos; half of them mirrored with a generator.

        Raises:
            InputError: `sample_unusable`, naming the sample.
        """
        photos = [row.image for row in rows]
        points = np.stack([points5_of(row) for row in rows])
        if rng is not None:
            mirrored = rng.random(len(rows)) < 0.5
            for k in np.flatnonzero(mirrored):
                photos[k] = np.ascontiguousarray(photos[k][:, ::-1])
            points[mirrored] = mirrored_points5(points[mirrored], photos[0].shape[1])
            points = points + self._crops.noise(points, rng)
        cut = np.stack([self._crops.crop.crop(photo, at) for photo, at in zip(photos, points, strict=True)])
        return self._crops.encode(cut, rng).contiguous(memory_format=torch.channels_last)


class ClassifiedNetwork(nn.Module):
    """Recognition network and the classifier that teaches it.

    Args:
        network: Network from crops to embeddings.
        classifier: Loss with the centers of the people.
    """

    def __init__(self, network: nn.Module, classifier: SubCenterArcFace) -> None:
        super().__init__()
        self.network, self.classifier = network, classifier

    def forward(self, crops: Float[Tensor, "B 3 T T"], labels: Int[Tensor, " B"], margin: float) -> Float[Tensor, ""]:
        """Return the loss of a batch."""
        return self.classifier(self.network(crops), labels, margin)


def run(
    config: RecognitionConfig,
    out: Path,
    *,
    samples: ShardSet,
    start: nn.Module | None = None,
    resume: bool = False,
) -> tuple[MobileFaceNet | IResNet, TrainResult, dict[str, Any]]:
    """Train in `out`, and return the averaged network on the CPU, the totals of the run, and metadata for the model card.

    Args:
        config: Configuration.
        out: Run folder.
        samples: Photos of people; some of the people are held out for validation.
        start: Network to begin with, of the configuration's architecture; random weights if absent.
        resume: Resume from the checkpoint in the folder.

    Raises:
        UsageError: `dataset_small`: too few people, or no two photos of one held out; `start_mismatch`; those of `Trainer`.
        InputError: `sample_unusable`, `dataset_damaged`.
    """
    config = replace(config, trainer=replace(config.trainer, seed=config.seed))
    torch.manual_seed(config.seed)
    context = init_distributed()
    learning, held_out = _split(samples, config)
    network = _network(config, start)
    embedding = EMBEDDING if isinstance(network, IResNet) else network.config.embedding
    classifier = SubCenterArcFace(
        embedding, len(learning.subjects), sub_centers=config.sub_centers, margin=config.margin, scale=config.scale
    )
    module = ClassifiedNetwork(network, classifier).to(context.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = RecognitionBatches(FaceCrops(crop_of(network), config.point_jitter, config.patch_rate))
    labels = np.empty(len(learning), np.int64)
    for number, photos in enumerate(learning.subjects):
        labels[photos] = number
    sources = sorted({source for source, _ in samples.subject_labels})
    facts: dict[str, Any] = {
        "stage": "identity, arcface",
        "config": asdict(config),
        "data_sha256": samples.digest,
        "subjects": len(learning.subjects),
        "photos": len(learning),
        "data": f"{len(learning)} photos of {len(learning.subjects)} people ({', '.join(sources)})",
        "license": "MIT" if sources == [SOURCE] else "that of the photos it was taught with",
        "teacher": "" if start is None else "began with the weights of a trained recognition network",
    }
    trainer = Trainer(module, config.trainer, out, metadata=facts, count=len(learning), resume=resume)

    def losses_of(net: nn.Module, step: Step) -> Losses:
        if step.indices is None:
            raise TypeError("the trainer was given the number of photos")
        crops = batches.assemble([learning[int(k)] for k in step.indices], step.rng).to(context.device)
        wanted = torch.from_numpy(labels[step.indices]).to(context.device)
        return {"total": net(crops, wanted, config.margin_at(step.number))}

    def validate(net: nn.Module) -> dict[str, float]:
        if not isinstance(net, ClassifiedNetwork):
            raise TypeError(type(net))
        return assess_recognition(net.network, held_out, batches)

    result = trainer.run(losses_of, validate)
    final = trainer.averaged_module()
    measured = validate(final)
    found = final.cpu().get_submodule("network")
    if not isinstance(found, MobileFaceNet | IResNet):
        raise TypeError(type(found))
    facts |= {
        "validation": measured,
        "steps": result.steps,
        "samples_seen": result.samples,
        "minutes": round(result.minutes, 1),
    }
    return found, result, facts


@torch.no_grad()
def assess_recognition(network: nn.Module, samples: ShardSet, batches: RecognitionBatches) -> dict[str, float]:
    """Measure how well the cosine of embeddings tells people apart.

    Returns:
        Area under the ROC curve of all pairs of photos, and the share of photos whose nearest other one is of the same
        person.
    """
    device = next(network.parameters()).device
    found = []
    for first in range(0, len(samples), _VALIDATED):
        crops = batches.assemble(samples[first : first + _VALIDATED], None)
        found.append(network(crops.to(device)).float().cpu().numpy())
    vectors = np.concatenate(found)
    labels = np.empty(len(samples), np.int64)
    for number, photos in enumerate(samples.subjects):
        labels[photos] = number
    return {"auc": verification_auc(vectors, labels), "rank_1": leave_one_out_rank_1(vectors, labels)}


def crop_of(network: MobileFaceNet | IResNet) -> CropSpec:
    """Return the crop that a network reads."""
    return IMAGENET_112 if isinstance(network, MobileFaceNet) else ARCFACE


def _split(samples: ShardSet, config: RecognitionConfig) -> tuple[ShardSet, ShardSet]:
    """Hold people out, with as many photos as are compared."""
    people = len(samples.subjects)
    if people < config.held_out + 2:
        what = f"the data have {people} people, {config.held_out} are held out"
        raise UsageError("dataset_small", what, "", "give more data, or hold out fewer with --held-out")
    learning, held_out = samples.split(config.held_out, config.seed)
    held_out = held_out.select(range(min(len(held_out), config.validated)))
    if len(held_out.subjects) < 2 or max(map(len, held_out.subjects)) < 2:
        what = "the people held out have no two photos of one person to compare"
        raise UsageError("dataset_small", what, "", "hold out more with --held-out, or give several photos of each")
    return learning, held_out


def _network(config: RecognitionConfig, start: nn.Module | None) -> MobileFaceNet | IResNet:
    network: MobileFaceNet | IResNet
    if config.network == "mobilefacenet":
        network = MobileFaceNet()
        network.randomize()
    else:
        network = IResNet(LAYERS[int(config.network.removeprefix("iresnet"))])
    if start is not None:
        if backbone_name(start) != config.network:
            what = f"the weights to begin with are of {backbone_name(start)}, the network is {config.network}"
            raise UsageError("start_mismatch", what, "", "name that network with --network")
        network.load_state_dict(start.state_dict())
    return network.train()


def fine_tuned(config: RecognitionConfig) -> RecognitionConfig:
    """Return a configuration for a network that begins with trained weights, whose learning rate is a tenth."""
    decay = config.trainer.optimizer.weight_decay
    group = GroupConfig(("network.*",), weight_decay=decay, lr_scale=_TRAINED_SCALE)
    return replace(config, trainer=replace(config.trainer, groups=(group,)))
