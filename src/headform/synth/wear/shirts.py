"""Shirts with a collar, and the ties that they hold.

C points around the neck. Turns and rows are those of `synth.wear.torso`.
"""

import numpy as np
from jaxtyping import Float

from headform.synth.piece import Piece
from headform.synth.randomization.clothes import ClothesRandomization
from headform.synth.wear.cloth import Cloth, cloth_piece
from headform.synth.wear.meshes import ellipsoid, grid_faces, join, section, sweep
from headform.synth.wear.torso import ROWS, Torso

_TURNS = np.linspace(-np.pi, np.pi, 48, endpoint=False)
_BASE = 2.0  # row of the seam between collar and shirt
_COLUMNS = 45  # of a collar
_GAP = 0.03  # turn between the front edges of a closed collar, halved


def shirt(
    rng: np.random.Generator, torso: Torso, cloth: Cloth, opened: bool, config: ClothesRandomization
) -> tuple[list[Piece], Float[np.ndarray, " C"]]:
    """Make a shirt with collar, placket and buttons; return also the row of its edge at each turn."""
    c = config
    button = rng.uniform(*c.open_collar_row) if opened else _BASE
    half_open = 0.62 * np.sqrt(max(button - _BASE, 0.0) / 1.5) if opened else 0.0
    dip = np.clip(1 - np.abs(_TURNS) / max(half_open, 1e-3), 0, 1)
    edge = _BASE + (button - _BASE) * dip
    share = np.linspace(0, 1, 18)[:, None] ** 1.2
    row = edge + (ROWS - edge) * share
    points = torso.at(np.broadcast_to(_TURNS, row.shape), row, 0.0025)
    pieces = [cloth_piece(torso, points.reshape(-1, 3), grid_faces(18, 48, closed=True), cloth)]
    pieces.append(_placket(torso, cloth, button, rng, c))
    pieces.append(_open_collar(rng, torso, cloth, half_open, button, c) if opened else _collar(rng, torso, cloth, c))
    return pieces, edge


def _placket(torso: Torso, cloth: Cloth, top: float, rng: np.random.Generator, config: ClothesRandomization) -> Piece:
    """Return the strip with the buttons."""
    rows = np.linspace(top, 8.5, 12)
    across = np.linspace(-0.017, 0.017, 5)
    radius = np.maximum(torso.at(np.zeros(12), rows)[:, 2] + 0.015, 0.04)
    turn = across / radius[:, None]
    lift = np.broadcast_to([0.002, 0.0045, 0.0045, 0.0045, 0.002], turn.shape)
    strip = torso.at(turn, np.broadcast_to(rows[:, None], turn.shape), lift).reshape(-1, 3)
    meshes = [(strip, grid_faces(12, 5))]
    buttons = torso.at(np.zeros(4), top + 0.35 + 1.5 * np.arange(4), 0.006)
    axes = np.diag([0.0055, 0.0055, 0.0018])
    meshes += [ellipsoid(button, axes, 5, 8) for button in buttons]
    vertices, faces = join(meshes)
    shade = np.ones(len(vertices))
    shade[len(strip) :] = rng.uniform(*config.button_tone)
    return cloth_piece(torso, vertices, faces.astype(np.int32), cloth, shade)


def _collar(rng: np.random.Generator, torso: Torso, cloth: Cloth, config: ClothesRandomization) -> Piece:
    """Return stand and leaf of a closed collar: up along the neck, over the fold and down to its points."""
    c = config
    top, point, spread = rng.uniform(*c.collar_top), rng.uniform(*c.collar_point), rng.uniform(*c.collar_spread)
    u = np.linspace(-1, 1, _COLUMNS)
    u = np.sign(u) * (1 - (1 - np.abs(u)) ** 1.35)  # denser at the points
    front = np.abs(u)  # 1 at the front edges, 0 behind
    fold_row = top + 0.32 * front**3
    end = np.clip((front - 0.62) / 0.38, 0, 1) ** 1.5
    outer_row = _BASE + 0.35 + (point - _BASE - 0.35) * end
    return _leaf(
        torso,
        cloth,
        np.stack([np.pi + (np.pi - _GAP) * u, fold_row]),
        np.stack([np.pi + (np.pi - spread) * u, outer_row]),
        np.full(_COLUMNS, _BASE + 0.15),
    )


def _open_collar(
    rng: np.random.Generator,
    torso: Torso,
    cloth: Cloth,
    half_open: float,
    button: float,
    config: ClothesRandomization,
) -> Piece:
    """Return an open collar, whose fold runs down to the uppermost closed button."""
    c = config
    top = rng.uniform(*c.collar_top) + 0.1
    point = min(rng.uniform(*c.collar_point) + 0.3, button + 0.5)
    spread = half_open + rng.uniform(*c.collar_spread) * 0.6
    u = np.linspace(-1, 1, _COLUMNS)
    front, sign = np.abs(u), np.sign(u)
    neck, down = np.clip(front / 0.78, 0, 1), np.clip((front - 0.78) / 0.22, 0, 1)
    low = 0.12 * half_open
    fold_turn = np.pi - (np.pi - half_open) * neck + (low - half_open) * down
    fold_row = top + 0.45 * neck**3 + (button - 0.25 - top - 0.45) * down
    tip, back = np.clip(front / 0.88, 0, 1), np.clip((front - 0.88) / 0.12, 0, 1)
    outer_turn = np.pi - (np.pi - spread) * tip + (low + 0.05 - spread) * back
    outer_row = (
        _BASE + 0.3 + (point - _BASE - 0.3) * np.clip((tip - 0.6) / 0.4, 0, 1) ** 1.4 + (button - 0.1 - point) * back
    )
    inner_row = np.maximum(_BASE + 0.15 + 0 * front, fold_row + 0.05)
    return _leaf(
        torso,
        cloth,
        np.stack([np.pi + (np.pi - fold_turn) * sign, fold_row]),
        np.stack([np.pi + (np.pi - outer_turn) * sign, outer_row]),
        inner_row,
    )


