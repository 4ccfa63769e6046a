"""Cloth around the head: headscarves, hoods and turbans; helmets and headphones.

T rows, C columns.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.face_classes import HAT
from headform.synth.piece import Piece
from headform.synth.randomization.hats import HatRandomization
from headform.synth.wear.cloth import pick
from headform.synth.wear.fabrics import smooth_noise
from headform.synth.wear.hats import COLUMNS, TURNS, Hat, HatCover, dome, edge_of, fabric, hat_piece, hat_rgb, plain
from headform.synth.wear.meshes import ellipsoid, join, section, smooth_path, sweep, tube
from headform.synth.wear.skull import Skull
from headform.synth.wear.torso import Torso

_OPENING = np.radians([(52, 0), (58, 22), (66, 40), (80, 58), (96, 68), (122, 64), (136, 52), (142, 26), (145, 0)])
"""Polar angle and half turn of the opening for the face, from the hairline over the temples and the jaw to the chin."""
_LEAST_ROOM = 0.0025  # meters of cloth above the skin
_ALL = np.full(COLUMNS, np.pi)


def _opening(polar: Float[np.ndarray, "*S"], top: float, wide: float) -> Float[np.ndarray, "*S"]:
    """Return the half turn of the opening at polar angles; `top` moves its upper end down, `wide` is a factor."""
    at = _OPENING.copy()
    low = at[-1, 0]
    at[:, 0] = low - (low - at[:, 0]) * (low - top) / (low - at[0, 0])
    return np.interp(polar, at[:, 0], at[:, 1] * wide)


def _shell_around_face(
    skull: Skull, top: float, wide: float, room: float, fold: float, ears: float, rng: np.random.Generator
) -> Float[np.ndarray, "T C 3"]:
    """Return a shell over skull, ears and jaw, open for the face."""
    polar = np.radians(np.linspace(0, 145, 30))[:, None]
    half = _opening(polar, top, wide)
    share = np.linspace(0, 1, 45)
    turn = half + (2 * np.pi - 2 * half) * share
    centered = np.abs((turn + np.pi) % (2 * np.pi) - np.pi)
    side = np.exp(-(((np.degrees(centered) - 98) / 26) ** 2) - ((np.degrees(polar) - 98) / 22) ** 2)
    back = np.clip((np.degrees(centered) - 70) / 60, 0, 1)
    edge = np.minimum(share, 1 - share)
    waves = (smooth_noise(rng, 6, 48)[:30, :45] - 0.5) * fold * np.clip(edge * 8, 0, 1)
    lip = np.clip(1 - edge / 0.03, 0, 1) * -0.4 * room  # the rim turns in toward the face
    offset = np.maximum(room * (1 + 0.5 * back) + waves + lip, _LEAST_ROOM) + ears * side
    low = np.clip((np.degrees(polar) - 118) / 20, 0, 1) * back  # hangs straight from the back of the head
    points = skull.at(turn, np.broadcast_to(polar, turn.shape), offset)
    hang = skull.at(turn[20:21], np.broadcast_to(polar[20:21], turn[20:21].shape), offset[20:21])
    points[..., [0, 2]] += (hang[..., [0, 2]] - points[..., [0, 2]]) * (0.7 * low)[..., None]
    points[0] = points[0].mean(0)
    return points


def _drape(
    torso: Torso, shell: Float[np.ndarray, "T C 3"], down: float, rng: np.random.Generator
) -> Float[np.ndarray, "R K 3"]:
    """Return cloth from the lower edge of a shell to the shoulders, head frame; it turns from the head to the torso."""
    ring = shell[-1]
    turn = np.linspace(0, 2 * np.pi, len(ring))
    fall = np.linspace(0, 1, 9)[:, None]
    row = down + 0.5 * np.cos(turn)
    foot = torso.turned(torso.at(turn, row, 0.016)).astype(float)
    points = ring + (foot - ring) * fall[..., None]
    middle = np.array([0.0, 0.0, -0.015])
    out = points - middle
    out[..., 1] = 0
    out /= np.linalg.norm(out, axis=-1, keepdims=True) + 1e-9
    waves = (smooth_noise(rng, 10, 48)[:9, : len(ring)] - 0.5) * np.clip(np.sin(turn / 2) * 6, 0, 1)
    belly = 0.012 * np.sin(np.pi * fall) + 0.02 * waves * np.sin(np.pi * np.clip(fall, 0.1, 1))
    points = points + out * belly[..., None]
    return points


def headscarf(rng: np.random.Generator, skull: Skull, torso: Torso, config: HatRandomization) -> Hat:
    """Make a scarf around head and neck that leaves the face free."""
    c = config
    room, top, wide = rng.uniform(*c.wrap), np.radians(rng.uniform(*c.wrap_top)), rng.uniform(*c.wrap_opening)
    shell = _shell_around_face(skull, top, wide, room, 0.012, 0.012, rng)
    texture = fabric(rng, pick(rng, c.fabrics), hat_rgb(rng, c), hat_rgb(rng, c))
    drape = _drape(torso, shell, rng.uniform(*c.wrap_fall), rng)
    pieces = [hat_piece(shell, texture), hat_piece(drape, texture)]
    return Hat(pieces, HatCover(skull, _ALL, 0.0, hides_hair=True), over_ears=True)


def hood(rng: np.random.Generator, skull: Skull, torso: Torso, config: HatRandomization) -> Hat:
    """Make a hood, wider than a scarf, of a coat or a pullover."""
    c = config
    room, top, wide = rng.uniform(*c.hood_room), np.radians(rng.uniform(*c.hood_top)), rng.uniform(*c.hood_opening)
    shell = _shell_around_face(skull, top, wide, room, 0.02, 0.004, rng)
    texture = fabric(rng, "plain", hat_rgb(rng, c), hat_rgb(rng, c))
    drape = _drape(torso, shell, rng.uniform(*c.wrap_fall), rng)
    rim = np.concatenate([shell[10:28, 0], shell[10:28, -1][::-1]])
    thick = rng.uniform(*(c.fur if rng.random() < c.fur_rate else c.hem))
    vertices, faces = tube(rim, thick, 8)
    if thick > 0.01:  # fur
        vertices = vertices + rng.normal(0, 0.22 * thick, vertices.shape)
    rgb = hat_rgb(rng, c) if thick > 0.01 else np.full(3, 0.8 * _mean_rgb(texture))
    pieces = [hat_piece(shell, texture), hat_piece(drape, texture), plain((vertices, faces), rgb)]
    return Hat(
        pieces, HatCover(skull, np.where(np.abs(TURNS) < np.radians(60), top, np.pi), 0.6 * room), over_ears=True
    )


def _mean_rgb(texture: UInt8[np.ndarray, "H L 4"]) -> Float[np.ndarray, "3"]:
    return np.asarray((texture[::8, ::8, :3].reshape(-1, 3).mean(0) / 255.0) ** 2.2)


def turban(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a turban: cloth wound in diagonal layers that cross over the forehead."""
    c = config
    edge = edge_of(rng, rng.random() < c.turban_ears_rate, c)
    edge = np.minimum(edge, np.radians(94))
    share = np.linspace(0, 1, 26)[:, None]
    count, slant = int(rng.integers(*c.turban_layers)), rng.uniform(*c.turban_slant)
    phase = count * (share + slant * np.abs(TURNS) / np.pi * share)
    layer = phase % 1.0
    room = 0.012 + rng.uniform(*c.turban_room) * np.sin(np.pi * np.clip(share * 0.8 + 0.12, 0, 1)) + 0.006 * layer**0.7
    room = room * np.clip((1 - share) * 14, 0.3, 1)
    texture = fabric(rng, "plain", hat_rgb(rng, c), hat_rgb(rng, c))
    shell, _ = dome(skull, edge, room, texture, 0.03)
    shade = 0.72 + 0.28 * np.clip(layer * 3, 0, 1)
    albedo = np.repeat(shade.reshape(-1, 1), 3, 1).astype(np.float32)
    return Hat([replace(shell, albedo=albedo)], HatCover(skull, edge, 0.012), over_ears=True)


