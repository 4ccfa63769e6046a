"""Pictures of brows: opacity of strands, drawn once from a seed.

M maps, H height, L length. Columns run from the outer end (0) to the inner end, rows from the upper edge to the lower one.
"""

from functools import cache

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFilter

from headform.synth.appearance import BROW_REACH, load_appearance

MAPS = 32
HEIGHT, LENGTH = 48, 256
_FINER = 3  # drawn at this multiple and averaged
_SEED = 11
_FEWEST_ROWS = 6
_SHOWN = 1.3  # half heights of a painted brow that its map shows on each side of the spine
_THIN_M = 0.0016  # half height of a plucked line
_DENSE = 0.97  # quantile of a painted brow's opacity that becomes full


@cache
def draw_brow_maps(count: int = MAPS) -> UInt8[np.ndarray, "M H L"]:
    """Draw `count` maps, about 15 ms each; the same every time, drawn once and not to be changed."""
    maps = np.stack([_draw(np.random.default_rng((_SEED, k))) for k in range(count)])
    maps.setflags(write=False)
    return maps


@cache
def painted_brow_maps() -> UInt8[np.ndarray, "M H L"]:
    """Return the shipped brows, painted strand by strand, both sides of each, as dense as drawn ones.

    They are read once and not to be changed.
    """
    maps = []
    rows = round(_SHOWN / BROW_REACH * 32)  # of 64, on each side of the spine
    for brow in load_appearance().brows.values():
        if brow.half_height.min() < _THIN_M:
            continue  # too few texels across
        for alpha in brow.alpha[:, 32 - rows : 32 + rows]:
            small = np.asarray(Image.fromarray(alpha).resize((LENGTH, HEIGHT), Image.Resampling.BOX), np.float32)
            maps.append(np.clip(small * (255 / np.quantile(small, _DENSE)), 0, 255).astype(np.uint8))
    joined = np.stack(maps)
    joined.setflags(write=False)
    return joined


def fit_resolution(maps: UInt8[np.ndarray, "M H L"], pixels: float) -> UInt8[np.ndarray, "M h l"]:
    """Average maps until a brow that is `pixels` long meets at most about two of their columns a pixel, or they alias."""
    while maps.shape[2] > 2 * pixels and maps.shape[1] >= 2 * _FEWEST_ROWS:
        count, height, length = maps.shape
        maps = maps.reshape(count, height // 2, 2, length // 2, 2).mean((2, 4)).round().astype(np.uint8)
    return maps


def _draw(rng: np.random.Generator) -> UInt8[np.ndarray, "H L"]:
    length, height = LENGTH * _FINER, HEIGHT * _FINER
    layer = Image.new("L", (length, height), 0)
    draw = ImageDraw.Draw(layer)
    strands = int(rng.uniform(250, 900))
    reach = rng.uniform(0.10, 0.2) * length  # of a strand
    tail = rng.uniform(0.25, 0.7)  # sharpness of the outer end
    head = rng.uniform(0.03, 0.16)  # length over which the inner end thins out
    fill = rng.uniform(0.6, 0.92)
    rise = np.radians(rng.uniform(35, 80))  # of the strands at the inner end
    flat = np.radians(rng.uniform(-12, 12))
    width = int(rng.integers(2, 4))
    for _ in range(strands):
        t = rng.uniform(0, 1) ** rng.choice([0.8, 1.0])
        half = fill * min(1.0, (t / tail) ** 0.7) * min(1.0, 0.45 + (1 - t) / head)
        if rng.random() > min(1.0, 0.25 + (1 - t) / head * 0.75):
            continue
        across = rng.normal(0, 0.45) * half
        x, y = t * length, (0.5 - 0.5 * np.clip(across, -half, half)) * height
        # strands rise at the inner end, lie along the brow outside, and from the upper edge point down
        angle = flat + rise * np.clip((t - 0.55) / 0.45, 0, 1) - 0.5 * across * (1 - t)
        run = (
            reach
            * rng.uniform(0.5, 1.1)
            * (0.35 + 0.65 * min(1.0, t / tail))
            * (1.0 - 0.45 * np.clip((t - 0.7) / 0.3, 0, 1))
        )
        points = [(x, y)]
        for step in (0.5, 1.0):
            bend = angle * (1 - 0.6 * step)
            points.append((x - np.cos(bend) * run * step, y - np.sin(bend) * run * step * height / length * 3.0))
        draw.line(points, fill=int(rng.uniform(120, 255)), width=width)
    small = layer.resize((LENGTH, HEIGHT), Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(3))  # finer hairs between those drawn
    density = np.asarray(small, np.float32) + rng.uniform(0.4, 1.1) * np.asarray(soft, np.float32)
    return np.clip(density, 0, 255).astype(np.uint8)
