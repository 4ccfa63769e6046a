"""Compare kinds of supervision of the face encoder: the claim of Xu et al. (2024) that the 3D-ID loss improves the shape.

Run, after `headform data synthetic -o PEOPLE ...` and `headform train mesh-autoencoder --latent 8 -o RUN8`:

    python -m benchmarks.shape_supervision --people PEOPLE --judges JUDGES -o OUT [--latent8 RUN8/mesh_autoencoder...]

All rows begin at the same weights (those of the seed), see the same photos in the same order for the same number of
steps, and differ in their losses alone. To save time, the activations of the frozen layers are computed once for each
photo; photos are not augmented. Judged are held-out people: those of JUDGES (shards with meshes, whose shapes come from
other head models, see `benchmarks.other_people`) and as many of PEOPLE; each photo alone, by NoW's protocol (`corrected`)
against the person's neutral head, metrical and not. Intervals: 95 % of the paired bootstrap over people, of the
difference to the row without 3D-ID. Finished rows are kept in OUT and not computed again;
so are the
activations, which belong to the data. Pictures in OUT: cumulative curves, and each row's mean error on the mean head.
"""

import json
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from torch import Tensor

from benchmarks.environment import describe
from benchmarks.shape_judges import Judged, bootstrap, judge, pooled
from benchmarks.shape_pictures import write_pictures
from headform.data.shards import ShardSet
from headform.heads import load_open
from headform.heads.code_decoder import CodeDecoder, decoder_of, mean_code
from headform.heads.linear import LinearHead
from headform.losses.mesh_identity import MeshIdentityLoss
from headform.nets.face_encoder import TRAINED_FROM, FaceEncoder, FaceEncoderConfig
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import load_mesh_autoencoder, load_mobilefacenet
from headform.train.coefficient_batches import CoefficientBatch, CoefficientBatches
from headform.train.coefficient_losses import CoefficientLosses
from headform.train.coefficients_config import from_preset

MEAN, PLAIN = "mean head", "2D + vertices"
CLAIM = "2D + vertices + 3D-ID"
PHOTOS = 2
"""Photos of a person in a step."""
RENDERED, COMPARED = 0.25, 0.5
"""Shares of the photos of a step that are rendered, and whose heads go through the mesh encoder."""
RATE, BACKBONE_RATE, DECAY, WARMUP = 1e-3, 3e-5, 0.02, 100
"""Highest learning rates of AdamW, weight decay, steps of warm-up; then a cosine to zero."""


@dataclass(frozen=True)
class Row:
    """A kind of supervision: the losses, the mesh encoder, its features, and a factor on the weight of the 3D-ID loss."""

    dim3: bool = True
    dim2: bool = True
    mesh_identity: bool = False
    latent: int = 64
    relu: bool = False
    centered: bool = False
    factor: float = 1.0


ROWS = {
    PLAIN: Row(),
    CLAIM: Row(mesh_identity=True),
    "vertices only": Row(dim2=False),
    "2D only": Row(dim3=False),
    "the same, features less the mean head's, weight x 10": Row(mesh_identity=True, centered=True, factor=10.0),
    "the same, features after ReLU": Row(mesh_identity=True, relu=True),
    "the same, features less the mean head's": Row(mesh_identity=True, centered=True),
    "the same, latent 8": Row(mesh_identity=True, latent=8),
}


@dataclass(frozen=True)
class Arguments:
    """Data, length, and rows."""

    people: Path
    judges: Path
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    latent8: Path | None = None
    """Mesh autoencoder of 8 numbers; rows that need it are left out without."""
    rows: tuple[str, ...] = tuple(ROWS)
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the two rows that carry the claim; the others have the first."""
    steps: int = 5000
    subjects: int = 4
    """People of a step."""
    learners: int = 8000
    """People who teach."""
    judged: int = 100
    """People of each kind who judge."""
    threads: int = 1


@dataclass(frozen=True, eq=False)
class Photos:
    """Photos, ready for the trained layers: activations, what the losses compare with, and the people's neutral heads."""

    features: Tensor  # (N, C, h, w) float16
    images: Tensor  # (N, 3, S, S) uint8
    points68: Tensor  # (N, 68, 2)
    skin: Tensor  # (N, 1, S, S) uint8
    shapes: Tensor  # (N / PHOTOS, V, 3)
    template: Tensor  # (5, 2)

    def batch(self, subjects: Tensor) -> tuple[Tensor, CoefficientBatch]:
        """Return the activations and the rest of a batch of people."""
        rows = (subjects[:, None] * PHOTOS + torch.arange(PHOTOS)).flatten()
        count = len(rows)
        batch = CoefficientBatch(
            crops=torch.zeros(count, 3, 1, 1),
            images=self.images[rows].float() / 255,
            points68=self.points68[rows],
            points5=self.template.expand(count, -1, -1),
            skin=self.skin[rows].float() / 255,
            subjects=torch.arange(count) // PHOTOS,
            labeled=torch.ones(count, dtype=torch.bool),
            shapes=self.shapes[subjects].repeat_interleave(PHOTOS, 0),
        )
        return self.features[rows].float(), batch


