"""Compare coarse textures with those of trained texture networks on photos with a coarse stage: a row per network.

Run:

    headform data prepare folder PHOTOS -o prepared && headform data coarse prepared -o coarse
    python -m benchmarks.texture_gain --data coarse --nets pixel=runs/a/texture.safetensors all=runs/b/texture.safetensors
        [--embedders FILE ...] [--side 224] [--most N] [--sheet PICTURE] [--json FILE]

The measures are those of the paper's table: PSNR and SSIM between photo and rendering (*masked*: where both show the head's
own surface; *full*: the overlay and the whole photo, most of which is the photo itself), the cosine of face embeddings of
photo and overlay, by the recognition network that ships, which the networks were trained with, and by any others given; of
synthetic people the mean distance from the true albedo (sRGB, 0 to 1). No photo may be one that the networks learned.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import UInt8

from headform import heads
from headform.data.shards import ShardSet
from headform.errors import UsageError
from headform.evaluate.images.image_quality import psnr, ssim
from headform.evaluate.tables import markdown_table
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.recognition.embedder import Embedder, TorchEmbedder, embed_faces
from headform.nets.recognition.embedder_files import load_embedder
from headform.nets.shipped import load_mobilefacenet, load_texture
from headform.nets.texture_net import TextureNet, linear_from_signal, signal_from_linear
from headform.train.texture_batches import TextureBatch, TextureBatches
from headform.train.texture_losses import render_texture
from headform.train.texture_validation import network_signal
from headform.viz.contact_sheets import write_sheet


@dataclass(frozen=True)
class Arguments:
    """What is compared."""

    data: tuple[Path, ...]
    nets: tuple[str, ...] = ()
    embedders: tuple[str, ...] = ()
    side: int = 224
    most: int = 0
    sheet: Path | None = None
    json: Path | None = None


@dataclass
class Row:
    """Measures of one texture, a value per photo."""

    name: str
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **found: float) -> None:
        """Note one photo's measures."""
        for name, value in found.items():
            self.values.setdefault(name.replace("_", " "), []).append(value)

    def means(self) -> dict[str, float]:
        """Average each measure over the photos."""
        return {name: float(np.mean(values)) for name, values in self.values.items()}


def bytes_of(picture: torch.Tensor) -> UInt8[np.ndarray, "h h 3"]:
    """Return a picture (3, h, h) in [0, 1] as 8-bit sRGB."""
    return np.asarray((255 * picture.clamp(0, 1)).round().byte().permute(1, 2, 0).numpy())


def measure(
    row: Row, albedo: torch.Tensor, batch: TextureBatch, faces: torch.Tensor, embedders: list[Embedder]
) -> np.ndarray:
    """Add one photo's measures, and return the overlay."""
    drawn = render_texture(faces, albedo, batch)
    photo, shown, overlay = (bytes_of(p[0]) for p in (batch.images, drawn.rendering, drawn.overlay))
    mask = drawn.mask[0, 0].numpy() > 0.5
    row.add(
        PSNR_masked=psnr(photo, shown, mask), PSNR_full=psnr(photo, overlay),
        SSIM_masked=ssim(photo, shown, mask), SSIM_full=ssim(photo, overlay),
    )  # fmt: skip
    five = batch.points5[0].double().numpy()
    for embedder in embedders:
        first, second = embed_faces(embedder, [photo, overlay], [five, five])
        row.add(**{f"identity_{embedder.name}": float(first @ second)})
    if bool(batch.known[0]):
        off = (signal_from_linear(albedo) - signal_from_linear(batch.truth)) / 2
        row.add(albedo_error=float(off.norm(dim=-1).mean()))
    return overlay


@torch.no_grad()
def compare(arguments: Arguments) -> list[Row]:
    """Measure all photos."""
    head = heads.load_open()
    samples = ShardSet.open(*arguments.data)
    backbone = load_mobilefacenet()[0]
    nets: dict[str, TextureNet] = {}
    for pair in arguments.nets:
        name, equals, file = pair.partition("=")
        if not equals:
            raise UsageError("net_unnamed", f"--nets is {pair!r}", "", "give NAME=FILE")
        nets[name] = load_texture(Path(file))[0]
    embedders: list[Embedder] = [TorchEmbedder("mobilefacenet", backbone, IMAGENET_112)]
    embedders += [load_embedder(spec) for spec in arguments.embedders]
    batches = TextureBatches(head, FaceEmbedder("recognizer", backbone, IMAGENET_112), arguments.side)
    rows = [Row("coarse"), *map(Row, nets)]
    pictures = []
    for number in range(min(arguments.most or len(samples), len(samples))):
        batch = batches.read(samples, [number])
        strip = [measure(rows[0], batch.coarse, batch, head.faces, embedders)]
        for row, net in zip(rows[1:], nets.values(), strict=True):
            refined = linear_from_signal(net(batch.embedding, network_signal(net.config, batch)))
            strip.append(measure(row, refined, batch, head.faces, embedders))
        pictures.append(np.concatenate([*strip, bytes_of(batch.images[0])], axis=1))
    if arguments.sheet is not None:
        write_sheet(np.concatenate(pictures), arguments.sheet)
    return rows


def main(arguments: Arguments) -> None:
    """Print the table."""
    rows = compare(arguments)
    names = list(rows[0].values)
    cells = [[row.name, *(f"{row.means()[name]:.3f}" for name in names)] for row in rows]
    print(f"{len(rows[0].values[names[0]])} photos\n")
    print(markdown_table(["texture", *names], cells))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({row.name: row.values for row in rows}, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
