"""Colors and patterns of covers, and changes of a picture that are no cover.

S side of a crop, pixels. Colors are sRGB, float32 in [0, 255].
"""

import numpy as np
from PIL import Image, ImageFilter

Color = np.ndarray

_USUAL = np.array(
    [
        [245, 245, 245], [225, 228, 232], [15, 15, 18], [40, 42, 48], [128, 128, 128], [180, 180, 180],
        [150, 195, 225], [120, 170, 210], [170, 215, 215], [140, 200, 180], [230, 180, 190], [30, 45, 90],
        [160, 30, 40], [40, 90, 60], [230, 210, 170], [90, 60, 40],
    ],
    np.float32,
)  # fmt: skip
"""Colors of cloth and of masks; half of all covers have one of them, roughly."""


def fabric(rng: np.random.Generator, image: np.ndarray, other: np.ndarray, skin: Color) -> np.ndarray:
    """Draw a layer of cloth, paint, or a part of another picture, with shading, folds and grain; (S, S, 3)."""
    side = len(image)
    if rng.random() < 0.3:
        length = int(rng.integers(len(other) // 6, len(other)))
        x, y = rng.integers(0, len(other) - length + 1, 2)
        part = Image.fromarray(np.clip(other[y : y + length, x : x + length], 0, 255).astype(np.uint8))
        color = np.asarray(part.resize((side, side)), np.float32)
        if rng.random() < 0.5:
            color = color[::-1]
    else:
        color = np.broadcast_to(_color(rng, skin), (side, side, 3)).astype(np.float32)
        if rng.random() < 0.3:
            color = color + (_color(rng, skin) - color) * _pattern(rng, side)[..., None]
    shade = smooth_field(rng, side, 2) * rng.uniform(0, 0.3) + smooth_field(rng, side, 12) * rng.uniform(0, 0.12)
    if rng.random() < 0.3:
        shade = shade * 0
    grain = rng.normal(0, rng.uniform(0, 6), (side, side, 1)) if rng.random() < 0.5 else 0.0
    return np.clip(color * (1 + shade[..., None]) + grain, 0, 255).astype(np.float32)


def smooth_field(rng: np.random.Generator, side: int, cells: int) -> np.ndarray:
    """Smooth noise (S, S) in [-1, 1] whose features measure about 1/`cells` of the side."""
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float32)


def _color(rng: np.random.Generator, skin: Color) -> Color:
    draw = rng.random()
    if draw < 0.5:
        color = _USUAL[rng.integers(len(_USUAL))] + rng.normal(0, 10, 3)
    elif draw < 0.62:
        color = skin * rng.uniform(0.6, 1.25) + rng.normal(0, 8, 3)
    else:
        color = rng.uniform(0, 255, 3)
    return np.asarray(np.clip(color, 0, 255), np.float32)


def _pattern(rng: np.random.Generator, side: int) -> np.ndarray:
    """Stripes, checks, dots or blotches; (S, S) in [0, 1]."""
    rows, columns = np.mgrid[:side, :side]
    angle, step = rng.uniform(0, np.pi), rng.uniform(4, 24)
    u = (columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / step
    v = (rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / step
    kind = rng.integers(4)
    if kind == 0:
        wave = np.sin(u)
    elif kind == 1:
        wave = np.sin(u) * np.sin(v)
    elif kind == 2:
        wave = np.cos(u) + np.cos(v) - 1.1
    else:
        wave = smooth_field(rng, side, int(rng.integers(6, 24)))
    return np.clip(wave * 4 + 0.5, 0, 1)


def relit(rng: np.random.Generator, image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Change a picture without covering anything: shadows with hard edges, colored light, tints, gray."""
    side = len(image)
    if rng.random() < 0.35:
        rows, columns = np.mgrid[:side, :side]
        angle = rng.uniform(0, 2 * np.pi)
        center = points[rng.integers(68)]
        across = (columns - center[0]) * np.cos(angle) + (rows - center[1]) * np.sin(angle)
        across = across + smooth_field(rng, side, 4) * rng.uniform(0, 25)
        soft = rng.uniform(1, 25)
        share = 1 / (1 + np.exp(np.clip(-across / soft, -30, 30)))
        tint = rng.uniform(0.25, 0.8) * rng.uniform(0.85, 1.15, 3)
        image = image * (1 - share[..., None] * (1 - tint))
    if rng.random() < 0.12:
        image = image.mean(2, keepdims=True) * rng.uniform(0.9, 1.1, 3)
    if rng.random() < 0.4:
        image = image * rng.uniform(0.75, 1.25, 3)
    if rng.random() < 0.4:
        image = 255 * (np.clip(image, 0, 255) / 255) ** rng.uniform(0.6, 1.6)
    return np.asarray(image, np.float32)


def degraded(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Lower the quality of a whole picture: resolution, blur, noise."""
    side = len(image)
    picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        few = int(side * rng.uniform(0.15, 0.5))
        picture = picture.resize((few, few), Image.Resampling.BOX).resize((side, side), Image.Resampling.BICUBIC)
    if rng.random() < 0.3:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 3.0)))
    out = np.asarray(picture, np.float32)
    if rng.random() < 0.4:
        out = out + rng.normal(0, rng.uniform(1, 10), out.shape)
    return np.clip(out, 0, 255).astype(np.float32)