@torch.no_grad()
def look(samples: ShardSet, people: int, batches: CoefficientBatches, net: MobileFaceNet) -> Photos:
    """Compute what does not change in training, for the first photos of the first people of a set."""
    parts: list[tuple[Tensor, ...]] = []
    for numbers in samples.subjects[:people]:
        rows = [samples[int(k)] for k in numbers[:PHOTOS]]
        batch = batches.assemble(rows, None)
        features = net.before(TRAINED_FROM["mobilefacenet"], batch.crops)
        parts.append(
            (
                features.half(),
                (255 * batch.images).round().to(torch.uint8),
                batch.points68,
                (255 * batch.skin).round().to(torch.uint8),
                batch.shapes[:1],
            )
        )
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    return Photos(*columns, template=batch.points5[0])


def train(row: Row, seed: int, photos: Photos, decoder: CodeDecoder, arguments: Arguments, folder: Path) -> FaceEncoder:
    """Train one row, or read it where it was finished before."""
    net = fresh(decoder, seed)
    done = folder / "weights.pt"
    if done.is_file():
        net.load_state_dict(torch.load(done, weights_only=True))
        return net.eval()
    config = from_preset("open")
    weights = replace(
        config.weights,
        dim3=config.weights.dim3 if row.dim3 else 0.0,
        dim2=config.weights.dim2 if row.dim2 else 0.0,
        mesh_identity=row.factor * config.weights.mesh_identity if row.mesh_identity else 0.0,
        identity=0.0,
    )
    config = replace(config, weights=weights, rendered_share=RENDERED, mesh_identity_share=COMPARED)
    autoencoder, _ = load_mesh_autoencoder(None if row.latent == 64 else arguments.latent8)
    autoencoder.requires_grad_(False)

    def encode(vertices: Tensor) -> Tensor:
        code = autoencoder.encode_linear(vertices)
        return torch.relu(code) if row.relu else code

    identity = MeshIdentityLoss(encode, decoder.head.mean if row.centered else None)
    losses = CoefficientLosses(config, decoder, net.mean.clone(), identity)
    backbone = [p for p in net.backbone.parameters() if p.requires_grad]
    others = [*net.mapping.parameters(), *net.gate.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": backbone, "lr": BACKBONE_RATE}, {"params": others, "lr": RATE}], weight_decay=DECAY
    )

    def factor(step: int) -> float:
        return min(1.0, (step + 1) / WARMUP) * 0.5 * (1 + math.cos(math.pi * step / arguments.steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    rng = np.random.default_rng(seed)
    began = time.monotonic()
    log = []
    for step in range(arguments.steps):
        chosen = torch.from_numpy(rng.choice(len(photos.shapes), arguments.subjects, replace=False))
        features, batch = photos.batch(chosen)
        embeddings = net.backbone.after(TRAINED_FROM["mobilefacenet"], features)  # type: ignore[operator]
        found = losses(net.codes(embeddings, PHOTOS), batch, np.random.default_rng((seed, step)))
        optimizer.zero_grad(set_to_none=True)
        found["total"].backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 249:
            log.append({name: float(value.detach()) for name, value in found.items()} | {"step": step + 1})
            print(f"  {step + 1} steps, {(time.monotonic() - began) / 60:.1f} min, {log[-1]}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log.json").write_text(json.dumps(log, indent=1))
    torch.save(net.state_dict(), folder / "weights.new")
    (folder / "weights.new").rename(done)
    return net.eval()


def fresh(decoder: CodeDecoder, seed: int) -> FaceEncoder:
    """Build the encoder that every row of a seed begins with."""
    torch.manual_seed(seed)
    net = FaceEncoder(FaceEncoderConfig())
    net.backbone.load_state_dict(load_mobilefacenet()[0].state_dict())
    net.mean.copy_(mean_code(decoder, net.points5_ndc))
    return net


@torch.no_grad()
def shapes_of(net: FaceEncoder, photos: Photos, decoder: CodeDecoder) -> Tensor:
    """Predict the neutral head of each person from the first photo."""
    embeddings = net.backbone.after(TRAINED_FROM["mobilefacenet"], photos.features[::PHOTOS].float())  # type: ignore[operator]
    return decoder.shape(decoder.layout.split(net.codes(embeddings))["identity"])


def _kept(file: Path, make: Callable[[], Photos]) -> Photos:
    """Read photos that were computed before; compute and keep them where they were not."""
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(vars(make()), file)
    return Photos(**torch.load(file, weights_only=True, mmap=True))


def _judged(folder: Path, kind: str, head: LinearHead, found: Tensor, wanted: Tensor) -> Judged:
    """Read the errors of one row on one kind of people, or measure and keep them."""
    file = folder / f"{_slug(kind)}.npz"
    if not file.is_file():
        judge(head, found, wanted).save(file)
    return Judged.read(file)


def _row(title: str) -> str:
    return title.split(", seed")[0]


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def main(arguments: Arguments) -> None:
    """Train what is missing, judge everything, print the table."""
    torch.set_num_threads(arguments.threads)
    decoder = decoder_of(load_open())
    net = fresh(decoder, 0)
    batches = CoefficientBatches(decoder, net.crop, photos=PHOTOS, side=112, jitter=0.0, patch_rate=0.0)
    backbone = load_mobilefacenet()[0]
    learning, held_out = ShardSet.open(arguments.people).split(arguments.judged)
    others = ShardSet.open(arguments.judges)
    judges = {
        "own model": _kept(arguments.out / "own.pt", lambda: look(held_out, arguments.judged, batches, backbone)),
        "other models": _kept(arguments.out / "others.pt", lambda: look(others, arguments.judged, batches, backbone)),
    }
    photos = _kept(arguments.out / "photos.pt", lambda: look(learning, arguments.learners, batches, backbone))
    print(f"{len(photos.shapes)} people teach, {[len(p.shapes) for p in judges.values()]} judge", flush=True)
    results: dict[str, dict[str, Judged]] = {}
    head = decoder.head
    truths = {kind: found.shapes for kind, found in judges.items()}
    mean = {kind: head.mean.expand(len(true), -1, -1) for kind, true in truths.items()}
    shapes = {MEAN: mean}
    results[MEAN] = {kind: _judged(arguments.out, kind, head, mean[kind], true) for kind, true in truths.items()}
    for name in arguments.rows:
        row = ROWS[name]
        if row.latent == 8 and arguments.latent8 is None:
            print(f"left out, since --latent8 is not given: {name}")
            continue
        for seed in arguments.seeds if name in (PLAIN, CLAIM) else arguments.seeds[:1]:
            folder = arguments.out / f"{_slug(name)}-seed{seed}"
            print(f"{name}, seed {seed}", flush=True)
            trained = train(row, seed, photos, decoder, arguments, folder)
            title = name if seed == arguments.seeds[0] else f"{name}, seed {seed}"
            shapes[title] = {kind: shapes_of(trained, found, decoder) for kind, found in judges.items()}
            results[title] = {kind: _judged(folder, kind, head, shapes[title][kind], truths[kind]) for kind in judges}
    write_pictures(arguments.out, head, results, shapes, truths)
    for kind in truths:
        print(
            f"\n{kind}, mm: non-metrical median / mean / std, metrical; people's mean against `{PLAIN}` of the same seed\n"
        )
        print("| supervision | non-metrical | metrical | difference, non-metrical | difference, metrical |")
        print("|---|---|---|---|---|")
        for title, found in results.items():
            cells = [pooled(found[kind].aligned), pooled(found[kind].metrical)]
            plain = results.get(PLAIN + title.removeprefix(_row(title)))
            if plain is None or plain is found:
                cells += ["–", "–"]
            else:
                own, theirs = found[kind], plain[kind]
                cells += [bootstrap(own.people(metrical), theirs.people(metrical)) for metrical in (False, True)]
            print(f"| {title} | {' | '.join(cells)} |")
        seeds = {name: [r[kind] for title, r in results.items() if _row(title) == name] for name in (PLAIN, CLAIM)}
        if len(seeds[PLAIN]) == len(seeds[CLAIM]) > 1:
            means = [
                [np.mean([found.people(metrical) for found in seeds[name]], axis=0) for name in (CLAIM, PLAIN)]
                for metrical in (False, True)
            ]
            print(f"\n{CLAIM}, mean of {len(seeds[PLAIN])} seeds: " + ", ".join(bootstrap(*pair) for pair in means))
    print("\n" + describe())


if __name__ == "__main__":
    main(tyro.cli(Arguments))
