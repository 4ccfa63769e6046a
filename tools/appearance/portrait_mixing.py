"""Mix skins across people: every region of a face from another person of a similar tone.

M maps, P portraits, H W texels of the face's chart, S side of the atlas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from headform.synth.skin import skin_rgb
from tools.appearance.portrait_chart import REGIONS, FaceChart
from tools.appearance.portrait_detail import Detail, blur, own_detail
from tools.appearance.portrait_glasses import MOST, rim_contrast
from tools.appearance.portrait_residuals import PortraitSkins, shared_pattern

FEATHER = (16.0, 5.0, 1.6)
"""Standard deviations of the borders of broad variation, folds and fine detail, texels: a Laplacian pyramid's blending."""
BEARDED, SHAVEN = 0.24, 0.16
"""Least `beard` of those who give the lower face of a bearded map, and most of those who give the others'."""
MOST_SMILE = 0.35
LEAST_SEEN = 0.8
"""Least part of a region that a portrait must show, relative to what the better half of them shows."""
LOWER = ("right cheek", "left cheek", "mouth", "lips", "jaw")
"""Regions on which a beard or its shadow shows."""
BAREFACED = ("london", "canada")
"""Sets without glasses."""
NEAR_GLASSES = ("brows", "eyes", "nose", "right cheek", "left cheek")
NEIGHBORS = 26
"""People of the most similar tone among whom one is drawn."""


@dataclass(frozen=True)
class MixedSkin:
    """One map; logarithms of linear RGB.

    Attributes:
        log: (H, W, 3), relative to `tone`.
        tone: (3,) skin of the pigments.
        pigment: (2,) melanin and haemoglobin.
        seen: (H, W) in [0, 1], part of the fine detail that portraits show.
        bearded: True where the lower face is of people with stubble or beards.
        wrinkles: Energy of folds of the forehead and about the eyes.
        sources: (R,) row of the portrait of each region; to judge the map, not kept.
    """

    log: Float32[np.ndarray, "H W 3"]
    tone: Float[np.ndarray, "3"]
    pigment: Float[np.ndarray, "2"]
    seen: Float32[np.ndarray, "H W"]
    bearded: bool
    wrinkles: float
    sources: np.ndarray