def _leaf(
    torso: Torso,
    cloth: Cloth,
    fold: Float[np.ndarray, "2 C"],
    edge: Float[np.ndarray, "2 C"],
    inner_row: Float[np.ndarray, " C"],
) -> Piece:
    """Return a collar from a row inside it over a fold to an outer edge; turns and rows of both."""
    at = [np.stack([fold[0], inner_row]), np.stack([fold[0], 0.4 * inner_row + 0.6 * fold[1]]), fold]
    at += [fold + (edge - fold) * share for share in (0.12, 0.26, 0.4, 0.55, 0.7, 0.85, 0.98, 1.0)]
    lifts = np.array([0.003, 0.004, 0.0055, 0.0077, 0.0077, 0.0077, 0.0078, 0.0079, 0.008, 0.008, 0.004])
    shades = np.array([0.8, 0.8, *[1.0] * 8, 0.45])  # inside, and the shade below the edge
    turn, row = np.stack(at, 1)
    points = torso.at(turn, row, np.repeat(lifts[:, None], _COLUMNS, 1))
    return cloth_piece(
        torso, points.reshape(-1, 3), grid_faces(len(lifts), _COLUMNS), cloth, np.repeat(shades, _COLUMNS)
    )


def tie(rng: np.random.Generator, torso: Torso, cloth: Cloth, config: ClothesRandomization) -> list[Piece]:
    """Make a tie, or a bow tie, below the fold of a closed collar."""
    c = config
    rows = np.linspace(0.8, ROWS, 40)
    profile = torso.at(np.zeros(40), rows, 0.0105)

    def before(y: Float[np.ndarray, "*S"]) -> Float[np.ndarray, "*S"]:
        return np.interp(-y, -profile[:, 1], profile[:, 2])

    top = torso.at(np.zeros(1), np.array([1.2]), 0.008)[0]
    knot = rng.uniform(*c.knot_width)
    if rng.random() < c.bow_tie_rate:
        return [_bow_tie(torso, cloth, top + [0, -0.012, 0.006], knot)]
    end = top - [0, knot * rng.uniform(*c.knot_length), 0]
    end[2] = max(top[2], float(before(end[1:2])[0])) + 0.004
    share = np.linspace(0, 1, 6)
    path = top + (end - top) * share[:, None] + [0, 0, 0.002] * np.sin(np.pi * share)[:, None]
    wide = np.interp(share, [0, 0.15, 1], [0.85 * knot, knot, 0.66 * knot])[:, None]
    deep = np.interp(share, [0, 0.3, 1], [0.003, 0.0075, 0.006])[:, None]
    meshes = [sweep(path, wide * [1.0, 0, 0], deep * [0, 0, 1.0], section(12, 2.6))]
    height = np.concatenate([[end[1] + 0.004], np.linspace(end[1] - 0.004, profile[-1, 1] + 0.02, 12)])
    depth = np.maximum(np.maximum.accumulate(before(height)), end[2] - 0.001)
    center = np.column_stack([np.zeros(13), height, depth])
    across = np.linspace(-1, 1, 7)
    fall = np.linspace(0, 1, len(center))[:, None]
    width = 0.62 * knot + (rng.uniform(*c.tie_width) - 0.62 * knot) * fall**0.7
    blade = np.repeat(center[:, None], 7, 1)
    blade[..., 0] += width * across
    blade[..., 2] -= 0.002 * across**2 + width**2 * across**2 * 3.0
    meshes.append((blade.reshape(-1, 3), grid_faces(len(center), 7)))
    vertices, faces = join(meshes)
    return [cloth_piece(torso, vertices, faces.astype(np.int32), cloth)]


def _bow_tie(torso: Torso, cloth: Cloth, at: Float[np.ndarray, "3"], knot: float) -> Piece:
    reach = np.linspace(0.004, 0.058, 7)
    high = np.interp(reach, [0.004, 0.02, 0.05, 0.058], [0.008, 0.014, 0.026, 0.025])[:, None]
    path = at + reach[:, None] * [1.0, -0.05, -0.12]
    lobe, faces = sweep(path, high * [0, 1.0, 0], np.full((7, 1), 0.005) * [0, 0, 1.0], section(10, 2.6))
    mirror = lobe * [-1.0, 1, 1]
    middle = ellipsoid(at, np.diag([0.45 * knot, 0.011, 0.009]), 7, 10)
    vertices, faces = join([(lobe, faces), (mirror, faces[:, ::-1]), middle])
    return cloth_piece(torso, vertices, faces.astype(np.int32), cloth)
