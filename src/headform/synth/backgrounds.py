"""Backgrounds of synthetic faces: procedural scenes, no photographs.

S side in pixels. Colors are sRGB in [0, 1].
"""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter

from headform.synth.randomization import BackgroundRandomization, Range, SceneRandomization

_BANK_SIDE = 240


class SceneBank:
    """Scenes, each drawn when first needed and kept; the same seed gives the same bank."""

    def __init__(self, seed: int, count: int, config: SceneRandomization) -> None:
        self._seed, self._config = seed, config
        self._scenes: list[Image.Image | None] = [None] * count

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> Image.Image:
        scene = self._scenes[index]
        if scene is None:
            scene = self._scenes[index] = _scene(np.random.default_rng((self._seed, index)), self._config)
        return scene


def sample_background(
    rng: np.random.Generator, bank: SceneBank, side: int, config: BackgroundRandomization
) -> Float[np.ndarray, "S S 3"]:
    """Draw a background of side x side pixels."""
    c = config
    if rng.random() < c.gradient_rate:
        return _gradient(rng, side, c)
    image = bank[int(rng.integers(len(bank)))]
    size = int(rng.uniform(*c.crop) * _BANK_SIDE)
    x, y = rng.integers(0, _BANK_SIDE - size + 1, 2)
    crop = image.resize((side, side), Image.Resampling.BILINEAR, box=(x, y, x + size, y + size))
    if rng.random() < c.flip_rate:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < c.blur_rate:
        crop = crop.filter(ImageFilter.BoxBlur(float(rng.uniform(*c.blur))))
    pixels = np.asarray(crop, np.float32) / 255.0
    pixels = pixels * np.float32(rng.uniform(*c.contrast)) + np.float32(rng.uniform(*c.brightness))
    if rng.random() < c.tint_rate:
        pixels = pixels * rng.uniform(*c.tint, 3).astype(np.float32)
    return np.clip(pixels, 0, 1)


def _gradient(rng: np.random.Generator, side: int, config: BackgroundRandomization) -> Float[np.ndarray, "S S 3"]:
    color = rng.random() < config.color_gradient_rate
    first, second = rng.random((2, 3)) if color else np.ones((2, 3)) * rng.random((2, 1))
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    t = np.clip(axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle) + 0.5, 0, 1)[..., None]
    return np.asarray(first * (1 - t) + second * t, np.float32)


def _scene(rng: np.random.Generator, config: SceneRandomization) -> Image.Image:
    """Draw layers of fractal color, stripes, shapes and strokes."""
    c = config
    image = _fractal(rng, c)
    draw = ImageDraw.Draw(image, "RGBA")
    if rng.random() < c.stripes_rate:  # blinds, shelves
        step, thick = rng.uniform(*c.stripe_step), rng.uniform(*c.stripe_width)
        tone = _color(rng, c.stripe_opacity)
        for at in np.arange(0, _BANK_SIDE, step):
            horizontal = rng.random() < c.horizontal_rate
            box = (0, at, _BANK_SIDE, at + thick) if horizontal else (at, 0, at + thick, _BANK_SIDE)
            draw.rectangle(box, fill=tone)
    for _ in range(int(rng.integers(*c.shapes))):
        _draw_shape(rng, draw, c)
    if rng.random() < c.blur_rate:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.exponential(c.blur))))
    return image


def _fractal(rng: np.random.Generator, c: SceneRandomization) -> Image.Image:
    """Sum random grids from 2 x 2 to 128 x 128 cells."""
    side = _BANK_SIDE
    total = np.zeros((side, side, 3), np.float32)
    channels = 3 if rng.random() < c.color_rate else 1
    weight = 0.0
    for cells in (2, 4, 8, 16, 32, 64, 128):
        amount = float(rng.uniform(*c.layer) / cells ** rng.uniform(*c.layer_falloff))
        grid = rng.random((cells, cells, channels)) * np.ones(3)
        layer = Image.fromarray((grid * 255).astype(np.uint8))
        smooth = rng.random() < c.smooth_layer_rate
        resample = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
        total += amount * np.asarray(layer.resize((side, side), resample), np.float32) / 255
        weight += amount
    pixels = total / weight
    pixels = (pixels - pixels.mean()) * rng.uniform(*c.contrast) + rng.uniform(*c.mean)
    pixels = pixels * rng.uniform(*c.tint, 3) if rng.random() < c.tint_rate else pixels
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))


def _draw_shape(rng: np.random.Generator, draw: ImageDraw.ImageDraw, c: SceneRandomization) -> None:
    side, margin = _BANK_SIDE, 40  # pixels by which a shape may begin outside
    x, y = rng.uniform(-margin, side, 2)
    low, high = np.log(c.shape_size)
    w, h = np.exp(rng.uniform(low, high, 2))
    tone = _color(rng, c.shape_opacity)
    kind = rng.random()
    ellipse_below = c.rectangle_rate + c.ellipse_rate
    if kind < c.rectangle_rate:
        draw.rectangle((x, y, x + w, y + h), fill=tone)
    elif kind < ellipse_below:
        draw.ellipse((x, y, x + w, y + h), fill=tone)
    elif kind < ellipse_below + c.triangle_rate:
        draw.polygon([tuple(p) for p in rng.uniform(0, side, (3, 2))], fill=tone)
    else:
        draw.line([tuple(p) for p in rng.uniform(0, side, (4, 2))], fill=tone, width=int(w / 12) + 1)


def _color(rng: np.random.Generator, opacity: Range) -> tuple[int, ...]:
    return tuple(int(v) for v in rng.integers(0, 256, 3)) + (int(rng.uniform(*opacity)),)
