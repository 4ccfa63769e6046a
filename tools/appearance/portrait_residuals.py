"""Separate what is one person's skin from what all skins share and from what light left in the albedo.

In the logarithm of linear RGB, skin is a sum: tone of the person + pattern of all faces (which depends on tone and beard) +
shading that the fitted light did not explain + the person's own spots, pores and folds. The last is kept.

P portraits, H W texels of the face's chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from scipy.ndimage import gaussian_filter, maximum_filter

from headform.images.transfer import LINEAR_FROM_SRGB8
from headform.synth.skin import skin_rgb
from tools.appearance.portrait_chart import COLUMNS, ROWS, FaceChart
from tools.appearance.portrait_detail import fill
from tools.appearance.portrait_pigments import pigments
from tools.appearance.portrait_skins import PortraitSkin

LEAST_EYE_PIXELS = 62.0
"""Least distance of the outer corners of the eyes: one pixel then shows 1.5 mm."""
MOST_YAW, LEAST_CONFIDENCE, MOST_COVERED, MOST_JAW_OPEN = 20.0, 0.6, 0.06, 0.3
LEAST_HUE = 0.2
"""Least difference of the logarithms of red and blue of skin: less is a gray picture."""
FOREHEAD_CM = (6.0, 7.0)
"""Height between which the color, not the network's mask, begins to tell skin from hair, cm: the mask ends there."""
CHIN_CM = (-8.4, -7.6)
"""Height below which nothing is believed, cm: the chin's shadow lies there."""
_LEAST_ALBEDO = 0.002
_PRIOR = 3.0
"""Portraits by which the pattern is drawn to zero."""
TONE_LIMIT = (0.3, 0.12)
"""Limits, log per unit of tone, of the change of brightness and of color: few people are of very dark skin."""
BROW_SHADOW = 0.35
"""Part of the darkness of all portraits between brow and lid that is kept."""
_ENOUGH = 12.0
"""Portraits that must show a texel."""
_ROBUST_STEPS, _HUBER = 3, 0.12
"""Repetitions, and the deviation, log, beyond which a texel counts less."""


@dataclass(frozen=True)
class PortraitSkins:
    """Skins of several people; all colors are logarithms of linear RGB.

    Attributes:
        log: (P, H, W, 3) albedo minus `tone`.
        weight: (P, H, W) trust in [0, 1].
        tone: (P, 3) skin of the person's pigments, without the photograph's white and exposure.
        pigment: (P, 2) melanin and haemoglobin.
        beard: (P,) darkening of the skin on which beards grow, about 0 to 1.
        smile: (P,).
        name: (P,) portrait, to judge the maps; not kept.
    """

    log: Float32[np.ndarray, "P H W 3"]
    weight: Float32[np.ndarray, "P H W"]
    tone: Float[np.ndarray, "P 3"]
    pigment: Float[np.ndarray, "P 2"]
    beard: Float[np.ndarray, " P"]
    smile: Float[np.ndarray, " P"]
    name: np.ndarray


def usable(skin: PortraitSkin) -> bool:
    """Return True for a portrait sharp, frontal, uncovered and sure enough to give skin."""
    return (
        skin.eye_pixels >= LEAST_EYE_PIXELS
        and abs(skin.yaw) < MOST_YAW
        and skin.confidence > LEAST_CONFIDENCE
        and skin.covered < MOST_COVERED
        and skin.jaw_open < MOST_JAW_OPEN
        and np.ptp(np.log(skin.skin)) > LEAST_HUE
        and not skin.name.endswith("_smiling.jpg")
    )


def gather(files: Sequence[Path], chart: FaceChart) -> PortraitSkins:
    """Read the usable portraits."""
    skins = [PortraitSkin.load(file) for file in files if _eye_pixels(file) >= LEAST_EYE_PIXELS]
    skins = [skin for skin in skins if usable(skin)]
    core = core_weight(chart)
    y = np.nan_to_num(chart.centimeters[..., 1], nan=-99.0)
    forehead = np.clip((y - FOREHEAD_CM[0]) / (FOREHEAD_CM[1] - FOREHEAD_CM[0]), 0, 1)
    believed = (1 - chart.brow) * (1 - chart.neck) * np.clip((y - CHIN_CM[0]) / (CHIN_CM[1] - CHIN_CM[0]), 0, 1)
    log = np.empty((len(skins), *chart.inside.shape, 3), np.float32)
    weight = np.empty(log.shape[:3], np.float32)
    tone = np.empty((len(skins), 3))
    for k, skin in enumerate(skins):
        log[k] = np.log(np.maximum(LINEAR_FROM_SRGB8[skin.albedo[ROWS, COLUMNS]], _LEAST_ALBEDO))
        weight[k] = skin.weight[ROWS, COLUMNS] / 255.0 * chart.inside
        tone[k] = np.median(log[k][(weight[k] > 0.7) & core], axis=0)
        bare = np.log(np.maximum(LINEAR_FROM_SRGB8[skin.bare[ROWS, COLUMNS]], _LEAST_ALBEDO)) - tone[k]
        log[k] -= tone[k]
        open_skin = skin.bare_weight[ROWS, COLUMNS] / 255.0 * forehead * plain_skin(bare)
        log[k] = np.where((open_skin > weight[k])[..., None], bare, log[k])
        weight[k] = np.maximum(open_skin, weight[k]) * believed
    beardy = (chart.beard > 0.7) & (chart.centimeters[..., 1] < -4.8)
    beard = np.array([-np.median(a[(w > 0.6) & beardy].mean(-1)) for a, w in zip(log, weight, strict=True)])
    names = np.array([skin.name for skin in skins])
    bright = np.log([skin.exposure for skin in skins])[:, None]
    pigment = pigments(tone + bright, np.array([name.split("/")[0] for name in names]))
    color = np.log([skin_rgb(*row) for row in pigment])
    return PortraitSkins(log, weight, color, pigment, beard, np.array([skin.smile for skin in skins]), names)


