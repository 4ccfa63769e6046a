"""Losses of `headform train coefficients`: Xu et al. (2024), equations 1 to 7, on the codes of a batch.

S subjects, K photos of each, B = S K photos, V vertices, N coefficients.

3D losses compare neutral heads of labeled photos; 2D losses project, draw and compare a share of all photos.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from headform.errors import UsageError
from headform.geometry.camera import WeakPerspectiveCameras, ndc_from_pixels
from headform.heads.code_decoder import CodeDecoder, DecodedHeads
from headform.heads.coefficients import Coefficients
from headform.heads.linear import LinearHead
from headform.losses.image_identity import IdentityLoss
from headform.losses.landmarks import deca_landmark_weights, landmark_loss
from headform.losses.mesh_identity import MeshIdentityLoss
from headform.losses.photometric import photometric_loss
from headform.losses.regularizers import code_prior, gray_light_prior, within_subject_permutation
from headform.losses.vertices import region_weighted_loss, region_weights
from headform.render.renderer import RenderOutput, render_batch
from headform.train.coefficient_batches import CoefficientBatch
from headform.train.coefficients_config import REGIONS, CoefficientLossWeights, CoefficientsConfig

_SHIFTS = 2  # coordinates of a landmark in the picture


def vertex_weights(head: LinearHead, weights: Mapping[str, float]) -> Float[Tensor, " V"]:
    """Build the weights of a head's vertices; eyeballs and eye regions are put together from what the head names.

    Raises:
        UsageError: ``head_unsupported`` where the head lacks a region.
    """
    regions = dict(head.regions.items())
    unions = {
        "eyeballs": ("right_eyeball", "left_eyeball"),
        "ears": ("right_ear", "left_ear"),
        "eye_region": ("right_eye_region", "left_eye_region", "right_eye", "left_eye"),
    }
    for name, parts in unions.items():
        known = [regions[part] for part in parts if part in regions]
        if name not in regions and known:
            regions[name] = torch.stack(known).any(0)
    if "eyeballs" not in regions and len(head.part):
        eyes = torch.cat([head.part_vertices("eye_right"), head.part_vertices("eye_left")])
        regions["eyeballs"] = torch.zeros(len(head.mean), dtype=torch.bool, device=head.mean.device).index_fill(
            0, eyes, True
        )
    missing = [name for name in weights if name not in regions]
    if missing:
        what = f"the head {head.name} has no region {', '.join(missing)}"
        raise UsageError("head_unsupported", what, "vertex weights", "convert it with its masks (--with FILE)")
    return region_weights(regions, weights)


@dataclass(frozen=True, eq=False)
class _Drawn:
    heads: DecodedHeads
    camera: WeakPerspectiveCameras
    rendering: RenderOutput


class CoefficientLosses:
    """Losses of a batch of codes; holds the frozen networks.

    Args:
        config: Weights and shares.
        decoder: Decoder of the codes.
        mean: (N,) code that the encoder's output is added to.
        mesh_identity: 3D-ID loss; needed where its weight is not 0.
        identity: Recognition loss; needed where its weight and its pictures are not 0.

    Raises:
        UsageError: ``network_missing``; ``losses_none`` where no loss has a weight; those of `vertex_weights`.
    """

    def __init__(
        self,
        config: CoefficientsConfig,
        decoder: CodeDecoder,
        mean: Float[Tensor, " N"],
        mesh_identity: MeshIdentityLoss | None = None,
        identity: IdentityLoss | None = None,
    ) -> None:
        self._config, self._decoder, self._mean = config, decoder, mean
        weights = config.weights
        if not (config.renders or weights.dim3 * (weights.vertices + weights.mesh_identity)):
            raise UsageError(
                "losses_none", "no loss has a weight", config.preset, "choose other losses or another preset"
            )
        if weights.dim3 * weights.mesh_identity and mesh_identity is None:
            raise UsageError(
                "network_missing", "the 3D-ID loss needs a mesh encoder", "", "give one, or set its weight to 0"
            )
        self._with_identity = config.renders and weights.identity > 0 and config.identity_images != 0
        if self._with_identity and identity is None:
            raise UsageError("network_missing", "the identity loss needs a recognition network", "", "give one")
        self._mesh_identity, self._identity = mesh_identity, identity
        self._vertex_weights = vertex_weights(decoder.head, REGIONS[config.regions]).to(decoder.head.mean)
        self._landmark_weights = deca_landmark_weights().to(decoder.head.mean.device)
        self._identity_part = decoder.layout.parts[0][0]

    def __call__(
        self, codes: Float[Tensor, "B_S N"], batch: CoefficientBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Compute all losses before their weights; `total` is their weighted sum, as in `CoefficientLossWeights`.

        Args:
            codes: Code of each photo, then of each subject, pooled.
            batch: Photos.
            rng: Generator of the photos that are drawn in this step.
        """
        with torch.autocast(codes.device.type, enabled=False):  # meters need more than eight bits
            return self._losses(codes.float(), batch, rng)

    def _losses(
        self, codes: Float[Tensor, "B_S N"], batch: CoefficientBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        count = len(batch.crops)
        single, pooled = codes[:count], codes[count:]
        config, weights = self._config, self._config.weights
        solid = self._dim3(single, pooled, batch, rng)
        # zero, but a path to every parameter: to those that no loss reaches in this batch, as several processes need it
        total = 0.0 * codes.sum() + weights.dim3 * _weighted(solid, weights, codes)
        flat: dict[str, Tensor] = {}
        if config.renders:
            flat = self._dim2(single, batch, rng)
            total = total + weights.dim2 * _weighted(flat, weights, codes)
        return solid | flat | {"total": total}

    def _dim3(
        self,
        single: Float[Tensor, "B N"],
        pooled: Float[Tensor, "S N"],
        batch: CoefficientBatch,
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:
        """Compute L_ver and L_3D-ID of photos, and L_ver of pooled subjects, before their weights."""
        weights, layout = self._config.weights, self._decoder.layout
        if not bool(batch.labeled.any()) or not weights.dim3:
            return {}
        code = layout.split(single[batch.labeled])
        found = (
            self._decoder.shape(code[self._identity_part])
            if self._config.canonical
            else self._decoder.decode(code).posed
        )
        losses: dict[str, Tensor] = {}
        if weights.vertices:
            losses["vertices"] = self._vertices(found, batch.shapes)
        if weights.mesh_identity:
            chosen = _some(len(found), self._config.mesh_identity_share, rng, found.device)
            losses["mesh_identity"] = self._mesh(found[chosen], batch.shapes[chosen])
        if weights.pooled:
            first = torch.arange(len(pooled), device=pooled.device) * self._config.photos
            known = batch.labeled[first]
            rows = torch.cumsum(batch.labeled.long(), 0)[first][known] - 1  # place of each subject's first mesh
            whole = self._decoder.shape(layout.split(pooled[known])[self._identity_part])
            losses["pooled_vertices"] = self._vertices(whole, batch.shapes[rows])
        return losses

    def _vertices(self, found: Float[Tensor, "L V 3"], wanted: Float[Tensor, "L V 3"]) -> Float[Tensor, ""]:
        return region_weighted_loss(found, wanted, self._vertex_weights, self._config.vertex_scale)

    def _mesh(self, found: Float[Tensor, "L V 3"], wanted: Float[Tensor, "L V 3"]) -> Float[Tensor, ""]:
        assert self._mesh_identity is not None  # noqa: S101 - checked when made
        return self._mesh_identity(found, wanted)

    def _dim2(
        self, codes: Float[Tensor, "B N"], batch: CoefficientBatch, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Compute the 2D losses of a share of the photos, before their weights."""
        config = self._config
        subjects = len(codes) // config.photos
        drawn = _some(subjects, config.rendered_share, rng, codes.device)
        rows = (drawn[:, None] * config.photos + torch.arange(config.photos, device=codes.device)).flatten()
        code = self._decoder.layout.split(codes[rows])
        parts = _part(batch, rows)
        exchanged = code
        if config.shape_consistency != "none":
            generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
            order = within_subject_permutation(parts.subjects, generator)
            values = dict(code.values)
            values[self._identity_part] = values[self._identity_part][order]
            exchanged = Coefficients(code.layout, values)
        if config.shape_consistency == "double":
            code = Coefficients(code.layout, {n: torch.cat([v, exchanged.values[n]]) for n, v in code.values.items()})
            parts = _part(parts, torch.arange(len(rows), device=rows.device).repeat(2))
        elif config.shape_consistency == "swap":
            code = exchanged
        drawing = self._draw(code)
        losses = {
            "landmark": self._landmarks(drawing, parts),
            "photometric": photometric_loss(drawing.rendering.rgb, parts.images, parts.skin * drawing.rendering.alpha),
            "shape": code_prior(code[self._identity_part]),
            "expression": code_prior(code["expression"]),
            "texture": code_prior(code["texture"]),
            "light": gray_light_prior(_light(code)),
            "pose": code_prior(code["pose"][:, :3]),
            "camera": code_prior(code["camera"] - self._decoder.layout.split(self._mean)["camera"]),
        }
        if self._with_identity:
            count = (
                len(parts.images) if config.identity_images is None else min(config.identity_images, len(parts.images))
            )
            losses["identity"] = self._recognition(code, drawing, parts, count)
        return losses

    def _draw(self, code: Coefficients) -> _Drawn:
        heads = self._decoder.decode(code)
        camera = WeakPerspectiveCameras.from_code(code["camera"])
        side = self._config.render_side
        rendering = render_batch(
            heads.posed,
            self._decoder.head.faces,
            camera,
            (side, side),
            attributes=heads.albedo,
            light=_light(code),
            srgb=True,
        )
        return _Drawn(heads, camera, rendering)

    def _landmarks(self, drawn: _Drawn, batch: CoefficientBatch) -> Float[Tensor, ""]:
        side = self._config.render_side
        points = drawn.camera.project(drawn.heads.landmarks68, (side, side))[..., :2]
        found = ndc_from_pixels(points, (side, side))
        seen = torch.isfinite(batch.points68).all(-1) & torch.isfinite(found).all(-1)
        known = seen[..., None].expand(-1, -1, _SHIFTS)
        found, wanted = found.where(known, 0.0), batch.points68.where(known, 0.0)
        return landmark_loss(found, wanted, self._landmark_weights, seen)

    def _recognition(self, code: Coefficients, drawn: _Drawn, batch: CoefficientBatch, count: int) -> Float[Tensor, ""]:
        """Compare photo and overlay; the gradient reaches geometry alone (color and light are constant), as in DECA."""
        assert self._identity is not None  # noqa: S101 - checked when made
        side, albedo = self._config.render_side, drawn.heads.albedo
        overlay = render_batch(
            drawn.heads.posed[:count],
            self._decoder.head.faces,
            WeakPerspectiveCameras(drawn.camera.scale[:count], drawn.camera.shift[:count]),
            (side, side),
            attributes=None if albedo is None else albedo[:count].detach(),
            light=_light(code)[:count].detach(),
            srgb=True,
        )
        mask = batch.skin[:count] * overlay.alpha
        picture = mask * overlay.rgb + (1 - mask) * batch.images[:count]
        return self._identity(picture, batch.images[:count], batch.points5[:count])


def _weighted(losses: Mapping[str, Tensor], weights: CoefficientLossWeights, like: Tensor) -> Float[Tensor, ""]:
    """Sum losses times their weights within lambda_2D or lambda_3D."""
    factors = asdict(weights) | {"pooled_vertices": weights.pooled * weights.vertices}
    return sum((factors[name] * value for name, value in losses.items()), start=like.new_zeros(()))


def _light(code: Coefficients) -> Float[Tensor, "B 9 3"]:
    return code["light"].unflatten(-1, (9, 3))


def _some(count: int, share: float, rng: np.random.Generator, device: torch.device) -> Int[Tensor, " n"]:
    """Draw a share of `count` items, at least one, in their order."""
    if share >= 1:
        return torch.arange(count, device=device)
    chosen = np.sort(rng.permutation(count)[: max(1, round(share * count))])
    return torch.from_numpy(chosen).to(device)


def _part(batch: CoefficientBatch, rows: Int[Tensor, " n"]) -> CoefficientBatch:
    """Return some photos of a batch, without their meshes."""
    nobody: Bool[Tensor, " n"] = torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    return CoefficientBatch(
        batch.crops[rows], batch.images[rows], batch.points68[rows], batch.points5[rows], batch.skin[rows],
        batch.subjects[rows], nobody, batch.shapes[:0],
    )  # fmt: skip
