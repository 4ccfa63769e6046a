"""Looks that photos have from their time: monochrome, toned, faded, with grain, scratches and dust.

S side in pixels. Pictures are sRGB, float32 in [0, 255].
"""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from headform.images.transfer import LUMA_REC601
from headform.synth import _photo_kernels as kernels
from headform.synth.randomization import DegradationRandomization

Picture = Float[np.ndarray, "S S 3"]

_LUMA = np.array(LUMA_REC601, np.float32)
_GRAIN_SHARES = (0.7, 0.6)  # of fine and of coarse grain; their squares sum to about 1
_SOFT_SCRATCH = 0.7  # opacity of scratches and dust


def desaturate(image: Picture, factor: float) -> Picture:
    """Multiply the difference of each color from its gray; below 1 paler, above 1 more colorful."""
    out = np.empty(image.shape, np.float32)
    kernels.desaturate(image, _LUMA, np.float32(factor), out)
    return out


def monochrome(rng: np.random.Generator, image: Picture, config: DegradationRandomization) -> Picture:
    """Return the gray of an unknown filter, toned at times."""
    weights = np.maximum(_LUMA * (1 + rng.normal(0, config.filter_sd, 3)), 0.01)
    gray = (image @ (weights / weights.sum()).astype(np.float32))[..., None]
    tone = np.ones(3)
    if rng.random() < config.tone_rate:
        tone += (np.array(config.sepia_rgb) - 1) * rng.random()
    return np.asarray(gray * tone.astype(np.float32))


def age(rng: np.random.Generator, image: Picture, config: DegradationRandomization, pixel: float) -> Picture:
    """Fade a photo, add grain, scratches and dust; `pixel` are pixels of the picture per pixel of 256."""
    image = cast_color(rng, image, config, np.array(config.old_rgb))
    low, high = 255 * rng.uniform(*config.faded, 2) * (1.0, 0.5)
    image = low + image * ((255 - low - high) / 255)
    side = len(image)
    sd = rng.uniform(*config.grain)
    fine = rng.standard_normal((side, side), np.float32)
    half = rng.standard_normal((side // 2 + 1, side // 2 + 1), np.float32).repeat(2, 0).repeat(2, 1)[:side, :side]
    grain = _GRAIN_SHARES[0] * fine + _GRAIN_SHARES[1] * half
    # grain shows in mid-tones
    middle = 1 - np.abs(image.mean(2) / 127.5 - 1) * 0.6
    image = image + (np.float32(sd) * grain * middle)[..., None]
    return _scratch(rng, image, config, pixel)


def cast_color(
    rng: np.random.Generator,
    image: Picture,
    config: DegradationRandomization,
    usual: Float[np.ndarray, "3"] | None = None,
) -> Picture:
    """Add a color cast, around a usual one or of any color."""
    cast = rng.normal(0, 1, 3) if usual is None else usual + rng.normal(0, config.old_rgb_sd, 3)
    cast *= 255 * rng.uniform(*config.cast) / max(float(np.abs(cast).max()), 1e-6)
    return np.asarray(image + cast.astype(np.float32))


def _scratch(rng: np.random.Generator, image: Picture, config: DegradationRandomization, pixel: float) -> Picture:
    """Draw bright and dark lines and specks."""
    side = len(image)
    layer = Image.new("L", (side, side), 128)
    draw = ImageDraw.Draw(layer)
    for _ in range(int(rng.integers(*config.scratches))):
        start, end = rng.uniform(0, side, 2), rng.uniform(-0.5, 0.5, 2) * side
        tone = 255 if rng.random() < 0.7 else 20
        draw.line([*start, *(start + end)], fill=tone, width=max(1, round(pixel)))
    for _ in range(int(rng.integers(*config.dust))):
        (x, y), radius = rng.uniform(0, side, 2), float(rng.exponential(0.7 * pixel)) + 0.3
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255 if rng.random() < 0.6 else 10)
    marks = (np.asarray(layer, np.float32)[..., None] - 128) / 127 * np.float32(_SOFT_SCRATCH)
    return np.asarray(np.where(marks > 0, image + marks * (235 - image), image * (1 + marks)))
