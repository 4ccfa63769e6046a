"""The rest of the atlas about a mixed face: ears, scalp, neck, pores where no portrait shows any, and the inner parts.

S side of the atlas, V vertices.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.fit._mesh_diffusion import diffuse, head_graph
from headform.heads.linear import PARTS, LinearHead
from headform.images.transfer import srgb_from_linear
from headform.render.unwrapping import unwrap_head
from headform.synth.skin import HAEMOGLOBIN, MELANIN, SkinAttributes, paint
from headform.synth.skin_bank import SIDE
from headform.synth.skin_fields import skin_fields
from tools.appearance.portrait_chart import COLUMNS, ROWS, over_atlas
from tools.appearance.portrait_mixing import MixedSkin

EAR_BLOOD, NECK_BLOOD, SCALP_BLOOD = 0.2, -0.06, -0.08
"""Haemoglobin of parts that portraits hardly show, relative to the face."""
PATCHES_CM, PATCH_PIGMENT = (5.0, 2.0), (0.03, 0.035)
"""Sizes of patches of color, and standard deviations of melanin (relative) and haemoglobin in them."""
PORES_CM, PORE_DEPTH = (0.11, 0.2), 0.035
"""Sizes of pores and fine lines, and the standard deviation of their brightness, log."""
_LATTICE = 32
_FIELDS, _FIELD_SEED = 5, 20240301
"""Fields of noise of each size, and their seed."""
_BORDER = 8
"""Rows of the face's chart that border on the scalp's, whose color continues there."""


class AtlasFiller:
    """Geometry of the whole atlas, computed once."""

    def __init__(self, head: LinearHead) -> None:
        part = head.part.numpy()
        self._outer = np.isin(part, [PARTS.index("face"), PARTS.index("head")])
        soft = _soft_regions(head, ("ears", "neck", "scalp"))
        inner = np.log(np.maximum(paint(head, skin_fields(head), SkinAttributes(lashes=0.0))[0], 0.002))
        values = over_atlas(head, np.column_stack([100 * head.mean.numpy(), self._outer, soft, inner]))
        atlas = unwrap_head(head, SIDE)
        self.covered = np.isfinite(values[..., 0])
        values = np.nan_to_num(values)
        self.centimeters, self.skin, self.ears, self.neck, self.scalp = (
            values[..., :3], values[..., 3] > 0.5, values[..., 4], values[..., 5], values[..., 6],
        )  # fmt: skip
        self.inner = values[..., 7:]
        rng = np.random.default_rng(_FIELD_SEED)
        sizes = (*PATCHES_CM, *PORES_CM)
        self._fields = {size: [self._noise(rng, size) for _ in range(_FIELDS)] for size in sizes}
        self._gutter, self._source = atlas.gutter, atlas.gutter_source

    def complete(self, skin: MixedSkin, rng: np.random.Generator) -> UInt8[np.ndarray, "S S 3"]:
        """Paint the whole atlas, sRGB."""
        face, seen = np.zeros((SIDE, SIDE, 3)), np.zeros((SIDE, SIDE))
        face += np.median(skin.log[:_BORDER], axis=(0, 1))
        face[ROWS, COLUMNS], seen[ROWS, COLUMNS] = skin.log, skin.seen
        blood = EAR_BLOOD * self.ears + NECK_BLOOD * self.neck + SCALP_BLOOD * self.scalp
        blood += PATCH_PIGMENT[1] * self._noises(rng, PATCHES_CM) / 2
        brown = skin.pigment[0] * PATCH_PIGMENT[0] * self._noises(rng, PATCHES_CM)
        rest = -brown[..., None] * MELANIN - blood[..., None] * HAEMOGLOBIN
        pores = PORE_DEPTH * self._noises(rng, PORES_CM) / 2
        unseen = (1 - np.clip(seen, 0, 1))[..., None]
        log = skin.tone + face + unseen * (rest + pores[..., None])
        log = np.where(self.skin[..., None], log, self.inner)
        log[~self.covered] = skin.tone
        flat = log.reshape(-1, 3)
        flat[self._gutter] = flat[self._source]
        rgb = srgb_from_linear(torch.from_numpy(np.exp(log))).numpy()
        return np.asarray(np.rint(255 * rgb), np.uint8)

    def _noises(self, rng: np.random.Generator, sizes: tuple[float, ...]) -> Float[np.ndarray, "S S"]:
        """Add noise of several sizes, drawn from a few fields."""
        fields = [self._fields[size][int(rng.integers(_FIELDS))] for size in sizes]
        return np.sum([field * rng.choice((-1.0, 1.0)) for field in fields], axis=0)

    def _noise(self, rng: np.random.Generator, size: float) -> Float[np.ndarray, "S S"]:
        """Solid noise of unit variance: continuous across the borders of charts."""
        lattice = rng.standard_normal((_LATTICE,) * 3)
        at = self.centimeters[self.skin] / size + rng.uniform(0, _LATTICE, 3)
        low = np.floor(at).astype(np.int64)
        fraction = at - low
        fraction = fraction * fraction * (3 - 2 * fraction)
        total = np.zeros(len(at))
        for corner in np.ndindex(2, 2, 2):
            cell = (low + corner) % _LATTICE
            weight = np.prod(np.where(corner, fraction, 1 - fraction), axis=-1)
            total += weight * lattice[cell[..., 0], cell[..., 1], cell[..., 2]]
        out = np.zeros(self.skin.shape)
        out[self.skin] = total / total.std()
        return out


def _soft_regions(head: LinearHead, names: tuple[str, ...]) -> Float[np.ndarray, "V R"]:
    """Memberships of regions, smooth over the surface."""
    masks = np.column_stack([head.regions[name].numpy() for name in names]).astype(np.float64)
    count = len(masks)
    return np.clip(
        diffuse(head_graph(head), masks, np.ones(count), smoothness=4.0, pull=np.full(count, 1e-6), rest=0 * masks),
        0,
        1,
    )
