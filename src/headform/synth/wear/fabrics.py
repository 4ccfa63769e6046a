"""Small textures that several kinds of pieces share: noise, colors between two ends, sRGB bytes.

H rows, L columns of texels.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from headform.synth.randomization import GAMMA


def draw_rgb(rng: np.random.Generator, limits: tuple[float, float]) -> Float[np.ndarray, "3"]:
    """Draw a linear color whose channels lie between limits, evenly to the eye."""
    low, high = limits[0] ** (1 / GAMMA), limits[1] ** (1 / GAMMA)
    return rng.uniform(low, high, 3) ** GAMMA


def draw_muted(
    rng: np.random.Generator, limits: tuple[float, float], grayness: tuple[float, float] = (2.0, 1.2)
) -> Float[np.ndarray, "3"]:
    """Draw such a color and take away a share of its saturation, beta-distributed with these two parameters."""
    rgb = draw_rgb(rng, limits)
    return np.asarray(rgb.mean() + (1 - rng.beta(*grayness)) * (rgb - rgb.mean()))


def srgb(linear: Float[np.ndarray, "*S 3"]) -> Float[np.ndarray, "*S 3"]:
    """Return display values 0..255 of linear colors, by the generator's approximate curve."""
    return np.clip(linear, 0, 1) ** (1 / GAMMA) * 255.0


@lru_cache(maxsize=64)
def _upsampling(cells: int, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    at = np.arange(size) * cells / size
    low = at.astype(int)
    part = at - low
    return low, (low + 1) % cells, part * part * (3 - 2 * part)


def smooth_noise(rng: np.random.Generator, cells: int, size: int) -> Float[np.ndarray, "H H"]:
    """Return a periodic field of values from 0 to 1 that changes over `size / cells` texels."""
    low, high, part = _upsampling(cells, size)
    values = rng.random((cells, cells), np.float32)
    rows = values[low] + (values[high] - values[low]) * part[:, None].astype(np.float32)
    return np.asarray(rows[:, low] + (rows[:, high] - rows[:, low]) * part.astype(np.float32))


def blend(
    first: Float[np.ndarray, "3"], second: Float[np.ndarray, "3"], share: Float[np.ndarray, "H L"]
) -> UInt8[np.ndarray, "H L 4"]:
    """Return an opaque texture between two linear colors; 0 is the first."""
    steps = np.linspace(0, 1, 256)[:, None]
    table = np.full((256, 4), 255, np.uint8)
    table[:, :3] = srgb(first + (second - first) * steps)
    return table[(np.clip(share, 0, 1) * 255).astype(np.uint8)]
