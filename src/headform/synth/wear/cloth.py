"""Cloth: textures that are projected from the front, and their colors.

H texels a side; meters.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from headform.geometry.face_classes import CLOTHES
from headform.synth.piece import Piece
from headform.synth.randomization.clothes import ClothesRandomization, Rates
from headform.synth.wear.fabrics import draw_muted, smooth_noise, srgb
from headform.synth.wear.torso import Torso

_SIDE = 128
_PALE_BLUE = np.array([-0.25, -0.05, 0.15])  # relative tint
_TONES, _SHARES, _RELIEFS = (
    32,
    8,
    12,
)  # steps of brightness and of the mixture of two colors; number of fields of relief
_WIDTH, _TOP, _HEIGHT = 0.52, -0.04, 0.48  # meters, region of the frontal plane that the texture covers


@dataclass(frozen=True)
class Cloth:
    """Material of one garment."""

    texture: UInt8[np.ndarray, "H H 4"]
    gloss: float


def pick(rng: np.random.Generator, rates: Rates) -> str:
    """Draw a name by its frequency."""
    total = rng.random() * sum(rate for _, rate in rates)
    for name, rate in rates:
        total -= rate
        if total < 0:
            return name
    return rates[-1][0]


@lru_cache(maxsize=1)
def _plane() -> tuple[Float32[np.ndarray, "H H"], Float32[np.ndarray, "H H"]]:
    """Return x and y of each texel, meters."""
    x = ((np.arange(_SIDE) + 0.5) / _SIDE - 0.5) * _WIDTH
    y = _TOP - (np.arange(_SIDE) + 0.5) / _SIDE * _HEIGHT
    xs, ys = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return xs, ys


@lru_cache(maxsize=1)
def _reliefs() -> UInt8[np.ndarray, "B H H"]:
    """Return fields of folds and of the weave from dark to bright, drawn once, in `_TONES` steps."""
    rng = np.random.default_rng(11)
    fields = []
    for k in range(_RELIEFS):
        folds = smooth_noise(rng, 4, _SIDE) + 0.5 * smooth_noise(rng, 9, _SIDE) + 0.25 * smooth_noise(rng, 23, _SIDE)
        folds = (folds - folds.mean()) / folds.std()
        weave = rng.normal(0, (0.25, 0.6)[k % 2], (_SIDE, _SIDE))
        fields.append(np.clip((folds + weave) / 5 + 0.5, 0, 1) * (_TONES - 1))
    return np.array(fields).astype(np.uint8)


def make_cloth(
    rng: np.random.Generator,
    kind: str,
    first: Float[np.ndarray, "3"],
    second: Float[np.ndarray, "3"],
    config: ClothesRandomization,
) -> Cloth:
    """Weave a cloth of two linear colors; `kind` is a name of `config.fabrics` or of the other fabrics."""
    x, y = _plane()
    share = _pattern(rng, kind, x, y, config)
    tone = 1 + rng.uniform(*config.relief) * np.linspace(-1, 1, _TONES)
    steps = np.linspace(0, 1, _SHARES)[:, None, None]
    table = np.full((_SHARES, _TONES, 4), 255, np.uint8)
    table[..., :3] = srgb((first + (second - first) * steps) * tone[:, None])
    index = _reliefs()[int(rng.integers(_RELIEFS)), :, :: (1, -1)[int(rng.integers(2))]]
    if share is not None:
        index = index + (np.clip(share, 0, 1) * (_SHARES - 0.01)).astype(np.uint8) * np.uint8(_TONES)
    texture = table.reshape(-1, 4).view(np.uint32)[:, 0][index].view(np.uint8).reshape(_SIDE, _SIDE, 4)
    return Cloth(texture, float(rng.uniform(*config.gloss)))


def _pattern(
    rng: np.random.Generator,
    kind: str,
    x: Float32[np.ndarray, "H H"],
    y: Float32[np.ndarray, "H H"],
    config: ClothesRandomization,
) -> Float32[np.ndarray, "H H"] | None:
    """Return the share of the second color; none where there is no pattern."""
    c = config
    if kind == "stripes":
        period, soft = rng.uniform(*c.stripe_period), rng.uniform(*c.stripe_sharpness)
        along = y if rng.random() < c.across_rate else x
        return 0.5 + soft * (np.sin(along * np.float32(2 * np.pi / period)) - rng.uniform(*c.stripe_balance))
    if kind == "pinstripes":
        period = rng.uniform(*c.pinstripe_period)
        return rng.uniform(*c.pinstripe_contrast) * np.clip(
            8 * (np.cos(x * np.float32(2 * np.pi / period)) - 0.75), 0, 1
        )
    if kind == "diagonal":
        period = rng.uniform(*c.diagonal_period)
        return 0.5 + 6 * (
            np.sin((x * (-0.8, 0.8)[int(rng.integers(2))] + y) * np.float32(2 * np.pi / period))
            - rng.uniform(*c.stripe_balance)
        )
    if kind == "plaid":
        period = rng.uniform(*c.plaid_period)
        bands = [
            (np.sin(a * np.float32(2 * np.pi / period)) > rng.uniform(*c.stripe_balance)).astype(np.float32)
            for a in (x, y)
        ]
        return (bands[0] + bands[1]) * rng.uniform(*c.plaid_contrast)
    if kind == "dots":
        period = rng.uniform(*c.dot_period)
        wave = np.sin(x * np.float32(2 * np.pi / period)) * np.sin(y * np.float32(2 * np.pi / period))
        return np.clip((wave - 0.55) * 6, 0, 1)
    if kind == "herringbone":
        zigzag = np.abs((x / np.float32(0.02)) % 2 - 1) * np.float32(0.02)
        return 0.3 * (np.sin((y + zigzag) * np.float32(2 * np.pi / 0.007)) + 1)
    if kind == "knit":
        return 0.5 + 0.5 * np.sin(x * np.float32(2 * np.pi / 0.008))
    if kind == "print":
        noise = smooth_noise(rng, int(rng.integers(*c.print_cells)), _SIDE) + smooth_noise(rng, 30, _SIDE) * 0.4
        return (noise - 0.7) * rng.uniform(*c.print_sharpness) + 0.5
    return None


def front_uv(points: Float[np.ndarray, "N 3"]) -> Float32[np.ndarray, "N 2"]:
    """Project points of the straight pose into the texture."""
    u = points[:, 0] / _WIDTH + 0.5
    v = 1 - (_TOP - points[:, 1]) / _HEIGHT
    return np.clip(np.stack([u, v], 1), 0.002, 0.998).astype(np.float32)


def cloth_piece(
    torso: Torso,
    points: Float[np.ndarray, "N 3"],
    faces: Int32[np.ndarray, "F 3"],
    cloth: Cloth,
    shade: Float[np.ndarray, " N"] | float = 1.0,
    follow: Float[np.ndarray, " N"] | float = 0.0,
) -> Piece:
    """Make a piece of cloth from points of the straight pose; `shade` darkens it."""
    return Piece(
        vertices=torso.turned(points, follow),
        faces=faces,
        albedo=np.broadcast_to(np.asarray(shade, np.float32)[..., None], (len(points), 3)).astype(np.float32),
        label=CLOTHES,
        gloss=cloth.gloss,
        uv=front_uv(points),
        texture=cloth.texture,
    )


def plain_piece(
    torso: Torso,
    points: Float[np.ndarray, "N 3"],
    faces: Int32[np.ndarray, "F 3"],
    rgb: Float[np.ndarray, "3"],
    gloss: float = 0.1,
    label: int = CLOTHES,
    follow: Float[np.ndarray, " N"] | float = 0.0,
) -> Piece:
    """Make a piece of one linear color from points of the straight pose."""
    albedo = np.empty((len(points), 3), np.float32)
    albedo[:] = rgb
    return Piece(vertices=torso.turned(points, follow), faces=faces, albedo=albedo, label=label, gloss=gloss)


def suit_rgb(rng: np.random.Generator, config: ClothesRandomization) -> Float[np.ndarray, "3"]:
    """Draw the color of a suit: dark, of little color."""
    low, high = np.log(config.suit_albedo)
    tint = np.array([rng.uniform(-1, 0.6), rng.uniform(-0.3, 0.1), 0.0])
    tint[2] = rng.uniform(-0.4, 1.6) if tint[0] < 0 else rng.uniform(-0.8, 0)
    return np.exp(rng.uniform(low, high)) * np.clip(1 + config.suit_tint * tint, 0.4, 1.8)


def shirt_rgb(rng: np.random.Generator, config: ClothesRandomization) -> Float[np.ndarray, "3"]:
    """Draw the color of a light shirt: white, pale blue, pale anything."""
    if rng.random() < config.white_rate:
        return np.full(3, rng.uniform(*config.white))
    tint = rng.normal(0, config.shirt_tint, 3) + (_PALE_BLUE if rng.random() < config.pale_blue_rate else 0)
    return np.clip(rng.uniform(*config.light_shirt) * (1 + tint), 0.1, 0.9)


def cloth_rgb(rng: np.random.Generator, config: ClothesRandomization) -> Float[np.ndarray, "3"]:
    """Draw the color of any other garment."""
    return draw_muted(rng, config.cloth_albedo, config.grayness)


def second_rgb(
    rng: np.random.Generator, first: Float[np.ndarray, "3"], config: ClothesRandomization
) -> Float[np.ndarray, "3"]:
    """Draw the second color of a pattern."""
    return np.asarray(first + (cloth_rgb(rng, config) - first) * rng.uniform(*config.second_contrast))
