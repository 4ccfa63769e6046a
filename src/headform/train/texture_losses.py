"""Losses of `headform train texture`: those of Lin et al. (2020), the published code's objective, and further terms.

B photos, V vertices, h side of the rendering. Colors are compared as sRGB from -1 to 1, as in the published code.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from headform.errors import UsageError
from headform.fit.plain_skin import face_skin
from headform.heads.linear import LinearHead
from headform.images.transfer import srgb_from_linear
from headform.losses.adversarial import critic_loss, generator_loss, gradient_penalty
from headform.losses.image_identity import IdentityLoss
from headform.losses.mesh_signals import symmetry_loss
from headform.losses.photometric import pixel_loss
from headform.losses.vertices import vertex_loss
from headform.nets.texture_net import linear_from_signal, signal_from_linear
from headform.render.renderer import render_batch
from headform.train.critic_guard import score_quotient
from headform.train.texture_batches import TextureBatch
from headform.train.texture_config import TextureConfig

_SLOPE_AT_ONE = 1.055 / 2.4
"""Derivative of sRGB at 1."""
_HIDDEN = 0.3
"""Weight of hidden vertices in the published code's vertex term."""


@dataclass(frozen=True, eq=False)
class RenderedTexture:
    """A texture in the light of its photo.

    Attributes:
        albedo: texture, linear RGB.
        lit: its colors at the vertices in the light of the photo, sRGB from -1; above 1 where too bright.
        rendering: picture of the head, sRGB from 0, black around it; above 1 where too bright; R'.
        mask: pixels that show the head's own surface in both, M_proj M_face.
        overlay: the rendering in the photo, within the mask.
    """

    albedo: Float[Tensor, "B V 3"]
    lit: Float[Tensor, "B V 3"]
    rendering: Float[Tensor, "B 3 h h"]
    mask: Float[Tensor, "B 1 h h"]
    overlay: Float[Tensor, "B 3 h h"]


def render_texture(faces: Int[Tensor, "F 3"], albedo: Float[Tensor, "B V 3"], batch: TextureBatch) -> RenderedTexture:
    """Render a texture, linear RGB, with head, camera and light of each photo; differentiable in the texture."""
    side = batch.images.shape[-1]
    drawn = render_batch(batch.vertices, faces, batch.camera, (side, side), attributes=albedo, light=batch.light)
    rendering, mask = _unclipped(drawn.rgb), drawn.alpha * batch.mask
    overlay = mask * rendering.clamp(0, 1) + (1 - mask) * batch.images
    return RenderedTexture(albedo, 2 * _unclipped(albedo * batch.shading) - 1, rendering, mask, overlay)