def helmet(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make a helmet of a cyclist, a worker or a rider, with straps or a visor."""
    c = config
    edge = edge_of(rng, False, c) - np.radians(4)
    share = np.linspace(0, 1, 20)[:, None]
    thick = rng.uniform(*c.shell)
    rgb, other = hat_rgb(rng, c), hat_rgb(rng, c)
    texture = fabric(rng, pick(rng, c.helmet_fabrics), rgb, other)
    room = np.full((20, COLUMNS), thick)
    room[-1], room[-2] = 0.004, thick * 0.9
    shell, points = dome(skull, edge, room, texture, float(rng.uniform(*c.helmet_gloss)))
    albedo = shell.albedo.reshape(20, COLUMNS, 3).copy()
    kind = rng.random()
    pieces = []
    if kind < c.vents_rate:  # vents of cycling helmets
        vents = (np.sin(5 * TURNS + np.pi / 2) > 0.45) & (share > 0.2) & (share < 0.82)
        albedo[vents] *= 0.06
    elif kind < c.vents_rate + c.peak_rate:  # peak of a worker's helmet
        ahead = np.abs(TURNS) < np.radians(60)
        start = points[-2][ahead]
        out = np.linspace(0, 1, 4)[:, None]
        reach = 0.04 * np.cos(TURNS[ahead] * 1.4)
        peak = np.repeat(start[None], 4, 0)
        peak[..., 2] += out * reach
        peak[..., 1] -= 0.25 * out * reach
        pieces.append(hat_piece(peak, texture, shell.gloss))
    if rng.random() < c.strap_rate:
        marks = skull.fitting.marks
        chin = marks[8] + [0, -0.012, -0.006]
        for side, jaw in ((-1.0, 3), (1.0, 13)):
            start = skull.at(np.array([side * 1.35]), np.radians([80.0]), 0.006)[0]
            cheek = marks[jaw] + [0.006 * side, 0, 0]
            pieces.append(plain(tube(smooth_path(np.stack([start, cheek, chin]), 12), 0.0035, 6), np.full(3, 0.02)))
    if rng.random() < c.visor_rate:
        pieces.append(_visor(rng, skull, c))
    return Hat([replace(shell, albedo=albedo.reshape(-1, 3)), *pieces], HatCover(skull, edge, 0.5 * thick))


def _visor(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Piece:
    """Return a transparent shield before the face."""
    polar = np.radians(np.linspace(62, rng.uniform(*config.visor_end), 10))[:, None]
    turn = np.linspace(-1.25, 1.25, 21)
    radius = np.linalg.norm(skull.at(np.zeros(1), np.radians([92.0])) - skull.center) + 0.045
    way = np.stack(
        np.broadcast_arrays(np.sin(polar) * np.sin(turn) * 0.9, np.cos(polar), np.sin(polar) * np.cos(turn)), -1
    )
    opacity = np.full((8, 8, 4), 255, np.uint8)
    opacity[..., :3] = (np.array([200, 205, 215]) * rng.uniform(*config.visor_tone)).astype(np.uint8)
    opacity[..., 3] = int(255 * rng.uniform(*config.visor_opacity))
    return replace(hat_piece(skull.center + way * radius, opacity, 1.0), label=HAT)


def headphones(rng: np.random.Generator, skull: Skull, config: HatRandomization) -> Hat:
    """Make headphones: cups on the ears and a band over the head."""
    rgb = hat_rgb(rng, config) * rng.choice([0.1, 1.0])
    turn = np.concatenate([np.full(9, -np.pi / 2), np.full(9, np.pi / 2)])
    polar = np.radians(np.concatenate([np.linspace(88, 6, 9), np.linspace(6, 88, 9)]))
    path = skull.at(turn, polar, 0.016)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    out = path - skull.center
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    meshes = [sweep(path, np.cross(out, along) * 0.011, out * 0.004, section(8, 3.0))]
    for side, ear in ((-1.0, 0), (1.0, 1)):
        at = skull.fitting.ear_tops[ear] + [side * 0.022, -0.022, -0.008]
        meshes.append(ellipsoid(at, np.array([[0.019, 0, 0], [0, 0.040, 0], [0, 0, 0.033]]), 9, 16))
    vertices, faces = join(meshes)
    piece = plain((vertices, faces), rgb, float(rng.uniform(*config.gloss)))
    return Hat([piece], HatCover(skull, np.full(COLUMNS, -1.0), 0.004), over_ears=True)
