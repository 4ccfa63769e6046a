"""Hats: caps, beanies, brimmed hats and headbands.

T rows, C columns.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from headform.geometry.face_classes import HAT
from headform.synth.piece import Piece
from headform.synth.randomization.hats import HatRandomization
from headform.synth.wear.cloth import pick
from headform.synth.wear.fabrics import blend, draw_muted, smooth_noise
from headform.synth.wear.meshes import ellipsoid, grid_faces, section, sweep
from headform.synth.wear.skull import Skull

COLUMNS = 56
TURNS = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)
"""Turns of the columns of a hat, from the back over the right side to the front and on."""
_TEXTURE = 64
_AROUND = 96  # texels a side of cloth that goes around the head


@dataclass(frozen=True)
class HatCover:
    """Region of the head that a hat covers, for the hair.

    Attributes:
        skull: Head that wears it.
        edge: Polar angle of the lower edge at each of `TURNS`, radians.
        room: Height of the hat above the head, meters; hair below it is pressed to this height.
        hides_hair: True where no hair is seen at all, as under a headscarf.
    """

    skull: Skull
    edge: Float[np.ndarray, " C"]
    room: float
    hides_hair: bool = False

    def covered(self, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, " N"]:
        """Return degrees of covering, 0 outside of the edge to 1 well inside."""
        turn, polar, _ = self.skull.angles(points)
        edge = np.interp(turn, TURNS, self.edge, period=2 * np.pi)
        return np.clip((edge - polar) / np.radians(6.0) + 0.5, 0, 1)

    def press(self, points: Float32[np.ndarray, "N 3"]) -> Float32[np.ndarray, "N 3"]:
        """Move points under the hat down to the head."""
        turn, polar, radius = self.skull.angles(points)
        skin = np.linalg.norm(self.skull.at(turn, polar) - self.skull.center, axis=1)
        beyond = np.clip(radius - skin - 0.5 * self.room, 0, None) * self.covered(points)
        return (points - (points - self.skull.center) * (beyond / radius)[:, None]).astype(np.float32)


@dataclass(frozen=True)
class Hat:
    """Hat, and what it does to hair and ears."""

    pieces: list[Piece]
    cover: HatCover
    over_ears: bool = False


def hat_rgb(rng: np.random.Generator, config: HatRandomization) -> Float[np.ndarray, "3"]:
    """Draw a linear color."""
    return draw_muted(rng, config.albedo, config.grayness)


def edge_of(rng: np.random.Generator, over_ears: bool, config: HatRandomization) -> Float[np.ndarray, " C"]:
    """Draw the polar angle of a lower edge at each of `TURNS`, radians."""
    c = config
    front = rng.uniform(*c.forehead)
    side = rng.uniform(*(c.over_ears if over_ears else c.side))
    back = max(rng.uniform(*c.back), side + 2)
    sideways = np.abs(np.sin(TURNS)) ** 1.5
    ahead = 0.5 + 0.5 * np.cos(TURNS)
    level = np.where(np.cos(TURNS) > 0, front + (side - front) * sideways, back + (side - back) * sideways)
    return np.radians(level + rng.normal(0, c.askew_sd) * np.sin(TURNS) * (0.5 + ahead))


def knit(rng: np.random.Generator, rgb: Float[np.ndarray, "3"], config: HatRandomization) -> UInt8[np.ndarray, "T C 4"]:
    """Return a knitted texture whose ribs run from the top to the bottom."""
    x = np.linspace(0, 2 * np.pi * int(rng.integers(*config.ribs)), 4 * _TEXTURE, endpoint=False)
    share = 0.5 + 0.32 * np.sin(x) + (smooth_noise(rng, 24, 4 * _TEXTURE)[:_TEXTURE] - 0.5) * 0.5
    if rng.random() < config.knit_band_rate:
        share[int(rng.integers(20, 40)) : int(rng.integers(44, 60))] *= 0.25
    return blend(rgb * 0.45, np.clip(rgb * 1.25, 0, 1), share)


def fabric(
    rng: np.random.Generator, kind: str, rgb: Float[np.ndarray, "3"], other: Float[np.ndarray, "3"]
) -> UInt8[np.ndarray, "T C 4"]:
    """Return a texture that is laid around the head once."""
    row, column = np.mgrid[:_AROUND, :_AROUND].astype(np.float32) / (_AROUND)
    if kind == "stripes":
        share = (np.sin(row * rng.uniform(20, 70)) > rng.uniform(-0.4, 0.7)).astype(np.float32)
    elif kind == "plaid":
        share = ((np.sin(row * 40) > 0).astype(np.float32) + (np.sin(column * 100) > 0)) * 0.45
    elif kind == "print":
        share = (smooth_noise(rng, int(rng.integers(10, 36)), _AROUND) - 0.55) * rng.uniform(4, 12) + 0.5
    else:
        share = np.zeros_like(row)
    texture = blend(rgb, other, share)
    shade = 1 + (smooth_noise(rng, 6, _AROUND) + 0.5 * smooth_noise(rng, 20, _AROUND) - 0.75) * rng.uniform(0.1, 0.4)
    texture[..., :3] = np.clip(texture[..., :3] * shade[..., None], 0, 255)
    return texture


def dome(
    skull: Skull,
    edge: Float[np.ndarray, " C"],
    room: Float[np.ndarray, "T C"],
    texture: UInt8[np.ndarray, "H L 4"],
    gloss: float = 0.05,
) -> tuple[Piece, Float[np.ndarray, "T C 3"]]:
    """Make a shell from the crown to an edge, at a height above the head; return also its points."""
    rows = len(room)
    polar = np.linspace(0.0, 1.0, rows)[:, None] * edge
    points = skull.at(np.broadcast_to(TURNS, polar.shape), polar, room)
    points[0] = points[0].mean(0)
    return hat_piece(points, texture, gloss, closed=True), points


def hat_piece(
    points: Float[np.ndarray, "T C 3"],
    texture: UInt8[np.ndarray, "H L 4"],
    gloss: float = 0.05,
    closed: bool = False,
    shade: float = 1.0,
) -> Piece:
    """Make a piece of a grid of points; the texture goes around it and down, mirrored at the sides so that no seam shows."""
    rows, columns = points.shape[:2]
    around = np.abs(np.linspace(-1, 1, columns, endpoint=not closed))
    uv = np.stack(np.broadcast_arrays(around, np.linspace(1, 0, rows)[:, None]), -1)
    return Piece(
        vertices=points.reshape(-1, 3).astype(np.float32),
        faces=grid_faces(rows, columns, closed=closed),
        albedo=np.full((rows * columns, 3), shade, np.float32),
        label=HAT,
        gloss=gloss,
        uv=uv.reshape(-1, 2).astype(np.float32),
        texture=texture,
    )


def plain(mesh: tuple[np.ndarray, np.ndarray], rgb: Float[np.ndarray, "3"], gloss: float = 0.05) -> Piece:
    """Make a piece of one linear color."""
    albedo = np.empty((len(mesh[0]), 3), np.float32)
    albedo[:] = rgb
    return Piece(
        vertices=mesh[0].astype(np.float32), faces=mesh[1].astype(np.int32), albedo=albedo, label=HAT, gloss=gloss
    )


def cap(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a cap with a bill."""
    c = config
    edge = edge_of(rng, False, c)
    share = np.linspace(0, 1, 14)[:, None]
    front = np.clip(np.cos(TURNS), 0, 1)
    room = 0.004 + rng.uniform(*c.dome) * np.sin(np.pi * np.clip(share, 0, 1)) ** 0.8 * (0.55 + 0.45 * front)
    room = room + 0.5 * rng.uniform(*c.dome) * (1 - share)
    rgb, other = hat_rgb(rng, c), hat_rgb(rng, c)
    texture = fabric(rng, pick(rng, c.fabrics), rgb, other)
    if rng.random() < c.patch_rate:
        rows, half = slice(44, 44 + int(rng.integers(14, 36))), int(rng.integers(3, 10))
        mark = blend(rgb, other, (smooth_noise(rng, 5, 64) - 0.5) * 8 + 0.5)
        texture[rows, :half] = mark[: len(texture[rows]), :half]
    shell, points = dome(skull, edge, room, texture)
    billed = np.abs(TURNS) < np.radians(66.0)
    start = points[-1][billed]
    turn = TURNS[billed]
    reach = rng.uniform(*c.bill_length) * np.clip(np.cos(turn * 90 / 68), 0.0, 1) ** 0.55
    out = np.linspace(0, 1, 7)[:, None]
    bill = np.repeat(start[None], 7, 0)
    slope, curve = rng.uniform(*c.bill_slope), rng.uniform(*c.bill_curve)
    bill[..., 2] += out * reach
    bill[..., 0] += out * reach * 0.25 * np.sin(turn)
    level = start[len(start) // 2, 1]
    share_out = out * reach / reach.max()
    bill[..., 1] += (
        share_out**0.8 * (level - 0.004 - start[:, 1]) - slope * out * reach - curve * share_out * bill[..., 0] ** 2
    )
    bill_texture = texture if rng.random() > c.two_color_rate else fabric(rng, "plain", other, rgb)
    pieces = [shell, hat_piece(bill, bill_texture, 0.05, shade=0.95)]
    under = bill - [0, 0.0025, 0]
    pieces.append(hat_piece(under, bill_texture, 0.0, shade=0.7))
    button = points[0, 0]
    pieces.append(plain(ellipsoid(button, np.diag([0.007, 0.004, 0.007]), 5, 8), rgb))
    cover = HatCover(skull, edge, float(room.min()))
    if rng.random() < c.backward_rate:
        return _turned_back(Hat(pieces, cover), skull)
    return Hat(pieces, cover)


def _turned_back(hat: Hat, skull: Skull) -> Hat:
    """Return a cap worn the other way round."""
    turned = []
    for piece in hat.pieces:
        turn, polar, radius = skull.angles(piece.vertices.astype(float))
        skin = np.linalg.norm(skull.at(turn, polar) - skull.center, axis=1)
        other = skull.at(turn + np.pi, polar)
        way = other - skull.center
        length = np.linalg.norm(way, axis=1)
        vertices = skull.center + way * ((length + radius - skin) / length)[:, None]
        turned.append(Piece(**{**piece.__dict__, "vertices": vertices.astype(np.float32)}))
    cover = HatCover(skull, np.roll(hat.cover.edge, COLUMNS // 2), hat.cover.room)
    return Hat(turned, cover)


def beanie(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a knitted cap, with or without a cuff, over the ears or above them."""
    c = config
    over_ears = rng.random() < c.ears_rate
    edge = edge_of(rng, over_ears, c)
    share = np.linspace(0, 1, 18)[:, None]
    slack = rng.uniform(*c.slack)
    room = 0.005 + slack * (1 - share) ** 0.7 * (1 - 0.4 * np.cos(TURNS)) + 0.012 * over_ears * _ear_room(share, edge)
    room = room + 0.003 * (smooth_noise(rng, 7, COLUMNS)[:18] - 0.5) * (1 + 60 * slack)
    cuffed = rng.random() < c.cuff_rate
    if cuffed:
        height = rng.uniform(*c.cuff_height)
        room = room + np.interp(
            share, [height - 0.02, height, height + 0.03, 0.97, 1.0], [0, 0.003, 0.006, 0.006, 0.001]
        )
    rgb = hat_rgb(rng, c)
    texture = knit(rng, rgb, c)
    if cuffed:
        texture[int(64 * height) - 2 : int(64 * height) + 1, :, :3] //= 2
    shell, points = dome(skull, edge, room, texture, 0.0)
    pieces = [shell]
    if rng.random() < c.pompon_rate:
        radius = rng.uniform(*c.pompon_radius)
        axes = np.eye(3) * radius
        vertices, faces = ellipsoid(points[0, 0] + [0, 0.7 * radius, 0], axes, 10, 16)
        vertices = vertices + rng.normal(0, 0.06 * radius, vertices.shape)
        pieces.append(plain((vertices, faces), hat_rgb(rng, c) if rng.random() < c.two_color_rate else rgb, 0.0))
    return Hat(pieces, HatCover(skull, edge, 0.005), over_ears)


def _ear_room(share: Float[np.ndarray, "T 1"], edge: Float[np.ndarray, " C"]) -> Float[np.ndarray, "T C"]:
    """Return 1 over the ears, 0 elsewhere."""
    polar = np.degrees(share * edge)
    side = np.degrees(np.abs(TURNS)) - 100.0
    return np.exp(-((side / 24.0) ** 2) - np.clip((98.0 - polar) / 16.0, 0, None) ** 2)


def brimmed(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a hat with a crown of its own shape and a brim all around: fedora, sun hat, cowboy hat, bowler."""
    c = config
    edge = edge_of(rng, False, c)
    base = skull.at(TURNS, edge, 0.006)
    top = skull.at(np.zeros(1), np.zeros(1))[0, 1] + rng.uniform(*c.crown_height)
    middle = base.mean(0)
    share = np.linspace(0, 1, 11)[:, None]
    bowler = rng.random() < c.bowler_rate
    narrow = (1 - share**2.2 * 0.55) if bowler else (1 - rng.uniform(*c.crown_taper) * share)
    lift = np.sin(share * np.pi / 2) ** (1.0 if bowler else 0.8)
    side = (base - middle) * [1, 0, 1]
    wall = middle + side * narrow[..., None]
    wall[..., 1] = base[:, 1] + (top - base[:, 1]) * lift
    lid_share = np.linspace(1, 0.0, 6)[1:, None]
    lid = middle + side * (narrow[-1] * lid_share)[..., None]
    crease = 0.0 if bowler else rng.uniform(*c.crease)
    lid[..., 1] = top + 0.005 * (1 - lid_share**2) - crease * np.exp(-((lid[..., 0] / 0.03) ** 2)) * (1 - lid_share**3)
    crown = np.concatenate([lid[::-1], wall[::-1]])
    crown[0] = crown[0].mean(0)
    skin_top = skull.at(np.zeros(1), np.zeros(1))[0, 1]
    crown[:, :, 1] = np.where(lid_covers(crown, middle), np.maximum(crown[..., 1], skin_top + 0.004), crown[..., 1])
    rgb, other = hat_rgb(rng, c), hat_rgb(rng, c)
    from_kind = fabric(rng, "stripes" if rng.random() < c.straw_rate else "plain", rgb, rgb * 0.7)
    width, droop, wave = rng.uniform(*c.brim_width), rng.uniform(*c.brim_droop), rng.uniform(*c.brim_wave)
    out = np.linspace(0, 1, 6)[:, None]
    away = side / np.linalg.norm(side, axis=1, keepdims=True)
    brim = base + (out * width)[..., None] * away
    brim[..., 1] += -droop * out * width + wave * np.abs(np.sin(TURNS)) ** 2 * out**1.6
    brim[..., 1] += (base[:, 1].mean() - base[:, 1]) * out * 0.7
    pieces = [hat_piece(crown, from_kind, 0.03, closed=True), hat_piece(brim, from_kind, 0.02, closed=True)]
    if rng.random() < c.ribbon_rate:
        height = rng.uniform(*c.ribbon_height)
        band = np.repeat((middle + side * 1.012)[None], 3, 0)
        band[..., 1] = base[:, 1] + (top - base[:, 1]) * np.array([height, 0.5 * height, 0.0])[:, None]
        band[0] = middle + (band[0] - middle) * [0.995, 1, 0.995]
        pieces.append(hat_piece(band, fabric(rng, "plain", other, rgb), 0.1, closed=True))
    return Hat(pieces, HatCover(skull, edge, 0.006))


def lid_covers(points: Float[np.ndarray, "T C 3"], middle: Float[np.ndarray, "3"]) -> np.ndarray:
    """Mark points of a crown near the axis, under which the top of the head lies."""
    return np.asarray(np.hypot(points[..., 0] - middle[0], points[..., 2] - middle[2]) < 0.055)


def headband(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a band around the forehead, or one over the top of the head from ear to ear."""
    c = config
    rgb = hat_rgb(rng, c)
    if rng.random() < c.forehead_band_rate:
        edge = edge_of(rng, False, c)
        edge = edge - np.radians(rng.uniform(*c.band_raise))
        width = np.radians(rng.uniform(*c.band_width))
        share = np.array([0.0, 0.1, 0.5, 0.9, 1.0])[:, None]
        room = np.array([0.001, 0.004, 0.005, 0.004, 0.001])[:, None]
        polar = edge - width + width * share
        points = skull.at(np.broadcast_to(TURNS, polar.shape), polar, np.broadcast_to(room, polar.shape))
        texture = fabric(rng, pick(rng, c.fabrics), rgb, hat_rgb(rng, c))
        pieces = [hat_piece(points, texture, 0.03, closed=True)]
        return Hat(pieces, HatCover(skull, np.full(COLUMNS, -1.0), 0.004))
    turn = np.concatenate([np.full(9, -np.pi / 2), np.full(9, np.pi / 2)]) * rng.uniform(0.8, 1.1)
    polar = np.radians(np.concatenate([np.linspace(84, 6, 9), np.linspace(6, 84, 9)]))
    half = rng.uniform(*c.hairband_width)
    path = skull.at(turn, polar, rng.uniform(*c.hairband_lift))
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = path - skull.center
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    mesh = sweep(path, np.cross(out, along) * half, out * 0.0025, section(8, 3.0))
    return Hat([plain(mesh, rgb, float(rng.uniform(*c.gloss)))], HatCover(skull, np.full(COLUMNS, -1.0), 0.004))
