"""Copies of photos: scanned halftone prints, and photos of a screen.

S side in pixels. Pictures are sRGB, float32 in [0, 255].
"""

import numpy as np
from jaxtyping import Float

from headform.synth import _photo_kernels as kernels
from headform.synth.randomization import DegradationRandomization

Picture = Float[np.ndarray, "S S 3"]

_SCREEN_ANGLES = np.radians([15.0, 75.0, 45.0])
"""Angles of the screens of cyan, magenta and yellow, the inks that take away red, green and blue; yellow's is usually 0,
which in a picture of a few hundred pixels is a pattern of its own."""
_DOT_EDGE = 0.7  # share of the range over which the edge of a dot runs, after scanning
_GRAY = 3.0  # largest difference of the channels' means, 0..255, of a picture printed with one ink


def print_halftone(rng: np.random.Generator, image: Picture, config: DegradationRandomization, pixel: float) -> Picture:
    """Return a scan of a halftone print; a gray picture is printed in black."""
    per_pixel = 1 / (rng.uniform(*config.print_period) * pixel)
    angles = rng.uniform(-0.1, 0.1) + _SCREEN_ANGLES
    means = image.mean((0, 1))
    if np.ptp(means) < _GRAY:
        angles = np.repeat(angles[2:], 3)
    waves = np.stack([np.cos(angles), np.sin(angles)], 1) * per_pixel
    out = np.empty_like(image)
    kernels.halftone(image, waves, _DOT_EDGE, float(rng.uniform(*config.print_strength)), out)
    return out


def show_on_screen(rng: np.random.Generator, image: Picture, config: DegradationRandomization, pixel: float) -> Picture:
    """Return a photo of a screen: its stripes of red, green and blue, its rows, and where they beat with the pixels."""
    period, strength = rng.uniform(*config.screen_period) * pixel, rng.uniform(*config.screen_strength)
    tilt = rng.normal(0, 0.06)
    axis = np.arange(len(image), dtype=np.float32)
    u = (axis[None, :] * np.cos(tilt) + axis[:, None] * np.sin(tilt)) * np.float32(2 * np.pi / period)
    v = (axis[:, None] * np.cos(tilt) - axis[None, :] * np.sin(tilt)) * np.float32(2 * np.pi / period)
    thirds = np.arange(3, dtype=np.float32) * np.float32(2 * np.pi / 3)
    stripes = np.cos(u[..., None] - thirds) + 0.6 * np.cos(v)[..., None]
    return np.asarray(image * (1 + np.float32(strength / 1.6) * stripes))