def _unclipped(light: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Encode linear light as sRGB that goes on above 1 in a straight line: clipped, what is too bright has no gradient."""
    return srgb_from_linear(light) + _SLOPE_AT_ONE * (light - 1).clamp(min=0)


class TextureLosses:
    """Losses of a batch of refined textures.

    Args:
        config: Weights and schedule.
        head: Head of the textures, on the CPU.
        identity: Recognition loss; needed where its weight is not 0.
        device: Device of the batches.

    Raises:
        UsageError: ``network_missing``; ``head_unsupported`` where a loss needs what the head lacks; in a call
            ``albedo_missing`` where nothing but the true albedo is compared with, and a photo has none.
    """

    def __init__(
        self, config: TextureConfig, head: LinearHead, identity: IdentityLoss | None, device: torch.device
    ) -> None:
        weights = config.weights
        if weights.identity and identity is None:
            raise UsageError("network_missing", "the identity loss needs a recognition network", "", "give one")
        if weights.symmetry and not head.has_field("mirror"):
            what = f"the head {head.name} has no mirror map, which the symmetry loss needs"
            raise UsageError("head_unsupported", what, "", "use the open head")
        self._config, self._identity = config, identity
        self._faces, self._mirror = head.faces.to(device), head.mirror.to(device)
        self._skin: Bool[Tensor, " V"] | None = None
        if weights.variance:
            self._skin = torch.from_numpy(face_skin(head)).to(device)

    def __call__(
        self, refined: Float[Tensor, "B V 3"], batch: TextureBatch, step: int, critic: nn.Module | None = None
    ) -> dict[str, Tensor]:
        """Compute all losses; `total` is their weighted sum.

        Args:
            refined: T', sRGB from -1 to 1.
            batch: Photos.
            step: Step number, of which the weights of the groups are a function.
            critic: Critic whose score counts; none while it diverges.
        """
        weights, coarse = self._config.weights, signal_from_linear(batch.coarse)
        losses: dict[str, Tensor] = {}
        drawn = None
        if weights.drawn:
            drawn = render_texture(self._faces, linear_from_signal(refined), batch)
            losses["pixel"] = pixel_loss(2 * drawn.rendering - 1, 2 * batch.images - 1, drawn.mask)
            if weights.identity and self._identity is not None:
                losses["identity"] = self._identity(drawn.overlay, batch.images, batch.points5)
            if critic is not None:
                losses["adversarial"] = generator_loss(critic(2 * drawn.overlay - 1))
        elif not bool(batch.known.all()):
            what = "these losses compare with the true albedo, and a photo has none"
            raise UsageError("albedo_missing", what, "", "use samples of `headform data synthetic --albedo`")
        if weights.symmetry:
            losses["symmetry"] = symmetry_loss(refined, self._mirror)
        if self._skin is not None:
            losses["variance"] = refined[:, self._skin].var(1, unbiased=False).mean()
        if weights.truth:  # 0 without any, since all processes report the same losses
            known = batch.known[:, None].to(refined).expand(-1, refined.shape[1])
            losses["truth"] = vertex_loss(signal_from_linear(batch.truth), refined, known.contiguous())
        rising, falling = self._config.sigmas(step)
        if self._config.objective == "released":
            if drawn is None:
                raise TypeError("the published code's objective draws the texture")
            return losses | self._released(refined, coarse, drawn, batch, losses, rising, falling)
        losses["coarse"] = vertex_loss(coarse, refined)
        if drawn is not None:
            losses["projected"] = vertex_loss(drawn.lit, signal_from_linear(batch.projected), batch.seen)
        groups = {"pixel": rising, "identity": rising, "adversarial": rising, "coarse": falling, "projected": falling}
        total = 0.0 * refined.sum() + sum(
            (groups.get(name, 1.0) * getattr(weights, name) * value for name, value in losses.items()),
            start=refined.new_zeros(()),
        )
        return losses | {"total": total}

    def _released(
        self,
        refined: Float[Tensor, "B V 3"],
        coarse: Float[Tensor, "B V 3"],
        drawn: RenderedTexture,
        batch: TextureBatch,
        losses: dict[str, Tensor],
        rising: float,
        falling: float,
    ) -> dict[str, Tensor]:
        """Compute the published code's objective; its pixel loss is logged and not minimized."""
        weights, seen = self._config.weights, (batch.seen > 0).to(refined)[..., None]
        wanted, before = signal_from_linear(batch.projected), signal_from_linear(batch.coarse * batch.shading)
        projected = (seen * (drawn.lit - wanted)).abs().mean()
        projected = projected + _HIDDEN * ((1 - seen) * (drawn.lit - before)).abs().mean()
        flat = (refined - coarse).abs().mean()
        terms = ("identity", "symmetry", "variance")
        rest = sum((getattr(weights, n) * losses[n] for n in terms if n in losses), start=refined.new_zeros(()))
        total = falling * weights.coarse * flat + rising * (weights.projected * projected + rest)
        if "adversarial" in losses and rising > 0:
            total = total + weights.adversarial * losses["adversarial"]
        return {"coarse": flat, "projected": projected, "total": total}


def critic_losses(
    critic: nn.Module, real: Float[Tensor, "B 3 h h"], fake: Float[Tensor, "B 3 h h"], scale: float
) -> dict[str, Any]:
    """Compute the critic's losses, WGAN-GP with a share for each picture.

    Args:
        critic: Critic.
        real: Photos, sRGB in [0, 1].
        fake: Overlays, constant.
        scale: Factor of the total, sigma3; with Adam it changes nothing but the clipping.

    Returns:
        ``total``, ``wasserstein`` and ``penalty``, and ``quotient``, see `critic_guard`.
    """
    photos, drawn = 2 * real - 1, 2 * fake.detach() - 1
    scores = critic(torch.cat([photos, drawn])).split(len(photos))
    wasserstein = critic_loss(*scores)
    penalty = gradient_penalty(critic, photos, drawn)
    quotient = score_quotient(photos, drawn, *scores)
    return {
        "total": scale * (wasserstein + penalty), "wasserstein": wasserstein, "penalty": penalty, "quotient": quotient,
    }  # fmt: skip