class SkinMixer:
    """Details of all portraits, from which maps are drawn."""

    def __init__(self, skins: PortraitSkins, chart: FaceChart) -> None:
        self.skins, self.chart = skins, chart
        self.pattern = shared_pattern(skins, chart)
        self.level = skins.tone.mean(1)
        self.details = [
            own_detail(log - self._shared(level, beard), weight, chart)
            for log, weight, level, beard in zip(skins.log, skins.weight, self.level, skins.beard, strict=True)
        ]
        plain = chart.region_masks(np.random.default_rng(0), 0.0)
        weights = np.stack([d.weight for d in self.details])
        inner = [mask & (np.abs(np.nan_to_num(chart.centimeters[..., 0])) < 5.5) for mask in plain]
        seen = np.stack([weights[:, mask].mean(1) for mask in inner])
        self.seen = seen / np.percentile(seen, 75, axis=1, keepdims=True)
        upper = inner[0] | inner[2]
        self.wrinkles = np.array([d.bands[1:, upper].mean(-1).std() for d in self.details])
        rims = np.array([rim_contrast(log, weight, chart) for log, weight in zip(skins.log, skins.weight, strict=True)])
        bare = np.isin([name.split("/")[0] for name in skins.name], BAREFACED)
        self.glasses = ~bare & (rims > MOST)
        self.uses = np.zeros(len(self.details))

    def draw(self, rng: np.random.Generator, pigment: Float[np.ndarray, "2"], bearded: bool) -> MixedSkin:
        """Mix a map for a skin of this melanin and haemoglobin."""
        tone = np.log(skin_rgb(*pigment.tolist()))
        taken: list[int] = []
        parts: list[Detail] = []
        for name in REGIONS:
            row = self._choose(rng, name, tone, bearded, taken)
            taken.append(row)
            parts.append(self.details[row].flipped() if rng.random() < 0.5 else self.details[row])
        self.uses[taken] += 1
        masks = self.chart.region_masks(rng)
        beard = float(np.mean([self.skins.beard[taken[REGIONS.index(n)]] for n in ("mouth", "jaw")]))
        beard = beard if bearded else max(0.0, min(beard, SHAVEN))
        own, seen = _blend(parts, masks)
        log = self._shared(tone.mean(), beard) + own
        wrinkles = float(np.mean([self.wrinkles[taken[k]] for k in (0, 2)]))
        return MixedSkin(log.astype(np.float32), tone, pigment, seen, bearded, wrinkles, np.array(taken))

    def alike(self, mixed: Sequence[MixedSkin]) -> list[np.ndarray]:
        """For each map the portraits of as similar a tone as those that it is mixed from, without these."""
        found = []
        for skin in mixed:
            order = np.argsort(self._far(np.arange(len(self.level)), skin.tone))
            found.append(np.setdiff1d(order[:NEIGHBORS], skin.sources))
        return found

    def _far(self, rows: np.ndarray, tone: Float[np.ndarray, "3"]) -> Float[np.ndarray, " N"]:
        hue = np.abs(_hue(self.skins.tone[rows]) - _hue(tone)).max(-1)
        return np.asarray(np.abs(self.level[rows] - tone.mean()) + hue)

    def _shared(self, level: float, beard: float) -> Float[np.ndarray, "H W 3"]:
        plain, tone, hair = self.pattern
        return np.asarray(plain + (level - self.level.mean()) * tone + np.clip(beard, 0, 1) * hair)

    def _choose(
        self, rng: np.random.Generator, region: str, tone: Float[np.ndarray, "3"], bearded: bool, taken: list[int]
    ) -> int:
        """Draw a person for a region: of similar tone, not in this map yet, seldom used, with the region in view."""
        skins = self.skins
        able = self.seen[REGIONS.index(region)] >= (0.5 if bearded and region in ("mouth", "jaw") else 1) * LEAST_SEEN
        if region in LOWER:
            able &= skins.smile < MOST_SMILE
            able &= (skins.beard > BEARDED) if bearded and region in ("mouth", "jaw") else (skins.beard < SHAVEN)
        if region in NEAR_GLASSES:
            able &= ~self.glasses
        able[taken] = False
        rows = np.flatnonzero(able)
        if not len(rows):
            raise ValueError(f"no portrait shows the {region} of such a skin")
        near = rows[np.argsort(self._far(rows, tone))[: NEIGHBORS if not bearded else NEIGHBORS // 2]]
        share = 1.0 / (1.0 + self.uses[near]) ** 2
        return int(rng.choice(near, p=share / share.sum()))


def _hue(tone: Float[np.ndarray, "*P 3"]) -> Float[np.ndarray, "*P 3"]:
    return np.asarray(tone - tone.mean(-1, keepdims=True))


def _blend(
    parts: list[Detail], masks: Bool[np.ndarray, "R H W"]
) -> tuple[Float[np.ndarray, "H W 3"], Float32[np.ndarray, "H W"]]:
    """Blend the bands of all regions, broad ones over wide borders, and the trust in the fine ones."""
    total = np.zeros((*masks.shape[1:], 3))
    seen = np.zeros(masks.shape[1:], np.float32)
    for band, width in enumerate(FEATHER):
        shares = blur(masks.astype(np.float32).transpose(1, 2, 0), width).transpose(2, 0, 1)
        shares /= np.maximum(shares.sum(0), 1e-6)
        for share, part in zip(shares, parts, strict=True):
            total += share[..., None] * part.bands[band]
            seen += share * part.weight * (band == len(FEATHER) - 1)
    return total, seen
