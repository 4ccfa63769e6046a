"""Backdrops of portraits: painted studio canvases, walls, hanging flags and curtains, shelves.

S side in pixels. Pictures are sRGB in [0, 1].
"""

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image, ImageFilter

from headform.synth.randomization import BackdropRandomization

_KINDS = ("canvas", "wall", "curtain", "flag", "shelf")
_CANVAS_SRGB = (
    (92, 98, 108),
    (70, 82, 102),
    (120, 112, 104),
    (58, 58, 62),
    (104, 84, 70),
    (150, 152, 156),
    (40, 52, 78),
)
_WALL_SRGB = ((214, 208, 198), (236, 234, 230), (188, 196, 204), (172, 160, 142), (146, 158, 148), (205, 190, 170))
_CLOTH_SRGB = ((150, 24, 36), (28, 40, 92), (96, 24, 32), (60, 70, 60), (180, 170, 150), (34, 34, 40))
_BOOK_SRGB = ((96, 34, 30), (38, 52, 44), (30, 36, 58), (120, 96, 60), (70, 46, 32), (150, 140, 120))


def sample_backdrop(rng: np.random.Generator, side: int, config: BackdropRandomization) -> Float32[np.ndarray, "S S 3"]:
    """Draw a backdrop, out of focus, brighter around the head or to one side."""
    c = config
    rates = np.array(c.kind_rates, float)
    kind = _KINDS[int(rng.choice(len(_KINDS), p=rates / rates.sum()))]
    small = max(side // 2, 16)  # out of focus: half the pixels do
    painted = {"canvas": _canvas, "wall": _wall, "curtain": _curtain, "flag": _flag, "shelf": _shelf}[kind](rng, small)
    axis = np.linspace(-1, 1, small, dtype=np.float32)
    cx, cy = rng.normal(0, 0.5, 2).tolist()
    size = rng.uniform(*c.spot)
    spot = np.exp(-(((axis - cy) / size) ** 2))[:, None] * np.exp(-(((axis - cx) / size) ** 2))
    strength, slope = rng.uniform(*c.spot_strength), float(rng.normal(0, c.slope_sd))
    shade = (1 + strength * (spot - 0.5) + slope * axis) * (255 * rng.uniform(*c.brightness))
    picture = np.clip(painted.astype(np.float32, copy=False) * shade[..., None], 0, 255)
    image = Image.fromarray(picture.astype(np.uint8))
    radius = rng.uniform(*c.blur) * small
    image = image.filter(ImageFilter.GaussianBlur(radius)).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32) / np.float32(255)


def _pick(rng: np.random.Generator, colors: tuple[tuple[int, int, int], ...]) -> Float[np.ndarray, "3"]:
    color = np.array(colors[int(rng.integers(len(colors)))]) / 255
    return np.asarray(np.clip(color * rng.uniform(0.75, 1.2) + rng.normal(0, 0.02, 3), 0.02, 1))


def _clouds(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S"]:
    """Draw smooth noise of three octaves, zero mean, about unit size."""
    total = np.zeros((side, side), np.float32)
    for cells, weight in ((3, 1.0), (6, 0.6), (12, 0.35)):
        grid = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
        total += weight * np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC))
    return total


def _canvas(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    base, other = (_pick(rng, _CANVAS_SRGB).astype(np.float32) for _ in range(2))
    share = np.clip(0.5 + _clouds(rng, side) * rng.uniform(0.05, 0.3), 0, 1)[..., None]
    return np.asarray(base + (0.5 * (base + other) - base) * share)


def _wall(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    picture = np.tile(_pick(rng, _WALL_SRGB), (side, side, 1))
    if rng.random() < 0.5:  # a door frame, a window, a picture
        for _ in range(int(rng.integers(1, 4))):
            x, width = rng.uniform(0, 1), rng.uniform(0.03, 0.5)
            y, height = rng.uniform(-0.3, 0.6), rng.uniform(0.3, 1.5)
            rows = slice(int(max(y, 0) * side), int(min(y + height, 1) * side))
            picture[rows, int(x * side) : int((x + width) * side)] = _pick(rng, _WALL_SRGB + _CANVAS_SRGB)
    return np.asarray(picture * (1 + 0.02 * _clouds(rng, side)[..., None]))


def _folds(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S"]:
    """Draw the shading of hanging cloth, around 1."""
    x = np.linspace(0, 1, side)[None] + 0.03 * np.linspace(-1, 1, side)[:, None] * rng.normal()
    total = np.ones((side, side))
    for _ in range(4):
        total += rng.uniform(0.04, 0.16) * np.sin(2 * np.pi * x * rng.uniform(1.5, 9) + rng.uniform(0, 6))
    return total


def _curtain(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    return np.asarray(_pick(rng, _CLOTH_SRGB) * _folds(rng, side)[..., None])


def _flag(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    """Hang a striped flag beside a canvas or a wall."""
    picture = _canvas(rng, side) if rng.random() < 0.7 else _wall(rng, side)
    colors = [_pick(rng, _CLOTH_SRGB), np.array([0.9, 0.88, 0.86]), _pick(rng, _CLOTH_SRGB)]
    x = np.linspace(0, 1, side)[None] + 0.08 * np.linspace(0, 1, side)[:, None] * rng.normal(0, 1)
    width = rng.uniform(0.03, 0.08)
    stripes = (np.floor((x + 0.02 * np.sin(9 * np.linspace(0, 1, side)[:, None])) / width) % 2).astype(int)
    flag = np.stack(colors)[stripes]
    field = np.linspace(0, 1, side)[:, None] < rng.uniform(-0.2, 0.5)
    flag = np.where(np.broadcast_to(field, (side, side))[..., None], colors[2], flag)
    flag = flag * _folds(rng, side)[..., None]
    end = rng.uniform(0.15, 0.45)
    inside = (x < end) if rng.random() < 0.5 else (x > 1 - end)
    return np.where(np.broadcast_to(inside, (side, side))[..., None], flag, picture)


def _shelf(rng: np.random.Generator, side: int) -> Float[np.ndarray, "S S 3"]:
    """Stand rows of book spines."""
    picture = np.tile(_pick(rng, _BOOK_SRGB) * 0.5, (side, side, 1))
    rows = int(rng.integers(2, 5))
    for row in range(rows):
        low, high = int((row + 0.08) / rows * side), int((row + 0.98) / rows * side)
        x = 0.0
        while x < 1:
            width = rng.uniform(0.015, 0.05)
            top = low + int(rng.uniform(0, 0.25) * (high - low))
            picture[top:high, int(x * side) : int((x + width) * side)] = _pick(rng, _BOOK_SRGB)
            x += width
    return np.asarray(picture)
