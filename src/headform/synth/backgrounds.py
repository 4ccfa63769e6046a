"""What stands behind synthetic faces: procedural scenes, no photographs.

S side in pixels. Colors are sRGB in [0, 1].
"""

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFilter

_BANK_SIDE = 240


class SceneBank:
    """Scenes that are drawn when first asked for and kept; the same seed gives the same bank."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._scenes: list[Image.Image | None] = [None] * count

    def __len__(self) -> int:
        return len(self._scenes)

    def __getitem__(self, index: int) -> Image.Image:
        scene = self._scenes[index]
        if scene is None:
            scene = self._scenes[index] = _scene(np.random.default_rng((self._seed, index)))
        return scene


def sample_background(rng: np.random.Generator, bank: SceneBank, side: int) -> Float[np.ndarray, "S S 3"]:
    """One background of side x side pixels."""
    if rng.random() < 0.15:
        return _gradient(rng, side)
    image = bank[int(rng.integers(len(bank)))]
    size = int(rng.uniform(0.3, 1.0) * _BANK_SIDE)
    x, y = rng.integers(0, _BANK_SIDE - size + 1, 2)
    crop = image.resize((side, side), Image.Resampling.BILINEAR, box=(x, y, x + size, y + size))
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.5:
        crop = crop.filter(ImageFilter.BoxBlur(float(rng.uniform(0.5, 5))))
    pixels = np.asarray(crop, np.float32) / 255.0
    pixels = pixels * np.float32(rng.uniform(0.4, 1.3)) + np.float32(rng.uniform(-0.1, 0.1))
    if rng.random() < 0.4:
        pixels = pixels * rng.uniform(0.7, 1.2, 3).astype(np.float32)
    return np.clip(pixels, 0, 1)


def _gradient(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    first, second = rng.random((2, 3)) if rng.random() < 0.5 else np.ones((2, 3)) * rng.random((2, 1))
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    t = np.clip(axis[None] * np.cos(angle) + axis[:, None] * np.sin(angle) + 0.5, 0, 1)[..., None]
    return np.asarray(first * (1 - t) + second * t, np.float32)


def _scene(rng: np.random.Generator) -> Image.Image:
    """Layers of fractal color, shapes, stripes and strokes."""
    side = _BANK_SIDE
    total = np.zeros((side, side, 3), np.float32)
    color = rng.random() < 0.7
    weight = 0.0
    for cells in (2, 4, 8, 16, 32, 64, 128):
        amount = float(rng.uniform(0.1, 1) / cells ** rng.uniform(0.2, 1.0))
        grid = rng.random((cells, cells, 3 if color else 1)) * np.ones(3)
        layer = Image.fromarray((grid * 255).astype(np.uint8))
        resample = Image.Resampling.BICUBIC if rng.random() < 0.7 else Image.Resampling.NEAREST
        total += amount * np.asarray(layer.resize((side, side), resample), np.float32) / 255
        weight += amount
    pixels = total / weight
    contrast = rng.uniform(0.8, 3.0)
    pixels = (pixels - pixels.mean()) * contrast + rng.uniform(0.15, 0.8)
    pixels = pixels * rng.uniform(0.6, 1.2, 3) if rng.random() < 0.6 else pixels
    image = Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image, "RGBA")
    kind = rng.random()
    if kind < 0.25:  # stripes, blinds, shelves
        step, thick = rng.uniform(8, 60), rng.uniform(2, 30)
        tone = tuple(int(v) for v in rng.integers(0, 256, 3)) + (int(rng.uniform(60, 255)),)
        for at in np.arange(0, side, step):
            box = (0, at, side, at + thick) if rng.random() < 0.9 else (at, 0, at + thick, side)
            draw.rectangle(box, fill=tone)
    for _ in range(int(rng.integers(0, 22))):
        x, y = rng.uniform(-40, side, 2)
        w, h = np.exp(rng.uniform(np.log(6), np.log(180), 2))
        tone = tuple(int(v) for v in rng.integers(0, 256, 3)) + (int(rng.uniform(80, 255)),)
        shape = rng.random()
        if shape < 0.45:
            draw.rectangle((x, y, x + w, y + h), fill=tone)
        elif shape < 0.8:
            draw.ellipse((x, y, x + w, y + h), fill=tone)
        elif shape < 0.9:
            draw.polygon([tuple(p) for p in rng.uniform(0, side, (3, 2))], fill=tone)
        else:
            draw.line([tuple(p) for p in rng.uniform(0, side, (4, 2))], fill=tone, width=int(w / 12) + 1)
    if rng.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.exponential(4))))
    return image
