"""Time a step of `headform train coefficients` by its parts, beside a naive version of the same step.

Run:

    python -m benchmarks.coefficients_speed [--presets open paper-flame] [--repeats 5] [--json FILE]

Samples are made up (pictures of noise with the mean head's landmarks): the time does not depend on what they show. Preset
`paper-flame` runs on a FLAME file of the published sizes with made-up numbers and a random iresnet100. The naive version
takes one photo after another, in single precision and torch's own memory layout: encoder, rendering by plain torch,
reference Chebyshev convolution; both versions must agree on every loss. Given are milliseconds of processor time for a
photo, the least of the repeats, and photos a second.
"""

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from torch import Tensor

from benchmarks.environment import describe
from headform import heads
from headform.data.sample import Sample
from headform.graph.cheb_conv import ChebConv
from headform.heads.code_decoder import decoder_of, mean_code
from headform.heads.linear import LinearHead
from headform.importers import flame
from headform.losses.mesh_identity import MeshIdentityLoss
from headform.mesh.hierarchy import build_hierarchy
from headform.nets.face_encoder import FaceEncoder
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import load_mesh_autoencoder
from headform.render import renderer
from headform.train import coefficient_losses
from headform.train.coefficient_batches import CoefficientBatch, CoefficientBatches
from headform.train.coefficient_losses import CoefficientLosses
from headform.train.coefficients_config import CoefficientsConfig, Preset, from_preset
from tests.heads import flame_file

PARTS = ("crops", "encoder", "losses", "losses backward", "encoder backward")
AGREE = 1e-2
"""Greatest difference of a loss between both versions, relative: bfloat16 in frozen layers."""


@dataclass(frozen=True)
class Arguments:
    """What is timed."""

    presets: tuple[Preset, ...] = ("open", "paper-flame")
    repeats: int = 5
    json: Path | None = None


@dataclass
class Stage:
    """Everything that a step needs."""

    config: CoefficientsConfig
    net: FaceEncoder
    rows: list[Sample]
    batches: CoefficientBatches
    losses: CoefficientLosses
    autoencoder: MeshAutoencoder
    naive: bool = False


def build(preset: Preset, folder: Path) -> Stage:
    """Set up a preset with made-up samples."""
    torch.manual_seed(0)
    config = from_preset(preset)
    config = replace(config, weights=replace(config.weights, identity=0.0))
    head, autoencoder = _head(preset, folder)
    decoder = decoder_of(head, config.net.layout)
    net = FaceEncoder(config.net)
    mean = mean_code(decoder, net.points5_ndc)
    net.mean.copy_(mean)
    net.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    autoencoder.eval().requires_grad_(False)
    subjects = config.trainer.batch
    rng = np.random.default_rng(0)
    rows = [_sample(head, rng, subject, photo) for subject in range(subjects) for photo in range(config.photos)]
    batches = CoefficientBatches(
        decoder, net.crop, photos=config.photos, side=config.render_side, jitter=1.0, patch_rate=config.patch_rate
    )
    losses = CoefficientLosses(config, decoder, mean, MeshIdentityLoss(autoencoder.encode_linear))
    return Stage(config, net, rows, batches, losses, autoencoder)


def step(stage: Stage) -> tuple[list[float], dict[str, float]]:
    """Run forward and backward once; return seconds of each part, and the losses."""
    laps = [time.thread_time()]

    def lap() -> None:
        laps.append(time.thread_time())

    rng = np.random.default_rng(1)
    batch: CoefficientBatch = stage.batches.assemble(stage.rows, rng)
    lap()
    with torch.autocast("cpu", torch.bfloat16, enabled=stage.config.trainer.precision == "bfloat16"):
        codes = _codes_one_by_one(stage, batch.crops) if stage.naive else stage.net(batch.crops, stage.config.photos)
    lap()
    found = stage.losses(codes, batch, rng)
    lap()
    (gradient,) = torch.autograd.grad(found["total"], codes, retain_graph=True)
    lap()
    codes.backward(gradient)
    lap()
    stage.net.zero_grad(set_to_none=True)
    return list(np.diff(laps)), {name: float(value.detach()) for name, value in found.items()}


