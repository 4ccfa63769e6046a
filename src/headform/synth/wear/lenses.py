"""Lenses of glasses: outlines, and textures of tint, gradient, reflections and the edge of the glass.

N points of an outline, T side of the texture.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.synth.randomization.glasses import FrameShape, GlassesRandomization
from headform.synth.wear.fabrics import draw_rgb, srgb

OUTLINE = 44
"""Points of the outline of a lens."""
_SIDE = 64
_EDGE = 0.93  # share of the radius from which the texture shows the edge of the glass


@dataclass(frozen=True)
class LensLook:
    """Appearance of both lenses of a pair."""

    texture: UInt8[np.ndarray, "T T 4"]
    gloss: float


def outline(
    rng: np.random.Generator, shape: FrameShape, half_width: float
) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, " N"]]:
    """Return the outline of the left lens about its middle, counter-clockwise, x to the temple; and its angles."""
    power = rng.uniform(*shape.power)
    aspect = rng.uniform(*shape.aspect)
    taper, lift, drop = rng.uniform(*shape.taper), rng.uniform(*shape.lift), rng.uniform(*shape.drop)
    angle = np.linspace(0, 2 * np.pi, OUTLINE, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    x = np.sign(cos) * np.abs(cos) ** (2 / power)
    y = np.sign(sin) * np.abs(sin) ** (2 / power) * aspect
    x, y = (
        x * (1 + taper * y / aspect),
        y
        + lift * np.clip(x, 0, 1) ** 2 * np.clip(y / aspect, 0, 1)
        - drop * np.clip(x + 0.3, 0, 1.3) * (y < 0) * -y / aspect,
    )
    ring = np.stack([x / np.abs(x).max(), y], 1) * half_width
    return even_steps(ring), angle


def even_steps(ring: Float[np.ndarray, "N 2"]) -> Float[np.ndarray, "N 2"]:
    """Move the points of a closed outline along it to equal distances."""
    loop = np.concatenate([ring, ring[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    at = np.linspace(0, length[-1], len(ring), endpoint=False)
    return np.stack([np.interp(at, length, loop[:, k]) for k in range(2)], 1)


@lru_cache(maxsize=1)
def _texels() -> tuple[Float32[np.ndarray, "T T"], Float32[np.ndarray, "T T"], Float32[np.ndarray, "T T"]]:
    """Return x to the right, y up and the radius of each texel, the edge of the lens at 1."""
    axis = ((np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1).astype(np.float32)
    x, y = np.meshgrid(axis, -axis)
    return x, y, np.hypot(x, y)


def lens_look(rng: np.random.Generator, bare_edge: bool, config: GlassesRandomization) -> LensLook:
    """Draw the appearance of lenses; `bare_edge` shows the edge of the glass, as rimless glasses do."""
    c = config
    x, y, radius = _texels()
    gloss = 0.9
    if rng.random() < c.sunglasses_rate:
        rgb = draw_rgb(rng, c.mirrored if rng.random() < c.mirrored_rate else c.sun_albedo)
        opacity = np.full_like(x, rng.uniform(*c.sun_opacity))
        if rng.random() < c.gradient_rate:
            opacity *= np.clip(0.72 + 0.5 * y, 0.3, 1)
    elif rng.random() < c.tint_rate:
        rgb, opacity = draw_rgb(rng, c.tint), np.full_like(x, rng.uniform(*c.tint_opacity))
    else:
        rgb, opacity = np.full(3, 0.8), np.full_like(x, rng.uniform(*c.clear_lens))
        gloss = 0.2
    color = np.broadcast_to(rgb.astype(np.float32), (*x.shape, 3))
    light = np.zeros_like(x)
    if rng.random() < c.glare_rate:
        light = _glare(rng, c)
    if bare_edge:
        rim = np.clip((radius - _EDGE) / 0.04, 0, 1)
        light = np.maximum(light, 0.35 * rim * (1 + y))
        opacity = opacity + (0.3 - opacity) * rim * (opacity < 0.3)
    tint = np.clip(1 + rng.normal(0, c.glare_tint_sd, 3), 0.6, 1).astype(np.float32)
    total = 1 - (1 - opacity) * (1 - light)
    share = (light / np.maximum(total, 1e-4))[..., None]
    texture = np.empty((_SIDE, _SIDE, 4), np.uint8)
    texture[..., :3] = srgb(color + (tint - color) * share)
    texture[..., 3] = np.clip(total, 0, 1) * 255
    return LensLook(texture, gloss)


def _glare(rng: np.random.Generator, config: GlassesRandomization) -> Float32[np.ndarray, "T T"]:
    """Return the opacity of reflections: a window with panes, a soft lamp or a streak across the lens."""
    x, y, _ = _texels()
    at = np.array([rng.uniform(*config.glare_x), rng.uniform(*config.glare_y)])
    size = rng.uniform(*config.glare_size, 2) * [1.0, 1.3]
    slant = rng.normal(0, config.glare_slant_sd)
    u, v = (x - at[0] + slant * y) / size[0], (y - at[1] - 0.2 * slant * x) / size[1]
    kind = rng.random()
    if kind < config.window_rate:
        soft = rng.uniform(*config.window_sharpness)
        panes = np.minimum(
            np.clip((1 - np.abs(u)) * soft * size[0], 0, 1), np.clip((1 - np.abs(v)) * soft * size[1], 0, 1)
        )
        if rng.random() < config.panes_rate:
            panes = panes * np.clip(np.minimum(np.abs(u), np.abs(v)) * 14, 0.15, 1)
    elif kind < config.window_rate + config.lamp_rate:
        panes = np.exp(-(u * u + v * v) * 1.6)
    else:
        panes = np.clip(1.2 - np.abs(u * 1.7), 0, 1) * np.clip(0.8 + 0.4 * v, 0, 1)
    return (panes * rng.uniform(*config.glare)).astype(np.float32)
