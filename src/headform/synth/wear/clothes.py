"""Clothes of the upper body, by kind: each lies on a torso and meets the neck.

N vertices, C points along an edge.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.geometry.face_classes import NECK
from headform.synth.piece import Piece
from headform.synth.randomization.clothes import ClothesRandomization
from headform.synth.wear.cloth import (
    Cloth,
    cloth_piece,
    cloth_rgb,
    make_cloth,
    pick,
    plain_piece,
    second_rgb,
    shirt_rgb,
    suit_rgb,
)
from headform.synth.wear.jackets import jacket
from headform.synth.wear.meshes import grid_faces, section, sweep, tube
from headform.synth.wear.shirts import shirt, tie
from headform.synth.wear.torso import ROWS, Torso

Edge = Float[np.ndarray, "C 2"]
"""Turn and row along the upper edge of a garment."""

_TURNS = np.linspace(-np.pi, np.pi, 48, endpoint=False)
_SKIN_ROWS = (3.4, 8.0)  # of the bare chest below the head model


@dataclass(frozen=True)
class Clothing:
    """Garments of one person.

    Attributes:
        pieces: From the skin outward.
        edge: Turn and row below which they hide the skin; none where nothing does.
    """

    pieces: list[Piece]
    edge: Edge | None


def clothes(
    rng: np.random.Generator, torso: Torso, skin_rgb: tuple[float, float, float], config: ClothesRandomization
) -> Clothing:
    """Dress a torso in one kind of clothes."""
    kind = pick(rng, config.kinds)
    if kind in ("suit", "shirt", "blazer"):
        return _with_collar(rng, torso, kind, config, skin_rgb)
    if kind == "turtleneck":
        return _turtleneck(rng, torso, config)
    if kind in ("bare", "straps"):
        return _bare(rng, torso, kind == "straps", skin_rgb, config)
    return _pullover(rng, torso, kind, skin_rgb, config)


def any_cloth(rng: np.random.Generator, config: ClothesRandomization) -> Cloth:
    """Weave a cloth of any fabric and color."""
    first = cloth_rgb(rng, config)
    return make_cloth(rng, pick(rng, config.fabrics), first, second_rgb(rng, first, config), config)


def shell(torso: Torso, edge: Float[np.ndarray, " C"], offset: float, cloth: Cloth, rows: int = 20) -> Piece:
    """Make a garment that begins at a row for each of `_TURNS` and hangs to the hips."""
    share = np.linspace(0, 1, rows)[:, None] ** 1.2
    row = edge + (ROWS - edge) * share
    lift = offset * np.clip(0.4 + share * 6, 0, 1)  # thin at the edge, so that it lies on the skin
    points = torso.at(np.broadcast_to(_TURNS, row.shape), row, np.broadcast_to(lift, row.shape))
    return cloth_piece(torso, points.reshape(-1, 3), grid_faces(rows, len(_TURNS), closed=True), cloth)


def band(torso: Torso, edge: Float[np.ndarray, " C"], half_width: float, half_depth: float, cloth: Cloth) -> Piece:
    """Make the ribbed band along the upper edge of a pullover."""
    path = torso.at(_TURNS, edge + half_width / 0.028 * 0.6, half_depth)
    above = torso.at(_TURNS, edge - 0.2, half_depth)
    up = above - path
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    mesh = sweep(path, up * half_width, np.cross(along, up) * half_depth, section(8, 3.0), closed=True)
    return cloth_piece(torso, mesh[0], mesh[1], cloth, 0.93)


def skin_below(torso: Torso, rgb: tuple[float, float, float]) -> Piece:
    """Make the bare shoulders and chest below the end of the head model."""
    row = np.linspace(*_SKIN_ROWS, 14)[:, None]
    depth = np.interp(row, [3.4, 4.3], [-0.006, -0.0005])
    points = torso.at(
        np.broadcast_to(_TURNS, (14, len(_TURNS))),
        np.broadcast_to(row, (14, len(_TURNS))),
        np.broadcast_to(depth, (14, len(_TURNS))),
    )
    faces = grid_faces(14, len(_TURNS), closed=True)
    return plain_piece(torso, points.reshape(-1, 3), faces, np.asarray(rgb), 0.15, NECK)


def _as_edge(row: Float[np.ndarray, " C"]) -> Edge:
    return np.column_stack([_TURNS, row])


def _front_dip(reach: float, power: float) -> Float[np.ndarray, " C"]:
    """Return 1 in front, falling to 0 at a turn of `reach`; 1 makes a V, 2 and more a scoop."""
    return np.clip(1 - np.abs(_TURNS / reach) ** power, 0, 1)


def _pullover(
    rng: np.random.Generator,
    torso: Torso,
    kind: str,
    skin_rgb: tuple[float, float, float],
    config: ClothesRandomization,
) -> Clothing:
    c = config
    cloth = any_cloth(rng, c)
    thick = rng.uniform(*c.thickness)
    edge = rng.uniform(*c.crew_row) + rng.uniform(*c.crew_drop) * _front_dip(1.6, 2.0)
    pieces: list[Piece] = []
    if kind == "vneck":
        scoop = rng.random() < c.scoop_rate
        edge = edge + (rng.uniform(*c.vneck_row) - edge.max()) * (
            _front_dip(1.3, 2.5) if scoop else _front_dip(1.0, 1.0)
        )
        pieces.append(skin_below(torso, skin_rgb))
    pieces.append(shell(torso, edge, thick, cloth))
    if kind != "vneck" or rng.random() < c.vneck_band_rate:
        pieces.append(band(torso, edge, rng.uniform(*c.band_width), thick * 0.6, cloth))
    if kind == "hoodie":
        pieces += _hood_behind(rng, torso, cloth, c)
    return Clothing(pieces, _as_edge(edge))


def _hood_behind(rng: np.random.Generator, torso: Torso, cloth: Cloth, config: ClothesRandomization) -> list[Piece]:
    """Return a hood that lies on the back, and the strings in front."""
    turn = np.linspace(0.35, 2 * np.pi - 0.35, 33)
    back = np.sin(np.clip((turn - 0.35) / (2 * np.pi - 0.7), 0, 1) * np.pi)
    path = torso.at(turn, 3.0 - 1.1 * back, 0.012 + 0.014 * back)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = torso.at(turn, 2.2 - 1.1 * back, 0.02 + 0.012 * back) - path
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    high, deep = (0.012 + 0.022 * back)[:, None], (0.009 + 0.020 * back)[:, None]
    vertices, faces = sweep(path, up * high, np.cross(along, up) * deep, section(12, 2.2))
    pieces = [cloth_piece(torso, vertices, faces, cloth)]
    rgb = np.full(3, rng.uniform(*config.string_albedo))
    for side in (-1.0, 1.0):
        rows = np.linspace(3.1, rng.uniform(*config.string_row), 8)
        vertices, faces = tube(torso.at(np.full(8, 0.22 * side), rows, 0.014), 0.0022, 6)
        pieces.append(plain_piece(torso, vertices, faces, rgb))
    return pieces


def _turtleneck(rng: np.random.Generator, torso: Torso, config: ClothesRandomization) -> Clothing:
    c = config
    cloth = any_cloth(rng, c)
    top = rng.uniform(*c.turtleneck_row) + 0.3 * _front_dip(1.5, 2.0)
    thick = rng.uniform(*c.turtleneck_thickness)
    fold = rng.uniform(*c.turtleneck_fold) if rng.random() < c.folded_rate else 0.05
    down = 2.0 * fold
    profile = (
        np.array(  # rows from the top edge and offsets: inside, over the fold, down outside, in again, to the hips
            [
                (0.5, 0.001),
                (0.0, 0.002),
                (-0.1, 0.5 * thick),
                (0.0, thick),
                (0.5 * down, 1.3 * thick),
                (down, 1.2 * thick),
                (down + 0.1, 0.6 * thick),
            ]
        )
    )
    row = top + profile[:, :1]
    offset = np.broadcast_to(profile[:, 1:], row.shape)
    lower = np.linspace(0.15, 1, 14)[:, None]
    row = np.concatenate([row, row[-1:] + (ROWS - row[-1:]) * lower])
    offset = np.concatenate([offset, np.full((14, len(_TURNS)), 0.8 * thick)])
    turns = np.broadcast_to(_TURNS, row.shape)
    follow = torso.follow(turns, row) * 0.7
    points = torso.at(turns, row, offset)
    faces = grid_faces(len(row), len(_TURNS), closed=True)
    piece = cloth_piece(torso, points.reshape(-1, 3), faces, cloth, 1.0, follow.reshape(-1))
    return Clothing([piece], _as_edge(top))


def _bare(
    rng: np.random.Generator,
    torso: Torso,
    straps: bool,
    skin_rgb: tuple[float, float, float],
    config: ClothesRandomization,
) -> Clothing:
    pieces = [skin_below(torso, skin_rgb)]
    if straps:
        cloth = any_cloth(rng, config)
        edge = rng.uniform(*config.straps_row) + 0.5 * _front_dip(0.5, 1.0) + 0.4 * np.abs(np.sin(_TURNS)) ** 2
        pieces.append(shell(torso, edge, 0.004, cloth))
        half = rng.uniform(*config.strap_width)
        for side in (-1.0, 1.0):
            turn = side * np.concatenate(
                [np.linspace(0.55, 1.15, 5), np.linspace(1.45, 1.9, 4), np.linspace(2.2, 2.6, 4)]
            )
            row = np.concatenate(
                [np.linspace(edge.max(), 3.9, 5), [3.5, 3.35, 3.35, 3.5], np.linspace(3.9, edge.max(), 4)]
            )
            path = torso.at(turn, row, 0.0025)
            along = np.gradient(path, axis=0)
            along /= np.linalg.norm(along, axis=1, keepdims=True)
            normal = torso.at(turn, row, 0.0035) - path
            normal /= np.linalg.norm(normal, axis=1, keepdims=True)
            vertices, faces = sweep(path, np.cross(normal, along) * half, normal * 0.0012, section(6, 3.0))
            pieces.append(cloth_piece(torso, vertices, faces, cloth))
    return Clothing(pieces, None)


def _with_collar(
    rng: np.random.Generator,
    torso: Torso,
    kind: str,
    config: ClothesRandomization,
    skin_rgb: tuple[float, float, float],
) -> Clothing:
    """Return a shirt with or without tie and jacket; a blazer also over a top without a collar."""
    c = config
    suit = suit_rgb(rng, c) if kind == "suit" or rng.random() < c.suit_cloth_rate else cloth_rgb(rng, c)
    if kind == "blazer":
        edge = rng.uniform(*c.crew_row) + rng.uniform(*c.top_drop) * _front_dip(1.1, rng.uniform(*c.top_shape))
        inner = [skin_below(torso, skin_rgb), shell(torso, edge, 0.003, any_cloth(rng, c))]
    else:
        light = kind == "suit" and rng.random() < c.light_shirt_rate
        first = shirt_rgb(rng, c) if light else cloth_rgb(rng, c)
        second = second_rgb(rng, first, c)
        cloth = make_cloth(rng, pick(rng, c.shirt_fabrics if light else c.fabrics), first, second, c)
        opened = rng.random() < (c.open_shirt_rate if kind == "shirt" else c.open_collar_rate)
        inner, edge = shirt(rng, torso, cloth, opened, c)
        if kind == "suit" and not opened and rng.random() < c.tie_rate:
            first = cloth_rgb(rng, c)
            fabric = pick(rng, c.tie_fabrics)
            inner += tie(rng, torso, make_cloth(rng, fabric, first, cloth_rgb(rng, c), c), c)
    if kind != "shirt":
        cloth = make_cloth(rng, pick(rng, c.suit_fabrics), suit, second_rgb(rng, suit, c), c)
        inner += jacket(rng, torso, cloth, c)
    return Clothing(inner, _as_edge(edge))