def make_naive(stage: Stage) -> Callable[[], None]:
    """Turn a stage into its naive version; the function that is returned undoes what lies outside of the stage."""
    stage.config = replace(stage.config, trainer=replace(stage.config.trainer, precision="float32"))
    stage.net.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    stage.naive = True
    for layer in stage.autoencoder.modules():
        if isinstance(layer, ChebConv):
            layer.backend = "reference"
    batched = renderer.render_batch

    def one_by_one(vertices: Tensor, faces: Tensor, camera: Any, size: tuple[int, int], **options: Any) -> Any:
        pictures = []
        for k in range(len(vertices)):
            own = {n: v[k : k + 1] if isinstance(v, Tensor) else v for n, v in options.items()}
            view = type(camera)(camera.scale[k : k + 1], camera.shift[k : k + 1])
            pictures.append(batched(vertices[k : k + 1], faces, view, size, backend="torch", **own))
        return _Pictures(torch.cat([p.rgb for p in pictures]), torch.cat([p.alpha for p in pictures]))

    coefficient_losses.render_batch = one_by_one  # type: ignore[assignment]

    def undo() -> None:
        coefficient_losses.render_batch = batched

    return undo


def _codes_one_by_one(stage: Stage, crops: Tensor) -> Tensor:
    net, photos = stage.net, stage.config.photos
    if not isinstance(net.backbone, MobileFaceNet):
        return net(crops.contiguous(), photos)  # batch norm needs more than one photo
    alone = torch.cat([net.embed(crop.contiguous()) for crop in crops.split(1)])
    pooled = net.pool(alone.unflatten(0, (-1, photos)))
    return torch.cat([net.decode(alone), net.decode(pooled)])


@dataclass(frozen=True)
class _Pictures:
    rgb: Tensor
    alpha: Tensor


def main(arguments: Arguments) -> None:
    """Print a table for each preset."""
    torch.set_num_threads(1)
    numbers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        for preset in arguments.presets:
            stage = build(preset, Path(name))
            step(stage)  # compiles the kernels
            ours = [step(stage) for _ in range(arguments.repeats)]
            undo = make_naive(stage)
            theirs = [step(stage) for _ in range(max(1, arguments.repeats // 2))]
            undo()
            photos = len(stage.rows)
            for key, value in ours[0][1].items():
                other = theirs[0][1][key]
                if abs(value - other) > AGREE * max(abs(value), abs(other), 1e-3):
                    raise AssertionError(f"{preset}: {key} is {value} and naively {other}")
            best, worst = (1e3 * np.min([laps for laps, _ in runs], axis=0) / photos for runs in (ours, theirs))
            print(f"\n{preset}: {stage.config.trainer.batch} subjects, {photos} photos\n")
            print("| part | ms a photo | share | naive ms | ratio |\n|---|---|---|---|---|")
            for part, a, b in zip((*PARTS, "**step**"), (*best, best.sum()), (*worst, worst.sum()), strict=True):
                print(f"| {part} | {a:.2f} | {100 * a / best.sum():.0f} % | {b:.2f} | {b / a:.1f} |")
            print(f"\n{1e3 / best.sum():.1f} photos a second of one core, naive {1e3 / worst.sum():.1f}")
            numbers[preset] = {"parts": PARTS, "ms": best.tolist(), "naive_ms": worst.tolist(), "photos": photos}
    print("\n" + describe())
    if arguments.json:
        arguments.json.write_text(json.dumps(numbers, indent=1))


def _head(preset: Preset, folder: Path) -> tuple[LinearHead, MeshAutoencoder]:
    if preset == "open":
        return heads.load_open(), load_mesh_autoencoder()[0]
    model = flame_file.flame_model()
    written = flame_file.write_smplx_folder(folder, model)
    flame_file.write_masks(written / "FLAME_masks.pkl", model)
    head = flame.read(written / "FLAME_NEUTRAL.npz")
    hierarchy = build_hierarchy(head.mean.double().numpy(), head.faces.numpy())
    return head, MeshAutoencoder(MeshAutoencoderConfig(), hierarchy)


def _sample(head: LinearHead, rng: np.random.Generator, subject: int, photo: int) -> Sample:
    side = 224
    points = head.landmarks(head.mean).numpy()[:, :2] * np.array([1.0, -1.0]) * 840.0 + side / 2
    picture = rng.integers(0, 256, (side // 8, side // 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    code = torch.from_numpy(rng.normal(0, 1, len(head.identity)).astype(np.float32))
    return Sample(
        name=f"p{subject}-{photo}",
        subject=f"p{subject}",
        image=picture,
        points68=points.astype(np.float32),
        skin=np.full((side, side), 255, np.uint8),
        vertices=head.vertices(code).numpy(),
    )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
