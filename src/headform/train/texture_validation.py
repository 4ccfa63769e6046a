"""Validation of the texture networks on held-out photos: measures, and a picture to look at while they learn.

B photos, V vertices, h side of the rendering, N rows of the picture. A row shows: coarse texture | refined texture (both
without light) | coarse rendering in the photo | refined rendering in the photo | photo.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from headform.data.shards import ShardSet
from headform.losses.image_identity import IdentityLoss
from headform.nets.texture_net import TextureNetConfig, linear_from_signal, refiner_signal, signal_from_linear
from headform.render.renderer import render_batch
from headform.train.texture_batches import TextureBatch, TextureBatches
from headform.train.texture_losses import RenderedTexture, render_texture

_AT_ONCE = 4
"""Photos that are rendered at once."""


@dataclass(frozen=True, eq=False)
class TextureValidation:
    """Held-out photos and what it takes to measure them.

    Attributes:
        samples: Held-out photos.
        batches: Reader.
        config: Sizes of the networks.
        faces: Triangles of the head, on the device.
        identity: Recognition network; None for no cosine.
        device: Device of the networks.
    """

    samples: ShardSet
    batches: TextureBatches
    config: TextureNetConfig
    faces: Int[Tensor, "F 3"]
    identity: IdentityLoss | None
    device: torch.device

    @torch.no_grad()
    def measure(self, net: nn.Module) -> dict[str, float]:
        """Compare photos with the renderings of coarse and refined textures.

        Returns:
            Means over the photos, each with the endings ``_coarse`` and ``_refined``: ``psnr`` within the mask, decibels;
            ``identity``, cosine of the embeddings of photo and overlay; ``truth``, mean distance from the true albedo, sRGB
            in [0, 1], of synthetic people alone.
        """
        found: dict[str, list[float]] = {}
        for batch in self._batches(range(len(self.samples))):
            for name, albedo in (("coarse", batch.coarse), ("refined", self.refine(net, batch))):
                drawn = render_texture(self.faces, albedo, batch)
                found.setdefault(f"psnr_{name}", []).extend(masked_psnr(drawn, batch).tolist())
                if self.identity is not None:
                    wanted = self.identity.embed(batch.images, batch.points5)
                    own = self.identity.embed(drawn.overlay, batch.points5)
                    found.setdefault(f"identity_{name}", []).extend(cosine_similarity(own, wanted).tolist())
                if bool(batch.known.any()):
                    off = (signal_from_linear(albedo) - signal_from_linear(batch.truth))[batch.known] / 2
                    found.setdefault(f"truth_{name}", []).extend(off.norm(dim=-1).mean(1).tolist())
        return {name: float(np.mean(values)) for name, values in found.items()}

    @torch.no_grad()
    def picture(self, net: nn.Module, count: int) -> UInt8[np.ndarray, "H W 3"]:
        """Draw the first photos, a row each; see the module docstring."""
        rows = []
        for batch in self._batches(range(min(count, len(self.samples)))):
            side = batch.images.shape[-1]
            columns = []
            lit = []
            for albedo in (batch.coarse, self.refine(net, batch)):
                plain = render_batch(
                    batch.vertices, self.faces, batch.camera, (side, side), attributes=albedo.clamp(0, 1), srgb=True
                )
                columns.append(plain.rgb + (1 - plain.alpha))
                lit.append(render_texture(self.faces, albedo, batch).overlay)
            rows.append(torch.cat([*columns, *lit, batch.images], dim=3))
        sheet = torch.cat(rows).permute(0, 2, 3, 1).flatten(0, 1)
        return (255 * sheet.clamp(0, 1)).round().byte().cpu().numpy()

    def refine(self, net: nn.Module, batch: TextureBatch) -> Float[Tensor, "B V 3"]:
        """Return the refined textures, linear RGB."""
        return linear_from_signal(net(batch.embedding, network_signal(self.config, batch)))

    def _batches(self, numbers: Sequence[int]) -> Iterator[TextureBatch]:
        for first in range(0, len(numbers), _AT_ONCE):
            yield self.batches.read(self.samples, numbers[first : first + _AT_ONCE]).to(self.device)


def network_signal(config: TextureNetConfig, batch: TextureBatch) -> Float[Tensor, "B V C"]:
    """Return the refiner's input of a batch."""
    return refiner_signal(config, batch.coarse, batch.projected, batch.seen, batch.shading)


def masked_psnr(drawn: RenderedTexture, batch: TextureBatch) -> Float[Tensor, " B"]:
    """Compute the PSNR of each rendering within its mask, decibels of sRGB in [0, 1]."""
    square = (drawn.rendering.clamp(0, 1) - batch.images).square().mean(1, keepdim=True)
    error = (drawn.mask * square).sum((1, 2, 3)) / drawn.mask.sum((1, 2, 3)).clamp(min=1)
    return -10 * error.clamp(min=1e-10).log10()