def plain_skin(log: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W"]:
    """Trust that a texel, given relative to the tone of the face, shows skin: as bright and as red, neighbors included."""
    smooth = gaussian_filter(log, (1.2, 1.2, 0))
    light = smooth.mean(-1)
    color = np.abs(smooth - light[..., None]).max(-1)
    other = (light < -0.4) | (light > 0.55) | (color > 0.22)
    rough = gaussian_filter((log.mean(-1) - light) ** 2, 3) > 0.055**2
    return 1 - gaussian_filter(np.asarray(maximum_filter(other | rough, 9), np.float64), 2)


def core_weight(chart: FaceChart) -> np.ndarray:
    """Cheeks, nose and lower forehead, whose median is the tone of a face."""
    x, y = chart.centimeters[..., 0], chart.centimeters[..., 1]
    cheeks = (np.abs(x) > 2) & (np.abs(x) < 5.5) & (y > -2.0) & (y < 1.8)
    return np.asarray(cheeks | ((np.abs(x) < 4) & (y > 7.3) & (y < 9.0)))


def shared_pattern(skins: PortraitSkins, chart: FaceChart) -> Float32[np.ndarray, "3 H W 3"]:
    """Regress the skins on 1, the brightness of their tone and their beard, texel by texel; symmetric.

    Returns:
        Pattern of a skin of mean tone without a beard; its change per unit of the tone's mean logarithm; its change per unit
        of `beard`. Filled where few portraits show the skin, and zero far from the face.
    """
    beard = np.clip(skins.beard, 0, 1)
    level = skins.tone.mean(1) - skins.tone.mean()
    columns = np.column_stack([np.ones(len(level)), level, beard]).astype(np.float32)
    products = (columns[:, :, None] * columns[:, None]).reshape(-1, 9).T
    prior = np.diag([_PRIOR, _PRIOR * level.var() * 4, _PRIOR * 0.3])
    found = np.zeros((3, *chart.inside.shape, 3), np.float32)
    trust = skins.weight
    for _ in range(_ROBUST_STEPS):
        normal = np.tensordot(products, trust, 1).reshape(3, 3, *trust.shape[1:]).transpose(2, 3, 0, 1)
        right = np.tensordot(columns.T, trust[..., None] * skins.log, 1)
        found = np.linalg.solve(normal + prior, right.transpose(1, 2, 0, 3)).transpose(2, 0, 1, 3).astype(np.float32)
        size = np.abs(skins.log - np.tensordot(columns, found, 1)).mean(-1)
        trust = skins.weight * np.minimum(1, _HUBER / np.maximum(size, 1e-3))
    known = np.clip(skins.weight.sum(0) / _ENOUGH, 0, 1)
    known = np.minimum(known, known[:, ::-1])
    grown = gaussian_filter(chart.beard, 4)[..., None]
    found = (found + found[:, :, ::-1]) / 2
    edge = (known > 0.5) & (gaussian_filter(known, 12.0) < 0.6) & (chart.lip < 0.01)
    rest = [np.median(part[edge], axis=0) if edge.any() else np.zeros(3) for part in found[:2]] + [np.zeros(3)]
    pattern = np.stack([fill(part, known, far) for part, far in zip(found, rest, strict=True)])
    pattern[2] *= np.clip(2 * (grown + grown[:, ::-1]) / 2, 0, 1)
    light = pattern.mean(-1, keepdims=True)
    pattern[1] = _soft(light[1], TONE_LIMIT[0]) + _soft(pattern[1] - light[1], TONE_LIMIT[1])
    light = pattern.mean(-1, keepdims=True)
    pattern -= (1 - BROW_SHADOW) * chart.brow_shade[..., None] * np.minimum(light, 0)
    return np.asarray(pattern, np.float32)


def _eye_pixels(file: Path) -> float:
    with np.load(file) as stored:
        return float(stored["eye_pixels"])


def _soft(value: np.ndarray, limit: float) -> np.ndarray:
    return np.asarray(limit * np.tanh(value / limit))
