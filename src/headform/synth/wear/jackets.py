"""Jackets with lapels.

S points along the fold of the lapels. Turns and rows are those of `synth.wear.torso`.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from headform.synth.piece import Piece
from headform.synth.randomization.clothes import ClothesRandomization
from headform.synth.wear.cloth import Cloth, cloth_piece
from headform.synth.wear.meshes import grid_faces
from headform.synth.wear.torso import ROWS, Torso

Fold = Callable[[Float[np.ndarray, "*S"]], Float[np.ndarray, "*S"]]
"""Turn of the left edge of a jacket by row."""

_TOP = 1.9  # row of the upper edge beside and behind the neck
_COLUMNS = 41
_RADIUS, _ROW_HEIGHT = 0.085, 0.028  # meters, rough size of a radian and of a row near the neck
_STRIP_SHARES = np.array(
    [-0.04, 0.0, 0.10, 0.4, 0.7, 0.985, 1.0]
)  # of the width of a lapel, from under the fold outward
_STRIP_LIFTS = np.array([-0.001, 0.003, 0.0055, 0.005, 0.0045, 0.004, 0.0])  # meters above the jacket
_STRIP_SHADES = np.array(
    [0.7, 1.0, 1.1, 1.0, 1.0, 0.9, 0.5]
)  # of the cloth's brightness: the edges lie in their own shade
_OFFSET = 0.0128  # meters above the skin


def jacket(rng: np.random.Generator, torso: Torso, cloth: Cloth, config: ClothesRandomization) -> list[Piece]:
    """Make a jacket: body, lapels and collar."""
    c = config
    opening, button = rng.uniform(*c.opening), rng.uniform(*c.button_row)
    width = rng.uniform(*c.lapel_width)

    def fold(row: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
        return opening * np.clip(1 - (row - _TOP) / (button - _TOP), -0.02, 1) ** 1.0

    rows = _TOP + (ROWS - _TOP) * np.linspace(0, 1, 22)[:, None] ** 1.1
    share = np.linspace(0, 1, _COLUMNS)
    start = fold(rows)
    turn = start + (2 * np.pi - 2 * start) * share
    side = np.exp(-(((np.abs((turn + np.pi) % (2 * np.pi) - np.pi) - 1.6) / 0.55) ** 2))
    pad = rng.uniform(*c.shoulder_pad) * side * np.clip((rows - 3.2) / 1.5, 0, 1) * np.clip((8.5 - rows) / 2.5, 0, 1)
    points = torso.at(turn, np.broadcast_to(rows, turn.shape), _OFFSET + pad)
    body = cloth_piece(torso, points.reshape(-1, 3), grid_faces(22, _COLUMNS), cloth)
    return [body, *_lapels(rng, torso, cloth, fold, button, width, c), _collar(torso, cloth, fold, 0.6 * width)]


def _outward(path: Float[np.ndarray, "S 2"]) -> Float[np.ndarray, "S 2"]:
    """Return the direction across a curve of turns and rows, away from the opening, per meter."""
    flat = path * [_RADIUS, _ROW_HEIGHT]
    along = np.gradient(flat, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    return np.stack([-along[:, 1], along[:, 0]], 1) / [_RADIUS, _ROW_HEIGHT]


def _strip(
    torso: Torso,
    path: Float[np.ndarray, "S 2"],
    width: Float[np.ndarray, " S"],
    lift: float,
) -> Float[np.ndarray, "R S 3"]:
    """Lay a strip from under a fold over it and outward; path runs so that the garment lies on its left."""
    way = _outward(path)
    lifts = _STRIP_LIFTS + _OFFSET + lift
    shares = _STRIP_SHARES
    at = path + shares[:, None, None] * np.minimum(width, 0.06)[:, None] * way
    at[3:] = path + shares[3:, None, None] * width[:, None] * way
    return torso.at(at[..., 0], at[..., 1], np.repeat(lifts[:, None], len(path), 1))


def _lapels(
    rng: np.random.Generator,
    torso: Torso,
    cloth: Cloth,
    fold: Fold,
    button: float,
    width: float,
    config: ClothesRandomization,
) -> list[Piece]:
    """Return both lapels, widest just below the notch."""
    peak = rng.uniform(*config.notch_row)
    rows = np.linspace(button, peak, 14)
    path = np.stack([fold(rows), rows], 1)
    reach = width * np.clip((button - rows) / (button - peak), 0, 1) ** 0.75
    reach[-1] *= 0.98
    strip = _strip(torso, path, reach, 0.0)
    tip = strip[3:, -1] - strip[3:, -2]
    strip[3:, -1] += tip * rng.uniform(*config.lapel_peak)
    faces = grid_faces(strip.shape[0], strip.shape[1])
    shade = np.repeat(_STRIP_SHADES * rng.uniform(*config.lapel_tone), len(path))
    left = strip.reshape(-1, 3)
    return [
        cloth_piece(torso, left, faces[:, ::-1].copy(), cloth, shade),
        cloth_piece(torso, left * [-1.0, 1.0, 1.0], faces, cloth, shade),
    ]


def _collar(torso: Torso, cloth: Cloth, fold: Fold, width: float) -> Piece:
    """Return the collar from one notch around the neck to the other."""
    rows = np.linspace(4.0, 2.1, 8)
    front = np.stack([fold(rows), rows], 1)
    around = np.linspace(front[-1, 0], np.pi, 10)[1:]
    back = np.stack([around, np.interp(around, [front[-1, 0], 2.0, np.pi], [2.1, 1.75, 1.6])], 1)
    left = np.concatenate([front, back])
    right = left[-2::-1] * [-1.0, 1.0] + [2 * np.pi, 0.0]
    path = np.concatenate([left, right])
    strip = _strip(torso, path, np.full(len(path), width), 0.0025)
    faces = grid_faces(strip.shape[0], strip.shape[1])
    shade = np.repeat(_STRIP_SHADES, len(path))
    return cloth_piece(torso, strip.reshape(-1, 3), faces[:, ::-1].copy(), cloth, shade)
