"""Loose strands of hair over the face, as thin cards.

P points of a strand.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.face_classes import HAIR
from headform.synth.piece import Piece
from headform.synth.randomization.occluders import OccluderRandomization
from headform.synth.wear.meshes import grid_faces
from headform.synth.wear.skull import Skull

_POINTS = 14
_TEXTURES = 6


@lru_cache(maxsize=1)
def _textures() -> list[UInt8[np.ndarray, "64 16 4"]]:
    """Return cards with a few hairs each, which begin and end at different heights."""
    rng = np.random.default_rng(5)
    drawn = []
    for k in range(_TEXTURES):
        alpha = np.zeros((64, 16))
        for _ in range(3 + 3 * k):
            x = rng.uniform(1, 15) + np.cumsum(rng.normal(0, 0.25, 64))
            long = np.clip((rng.uniform(0.55, 1.0) - np.arange(64) / 64) * 8, 0, 1)
            alpha = np.maximum(alpha, long[:, None] * np.exp(-(((np.arange(16) - x[:, None]) / 0.7) ** 2)))
        texture = np.full((64, 16, 4), 255, np.uint8)
        texture[..., :3] = np.clip(200 + 40 * rng.normal(0, 1, 16), 120, 255)[None, :, None]
        texture[..., 3] = 255 * np.clip(alpha * 1.2, 0, 1)
        texture[0, :, 3] //= 2
        drawn.append(texture)
    return drawn


def strands(
    rng: np.random.Generator, skull: Skull, hair_rgb: Float[np.ndarray, "3"], config: OccluderRandomization
) -> list[Piece]:
    """Make groups of strands that hang from the hairline over forehead, eyes and cheeks."""
    c = config
    pieces = []
    for _ in range(int(rng.integers(*c.strand_groups))):
        count = int(rng.integers(*c.strands_together))
        root = rng.uniform(*c.strand_root)
        reach = rng.uniform(*(c.strand_front if abs(root) < 30 else c.strand_side))
        sweep = rng.normal(0, c.strand_sweep_sd)
        grids, shades = [], []
        for _ in range(count):
            fall = np.linspace(0, 1, _POINTS)
            curl = rng.normal(0, 4) * np.sin(fall * rng.uniform(2, 7))
            turn = np.radians(root + rng.normal(0, 6) + (sweep + rng.normal(0, 8)) * fall**1.4 + curl)
            polar = np.radians(52 + reach * rng.uniform(0.7, 1.1) * fall)
            lift = 0.004 + rng.uniform(*c.strand_lift) * np.sin(np.pi * np.clip(fall, 0, 0.8)) + 0.002 * fall
            path = skull.at(turn, polar, lift)
            path = 0.5 * path + 0.5 * _taut(path, skull.center)
            along = np.gradient(path, axis=0)
            side = np.cross(along, path - skull.center)
            side *= 0.5 * rng.uniform(*c.strand_width) / np.linalg.norm(side, axis=1, keepdims=True)
            side *= np.linspace(1.0, 0.5, _POINTS)[:, None]
            grids.append(np.stack([path - side, path + side], 1))
            shades.append(rng.uniform(*c.strand_tone))
        vertices = np.concatenate([g.reshape(-1, 3) for g in grids]).astype(np.float32)
        one = np.stack(np.broadcast_arrays(np.array([0.0, 1.0]), np.linspace(1, 0, _POINTS)[:, None]), -1).reshape(
            -1, 2
        )
        albedo = np.repeat(np.array(shades), 2 * _POINTS)[:, None] * np.clip(hair_rgb, 0.003, 1)
        pieces.append(
            Piece(
                vertices=vertices,
                faces=np.concatenate([grid_faces(_POINTS, 2) + 2 * _POINTS * k for k in range(count)]).astype(np.int32),
                albedo=np.clip(albedo, 0, 1).astype(np.float32),
                label=HAIR,
                gloss=0.3,
                uv=np.tile(one, (count, 1)).astype(np.float32),
                texture=_textures()[int(rng.integers(_TEXTURES))],
                opacity=float(rng.uniform(*c.strand_opacity)),
                strands=True,
            )
        )
    return pieces


def _taut(path: Float[np.ndarray, "P 3"], center: Float[np.ndarray, "3"]) -> Float[np.ndarray, "P 3"]:
    """Stretch a strand over the hollows of the face."""
    out = path - center
    radius = np.linalg.norm(out, axis=1)
    tight = radius.copy()
    for _ in range(12):
        tight[1:-1] = np.maximum(tight[1:-1], 0.5 * (tight[:-2] + tight[2:]))
    return np.asarray(center + out * (tight / radius)[:, None])
