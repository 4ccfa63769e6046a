"""Masks over nose and mouth, and scarves drawn over the mouth.

T rows, C columns.
"""

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.face_classes import CLOTHES, OCCLUDER
from headform.synth.piece import Piece
from headform.synth.randomization.occluders import OccluderRandomization
from headform.synth.wear.cloth import pick
from headform.synth.wear.fabrics import blend, draw_muted, smooth_noise
from headform.synth.wear.meshes import grid_faces, join, smooth_path, tube
from headform.synth.wear.skull import Skull
from headform.synth.wear.torso import Torso

_ROWS, _COLUMNS = 22, 29
_ENVELOPE_STEPS = 14
_SCARF_COLUMNS = 48


def mask(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a mask that follows nose, cheeks and chin, with straps to the ears."""
    c = config
    kind = pick(rng, c.mask_types)
    turn, polar = skull.common.mark_turn, skull.common.mark_polar
    place = rng.random()
    if place < c.chin_rate:
        top = polar[57] + 0.5 * (polar[8] - polar[57])
    elif place < c.chin_rate + c.nose_free_rate:
        top = polar[33] + 0.3 * (polar[51] - polar[33])
    else:
        top = polar[28] + rng.uniform(*c.mask_top) * (polar[29] - polar[28])
    wide = min(abs(turn[2]), turn[14]) * rng.uniform(*c.mask_width)
    across = np.linspace(-1, 1, _COLUMNS)
    corner_top, corner_low = 0.5 * (polar[1] + polar[2]), 0.45 * polar[3] + 0.55 * polar[4]
    cheek = polar[2] if top > polar[30] else polar[1] + 0.45 * (polar[2] - polar[1])
    nose = np.exp(-((across * wide / 0.30) ** 2))
    upper = np.maximum(top, cheek + (corner_top - cheek) * np.abs(across) ** 2 - (cheek - top) * nose)
    upper = np.where(top > cheek, top + (corner_top - top) * np.abs(across) ** 3, upper)
    low = polar[8] + np.radians(rng.uniform(*c.mask_low))
    lower = low + (corner_low - low) * np.abs(across) ** 2.4
    lower = np.maximum(lower, upper + np.radians(9))
    share = np.linspace(0, 1, _ROWS)[:, None]
    points = skull.at(np.broadcast_to(across * wide, (_ROWS, _COLUMNS)), upper + (lower - upper) * share, 0.0)
    points = _envelope(points, skull.center)
    ridge = np.exp(-((across * wide / 0.22) ** 2)) * np.sin(np.pi * np.clip(share * 0.9 + 0.05, 0, 1))
    lift = np.full((_ROWS, _COLUMNS), rng.uniform(*c.mask_gap))
    lift *= np.clip(np.minimum(share, 1 - share) * 9, 0.25, 1) * np.clip((1 - np.abs(across)) * 9, 0.2, 1)
    shade = np.ones((_ROWS, _COLUMNS))
    if kind == "surgical":
        pleats = rng.uniform(*c.pleats)
        wave = (share * pleats + 0.15) % 1.0
        lift = lift + 0.0016 * wave * (np.abs(share - 0.5) < 0.42)
        shade -= 0.16 * np.exp(-(((wave - 0.04) / 0.06) ** 2)) * (np.abs(share - 0.5) < 0.42)
    elif kind == "beak":
        lift = lift + rng.uniform(*c.beak) * ridge
        shade -= 0.08 * np.exp(-((across / 0.02) ** 2))
    out = points - skull.center
    points = points + out * (lift / np.linalg.norm(out, axis=-1))[..., None]
    texture = _mask_texture(rng, kind, c)
    uv = np.stack(np.broadcast_arrays((across + 1) / 2, 1 - share), -1).reshape(-1, 2)
    sheet = Piece(
        vertices=points.reshape(-1, 3).astype(np.float32),
        faces=grid_faces(_ROWS, _COLUMNS),
        albedo=np.repeat(shade.reshape(-1, 1), 3, 1).astype(np.float32),
        label=OCCLUDER,
        gloss=float(rng.uniform(*c.mask_gloss)),
        uv=uv.astype(np.float32),
        texture=texture,
    )
    return [sheet, _straps(rng, skull, points)]


def _envelope(points: Float[np.ndarray, "T C 3"], center: Float[np.ndarray, "3"]) -> Float[np.ndarray, "T C 3"]:
    """Stretch a sheet over the hollows of the face, as taut cloth is."""
    out = points - center
    radius = np.linalg.norm(out, axis=-1)
    tight = radius.copy()
    for _ in range(_ENVELOPE_STEPS):
        tight[1:-1] = np.maximum(tight[1:-1], 0.5 * (tight[:-2] + tight[2:]))
        tight[:, 1:-1] = np.maximum(tight[:, 1:-1], 0.5 * (tight[:, :-2] + tight[:, 2:]))
    smooth = tight.copy()
    smooth[1:-1, 1:-1] = 0.25 * (tight[:-2, 1:-1] + tight[2:, 1:-1] + tight[1:-1, :-2] + tight[1:-1, 2:])
    return np.asarray(center + out * (np.maximum(smooth, radius) / radius)[..., None])


def _mask_texture(rng: np.random.Generator, kind: str, config: OccluderRandomization) -> UInt8[np.ndarray, "H L 4"]:
    colors = {
        "surgical": [(0.42, 0.65, 0.78), (0.8, 0.8, 0.8), (0.02, 0.02, 0.02)],
        "beak": [(0.8, 0.8, 0.78), (0.03, 0.03, 0.03)],
    }
    if kind == "cloth" or rng.random() < config.colored_mask_rate:
        first = draw_muted(rng, (0.005, 0.7))
        share = (smooth_noise(rng, int(rng.integers(5, 18)), 64) - 0.6) * 8 * (rng.random() < config.mask_print_rate)
        return blend(first, draw_muted(rng, (0.005, 0.7)), share)
    choice = colors[kind]
    first = np.array(choice[int(rng.choice(len(choice), p=[0.75, *[0.25 / (len(choice) - 1)] * (len(choice) - 1)]))])
    first = first * rng.uniform(0.85, 1.1, 3)
    return blend(first, 0.82 * first, smooth_noise(rng, 9, 64))


def _straps(rng: np.random.Generator, skull: Skull, points: Float[np.ndarray, "T C 3"]) -> Piece:
    """Return elastic loops from the corners of a mask around the ears."""
    meshes = []
    for side, column in ((0, 0), (1, -1)):
        ear = skull.fitting.ear_tops[side].astype(float)
        sign = (-1.0, 1.0)[side]
        behind, below = ear + [0.004 * sign, -0.022, -0.018], ear + [0.0, -0.046, -0.004]
        for start, way in ((points[1, column], ear + [0.002 * sign, 0.002, 0.0]), (points[-2, column], below)):
            middle = 0.5 * (start + way)
            turn, polar, radius = skull.angles(middle[None])
            skin = np.linalg.norm(skull.at(turn, polar) - skull.center, axis=1)
            middle = middle + (middle - skull.center) * (
                max(float(skin[0]) + 0.002 - float(radius[0]), 0.0) / float(radius[0])
            )
            meshes.append(tube(smooth_path(np.stack([start, middle, way, behind]), 10), 0.0013, 5))
    vertices, faces = join(meshes)
    albedo = np.full((len(vertices), 3), rng.choice([0.75, 0.75, 0.03]), np.float32)
    return Piece(vertices=vertices.astype(np.float32), faces=faces.astype(np.int32), albedo=albedo, label=OCCLUDER)


def scarf(rng: np.random.Generator, skull: Skull, torso: Torso, config: OccluderRandomization) -> list[Piece]:
    """Make a scarf around the neck, drawn up over chin, mouth or nose; what hangs below the chin counts as clothes."""
    turn = np.linspace(-np.pi, np.pi, _SCARF_COLUMNS, endpoint=False)
    top = np.radians(rng.uniform(*config.scarf_top))
    upper = top + np.radians(4.0) * np.sin(turn + rng.uniform(-1, 1)) - np.radians(6) * (1 - np.cos(turn))
    share = np.linspace(0, 1, 12)[:, None]
    polar = upper + (np.radians(147.0) - upper) * share
    folds = smooth_noise(rng, 8, 48)[:12] - 0.5
    thick = rng.uniform(*config.scarf_thickness)
    lift = thick * np.clip(np.array([0.0, 0.6, 1.0])[np.minimum(np.arange(12), 2)][:, None], 0, 1) + 0.014 * folds * (
        share > 0.1
    )
    points = skull.at(np.broadcast_to(turn, polar.shape), polar, np.maximum(lift, 0.002))
    points = _envelope(points, skull.center)
    foot = torso.turned(torso.at(turn, 3.4 + 0.4 * np.cos(turn), 0.022)).astype(float)
    fall = np.linspace(0, 1, 8)[:, None]
    drape = points[-1] + (foot - points[-1]) * fall[..., None]
    out = drape - [0.0, 0.0, -0.015]
    out[..., 1] = 0
    out /= np.linalg.norm(out, axis=-1, keepdims=True) + 1e-9
    drape = drape + out * (np.sin(np.pi * fall) * (0.018 + 0.03 * (smooth_noise(rng, 9, 48)[:8] - 0.5)))[..., None]
    first = draw_muted(rng, (0.005, 0.7))
    share_of_other = np.sin(np.linspace(0, rng.uniform(*config.scarf_stripes), 64))[:, None] * (
        rng.random() < config.scarf_stripes_rate
    ) + (smooth_noise(rng, 30, 64) - 0.5)
    texture = blend(first, first * 0.55 + 0.25 * draw_muted(rng, (0.005, 0.7)), share_of_other)
    pieces = []
    for grid, label in ((points, OCCLUDER), (drape, CLOTHES)):
        around = np.abs(np.linspace(-1, 1, _SCARF_COLUMNS, endpoint=False))
        uv = np.stack(np.broadcast_arrays(around, np.linspace(1, 0, len(grid))[:, None]), -1).reshape(-1, 2)
        pieces.append(
            Piece(
                vertices=grid.reshape(-1, 3).astype(np.float32),
                faces=grid_faces(len(grid), _SCARF_COLUMNS, closed=True),
                albedo=np.ones((grid.shape[0] * grid.shape[1], 3), np.float32),
                label=label,
                uv=uv.astype(np.float32),
                texture=texture,
            )
        )
    return pieces
