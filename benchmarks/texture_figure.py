"""Draw the figure of Lin et al. (2020): photo, coarse texture, refined textures, and the refined head under other lights.

Run:

    python -m benchmarks.texture_figure --data coarse --names astronaut person000 ... [--nets all=FILE ...] -o FIGURE.jpg

Each row is a photo of the shards of `headform data coarse`. Its columns: the photo, the coarse texture in the photo's light,
each network's texture likewise, then the last network's texture in even light, under a lamp from the subject's left, and
under one from above; without `--nets` the networks that ship are drawn.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from jaxtyping import Float, UInt8
from tyro.conf import arg

from benchmarks.texture_gain import bytes_of
from headform import heads
from headform.data.shards import ShardSet
from headform.errors import UsageError
from headform.geometry.spherical_harmonics import AMBIENT, COSINE_LOBE, sh_basis
from headform.images.transfer import srgb_from_linear
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.shipped import load_mobilefacenet, load_texture
from headform.nets.texture_net import linear_from_signal
from headform.render.renderer import render_batch
from headform.train.texture_batches import TextureBatch, TextureBatches
from headform.train.texture_losses import render_texture
from headform.train.texture_validation import network_signal
from headform.viz.contact_sheets import write_sheet

LAMPS = {"left": (0.8, -0.3, -0.5), "above": (0.0, -0.9, -0.45)}
"""Directions to lamps, camera frame: x to the subject's left, y down, z away from the camera."""
LAMP, FILL = 3.4, 0.3
"""Irradiance of a lamp by π, and even light beside it, of which 1 leaves the albedo as it is."""
BACKGROUND = 0.93
"""Gray behind heads that are not drawn on their photo, sRGB."""


@dataclass(frozen=True)
class Arguments:
    """Which photos, networks and picture."""

    data: tuple[Path, ...]
    names: tuple[str, ...]
    out: Annotated[Path, arg(aliases=("-o",))]
    nets: tuple[str, ...] = ()
    side: int = 192


def lamp(direction: tuple[float, float, float]) -> Float[torch.Tensor, "1 9 3"]:
    """Compute the shading coefficients of one lamp and some even light."""
    toward = np.asarray(direction) / np.linalg.norm(direction)
    light = LAMP * np.asarray(COSINE_LOBE) * sh_basis(toward[None])[0]
    light[0] += FILL * AMBIENT
    return torch.from_numpy(np.repeat(light[:, None], 3, axis=1)).float()[None]


def head_alone(
    faces: torch.Tensor, albedo: torch.Tensor, batch: TextureBatch, light: torch.Tensor
) -> UInt8[np.ndarray, "h h 3"]:
    """Render a texture under a light, without the photo."""
    side = batch.images.shape[-1]
    drawn = render_batch(batch.vertices, faces, batch.camera, (side, side), attributes=albedo, light=light)
    color = srgb_from_linear(drawn.rgb.clamp(0, 1))
    return bytes_of((drawn.alpha * color + (1 - drawn.alpha) * BACKGROUND)[0])


@torch.no_grad()
def main(arguments: Arguments) -> None:
    """Draw the rows."""
    head, samples = heads.load_open(), ShardSet.open(*arguments.data)
    nets = [load_texture(Path(pair.partition("=")[2]))[0] for pair in arguments.nets] or [load_texture(None)[0]]
    embedder = FaceEmbedder("recognizer", load_mobilefacenet()[0], IMAGENET_112)
    batches = TextureBatches(head, embedder, arguments.side)
    numbers = {samples[k].name: k for k in range(len(samples))}
    even = torch.zeros(1, 9, 3)
    even[:, 0] = AMBIENT
    rows = []
    for wanted in arguments.names:
        found = [name for name in numbers if wanted in name]
        if not found:
            raise UsageError(
                "photo_unknown", f"no photo of the shards is named {wanted!r}", "", "give a part of its name"
            )
        batch = batches.read(samples, [numbers[found[0]]])
        drawn = [bytes_of(batch.images[0]), bytes_of(render_texture(head.faces, batch.coarse, batch).overlay[0])]
        for net in nets:
            albedo = linear_from_signal(net(batch.embedding, network_signal(net.config, batch)))
            drawn.append(bytes_of(render_texture(head.faces, albedo, batch).overlay[0]))
        drawn += [head_alone(head.faces, albedo, batch, light) for light in (even, *map(lamp, LAMPS.values()))]
        rows.append(np.concatenate(drawn, axis=1))
    write_sheet(np.concatenate(rows), arguments.out)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
