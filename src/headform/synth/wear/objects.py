"""Things at or before a face: microphones, phones, cups, cigarettes, sheets, bars, leaves and other people.

N points. Head frame.
"""

import numpy as np
from jaxtyping import Float, UInt8

from headform.geometry.face_classes import OCCLUDER
from headform.synth.piece import Piece, Wearer
from headform.synth.randomization.occluders import OccluderRandomization
from headform.synth.skin import skin_rgb
from headform.synth.wear.fabrics import blend, draw_muted, draw_rgb, smooth_noise
from headform.synth.wear.gestures import hand_piece
from headform.synth.wear.hands import POSES, hand
from headform.synth.wear.meshes import Mesh, ellipsoid, grid_faces, join, section, sweep, tube
from headform.synth.wear.skull import Skull

_GRIP = np.array([0.0, 0.085, 0.030])  # middle of what a gripping hand holds, own frame of the hand


def toward_camera(wearer: Wearer) -> Float[np.ndarray, "3 3"]:
    """Return the camera's axes in the head frame as rows: to the right of the picture, up, toward the camera."""
    cy, sy, cp, sp = np.cos(wearer.yaw), np.sin(wearer.yaw), np.cos(wearer.pitch), np.sin(wearer.pitch)
    about = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    bend = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(bend @ about)


def one_color(mesh: Mesh, rgb: Float[np.ndarray, "3"], gloss: float = 0.1) -> Piece:
    """Make a piece of one linear color."""
    albedo = np.empty((len(mesh[0]), 3), np.float32)
    albedo[:] = rgb
    faces = np.ascontiguousarray(mesh[1], np.int32)
    return Piece(vertices=mesh[0].astype(np.float32), faces=faces, albedo=albedo, label=OCCLUDER, gloss=gloss)


def _holding(
    rng: np.random.Generator,
    skull: Skull,
    at: Float[np.ndarray, "3"],
    along: Float[np.ndarray, "3"],
    config: OccluderRandomization,
    side: float,
) -> list[Piece]:
    """Return a hand that holds something at a place; its axis lies across the fingers, toward the thumb."""
    if rng.random() > config.held_rate:
        return []
    skin = np.asarray(skull.fitting.wearer.skin_rgb) * rng.uniform(*config.hand_tone)
    size = rng.uniform(*config.hand_size)
    made = hand(rng, POSES["grip"], size, 0.5 * config.finger_bend_sd, rng.random() < config.sleeve_rate)
    thumb = along / np.linalg.norm(along) * [side, 1, 1]
    inward = -at * [side, 0, 1] + rng.normal(0, 0.02, 3)
    inward -= (inward @ thumb) * thumb
    inward /= np.linalg.norm(inward)
    spin = np.radians(rng.uniform(*config.held_spin))  # the palm faces the middle of the face rather than the camera
    palm = np.cos(spin) * np.cross(thumb, inward) * -1.0 + np.sin(spin) * inward
    rotation = np.stack([thumb, np.cross(palm, thumb), palm], 1)
    wrist = at * [side, 1, 1] - rotation @ (_GRIP * size)
    nails = np.clip(skin * [1.15, 1.05, 1.05] + 0.03, 0, 1)
    return [hand_piece(made, rotation, wrist, side, (skin, nails, draw_muted(rng, config.thing_albedo)))]


def microphone(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a microphone before the mouth, with a round head of foam or a grille."""
    marks = skull.fitting.marks.astype(float)
    mouth = marks[[51, 57]].mean(0)
    side = (1.0, -1.0)[int(rng.integers(2))]
    radius = rng.uniform(*config.microphone_radius)
    way = rng.uniform(*np.transpose(config.handle_way)) * [-side, -1.0, 1.0]
    way /= np.linalg.norm(way)
    head = mouth + [0, rng.uniform(*config.microphone_rise), radius + rng.uniform(*config.microphone_gap)]
    length = rng.uniform(*config.handle_length)
    at = np.array([0.4 * radius, 1.0 * radius, 1.6 * radius, 0.05, length])
    thick = np.array([0.35, 0.7, 0.55, 0.5, 0.42]) * 0.027
    handle = tube(head + way * at[:, None], thick, 12)
    lift = np.cross(way, [0.0, 0.0, 1.0])
    lift /= np.linalg.norm(lift)
    axes = (
        np.stack([lift, -way, np.cross(lift, -way)])
        * radius
        * np.array([[1.0], [rng.uniform(*config.microphone_stretch)], [1.0]])
    )
    ball, faces = ellipsoid(head, axes, 13, 20)
    foam = rng.random() < config.foam_rate
    ball = ball + rng.normal(0, 0.012 * radius * foam, ball.shape)
    rgb = (
        np.full(3, rng.uniform(*config.black))
        if rng.random() < config.black_rate
        else draw_rgb(rng, config.thing_albedo)
    )
    metal = np.full(3, rng.uniform(*config.metal))
    pieces = [
        one_color((ball, faces), rgb if foam else metal, 0.0 if foam else 0.6),
        one_color(handle, np.full(3, rng.uniform(*config.black)), 0.3),
    ]
    return pieces + _holding(rng, skull, head + way * rng.uniform(*config.grip), -way, config, side)


def box(center: Float[np.ndarray, "3"], axes: Float[np.ndarray, "3 3"], round_corners: float = 6.0) -> Mesh:
    """Return a box with round corners; rows of `axes` are its half axes, right-handed."""
    share = np.array([-1.0, -0.96, -0.8, 0.8, 0.96, 1.0])
    inset = np.array([0.88, 0.97, 1.0, 1.0, 0.97, 0.88])[:, None]
    path = center + share[:, None] * axes[1]
    return sweep(path, axes[2] * inset, axes[0] * inset, section(20, round_corners))


def phone(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a phone: at the ear, or held up before a part of the face as for a picture in a mirror."""
    marks = skull.fitting.marks.astype(float)
    side = (1.0, -1.0)[int(rng.integers(2))]
    rgb = (
        np.full(3, rng.uniform(*config.black))
        if rng.random() < config.black_rate
        else draw_muted(rng, config.thing_albedo)
    )
    half = np.array([0.037, 0.075, 0.0045]) * rng.uniform(*config.phone_size)
    if rng.random() < config.ear_rate:
        ear = skull.fitting.ear_tops[0 if side > 0 else 1].astype(float)
        mouth = marks[[48, 54]].mean(0)
        up = ear + [-side * 0.02, 0.0, 0.0] - (mouth + [-side * 0.075, -0.01, -0.03])
        up /= np.linalg.norm(up)
        out = np.array([-side, 0.0, 0.25])
        out -= (out @ up) * up
        out /= np.linalg.norm(out)
        center = ear + [-side * 0.026, -0.012, 0.004] - up * 0.042
    else:
        frame = toward_camera(skull.fitting.wearer)
        tilt = rng.uniform(*config.phone_tilt) + (np.pi / 2 if rng.random() < config.lying_rate else 0.0)
        up = np.cos(tilt) * frame[1] + np.sin(tilt) * frame[0]
        out = frame[2]
        aim = marks[int(rng.choice([33, 8, 36, 45, 48, 54]))]
        center = aim + frame[0] * rng.normal(0, config.phone_shift_sd) - frame[1] * rng.uniform(*config.phone_drop)
        center = center + out * rng.uniform(*config.phone_ahead)
        side = 1.0 if center[0] < 0 else -1.0
    right = np.cross(up, out)
    axes = np.stack([right * half[0], up * half[1], out * half[2]])
    meshes = [box(center, axes)]
    lens = center + right * 0.55 * half[0] + up * 0.75 * half[1] + out * half[2]
    meshes.append(ellipsoid(lens, np.stack([right * 0.011, up * 0.011, out * 0.002]), 5, 12))
    vertices, faces = join(meshes)
    piece = one_color((vertices, faces), rgb, float(rng.uniform(*config.thing_gloss)))
    piece.albedo[len(meshes[0][0]) :] *= 0.2
    return [piece, *_holding(rng, skull, center - up * 0.03 - out * 0.008, up, config, side)]


def cup(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a mug, a can or a paper cup at the lips."""
    marks = skull.fitting.marks.astype(float)
    mouth = marks[[51, 57]].mean(0)
    side = (1.0, -1.0)[int(rng.integers(2))]
    tip = rng.uniform(*config.cup_tip)  # how far it is tipped
    up = np.array([0.0, np.cos(tip), -np.sin(tip)])
    height, wide = rng.uniform(*config.cup_height), rng.uniform(*config.cup_radius)
    ahead = np.array([0.0, np.sin(tip), np.cos(tip)])
    rim = mouth + ahead * wide * 0.98 + [0, -rng.uniform(*config.cup_drop), 0.002]
    base = rng.uniform(*config.cup_base)
    at = np.array([0.0, 0.004, 0.3, 0.7, 0.996, 1.0])
    radius = wide * (base + (1 - base) * at) * np.array([0.93, 1.0, 1.0, 1.0, 1.0, 0.95])
    body = tube(rim - up * height * (1 - at[:, None]), radius, 24)
    rgb = (
        np.full(3, rng.uniform(*config.white))
        if rng.random() < config.white_rate
        else draw_muted(rng, config.thing_albedo)
    )
    piece = one_color(body, rgb, float(rng.uniform(*config.thing_gloss)))
    ring = np.repeat(np.arange(6), 24)
    if rng.random() < config.cup_band_rate:
        piece.albedo[:144][(ring >= 2) & (ring < 4)] = draw_muted(rng, config.thing_albedo)
    return [piece, *_holding(rng, skull, rim - up * height * 0.55, up, config, side)]


def cigarette(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a cigarette, a pen or a straw between the lips."""
    marks = skull.fitting.marks.astype(float)
    start = marks[62] + (marks[64] - marks[60]) * rng.uniform(*config.lips_place) + [0, -0.001, 0.0]
    way = np.array([rng.uniform(*config.stick_aside), rng.uniform(*config.stick_up), 1.0])
    way /= np.linalg.norm(way)
    length = rng.uniform(*config.stick_length)
    at = np.array([0.0, 0.3, 0.31, 0.97, 1.0]) * length
    mesh = tube(start + way * (at[:, None] - 0.006), rng.uniform(*config.stick_radius), 9)
    piece = one_color(mesh, np.full(3, 0.75), 0.0)
    if rng.random() < config.tobacco_rate:
        piece.albedo[:18] = (0.6, 0.3, 0.1)
        piece.albedo[36:45] = 0.06
    else:
        piece.albedo[:] = draw_rgb(rng, config.thing_albedo)
    side = (1.0, -1.0)[int(rng.integers(2))]
    if rng.random() > config.held_rate:
        return [piece]
    skin = np.asarray(skull.fitting.wearer.skin_rgb)
    size = rng.uniform(*config.hand_size)
    made = hand(rng, POSES["pinch"], size, config.finger_bend_sd, rng.random() < config.sleeve_rate)
    fingers, palm = np.array([0.55, 0.75, -0.3]), np.array([0.2, -0.1, -1.0])
    fingers /= np.linalg.norm(fingers)
    palm -= (palm @ fingers) * fingers
    palm /= np.linalg.norm(palm)
    rotation = np.stack([np.cross(fingers, palm), fingers, palm], 1)
    held = (start + way * 0.035) * [side, 1, 1]
    wrist = held - rotation @ (np.array([0.018, 0.165, 0.03]) * size)
    return [
        piece,
        hand_piece(
            made, rotation, wrist, side, (skin, np.clip(skin * 1.2, 0, 1), draw_muted(rng, config.thing_albedo))
        ),
    ]


def sheet(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a paper, a book or a board that covers a part of the face from one side."""
    frame = toward_camera(skull.fitting.wearer)
    marks = skull.fitting.marks.astype(float)
    direction = np.radians(rng.choice([-90.0, -90.0, 0.0, 180.0]) + rng.normal(0, config.sheet_turn_sd))
    way = np.cos(direction) * frame[0] + np.sin(direction) * frame[1]
    across = np.cross(frame[2], way)
    reach = (marks - marks.mean(0)) @ way
    low, high = config.sheet_edge
    edge = rng.uniform(reach.min() * low, reach.max() * high)
    ahead = ((marks - marks.mean(0)) @ frame[2]).max() + rng.uniform(*config.before)
    length, half = rng.uniform(*config.sheet_length), rng.uniform(*config.sheet_half_width)
    u, v = np.linspace(-1, 1, 12), np.linspace(0, 1, 8)[:, None]
    bend = rng.uniform(*config.sheet_bend)
    center = marks.mean(0) + way * edge + frame[2] * ahead
    grid = (
        center
        + (half * u + 0 * v)[..., None] * across
        + (length * v + 0 * u)[..., None] * way
        + (bend * u**2 + 0 * v)[..., None] * frame[2]
    )
    first, second = draw_muted(rng, config.paper), draw_muted(rng, config.paper)
    share = _printed(rng, config) if rng.random() < config.printed_rate else np.zeros((64, 64))
    uv = np.stack(np.broadcast_arrays((u + 1) / 2, 1 - v), -1).reshape(-1, 2)
    vertices = grid.reshape(-1, 3).astype(np.float32)
    return [
        Piece(
            vertices=vertices,
            faces=grid_faces(8, 12),
            albedo=np.ones((len(vertices), 3), np.float32),
            label=OCCLUDER,
            gloss=float(rng.uniform(*config.thing_gloss)) * 0.5,
            uv=uv.astype(np.float32),
            texture=blend(first, second, share),
        )
    ]


def _printed(rng: np.random.Generator, config: OccluderRandomization) -> Float[np.ndarray, "64 64"]:
    """Return something like lines of text, or patches of a picture."""
    if rng.random() < config.text_rate:
        lines = (np.arange(64) % 6 < 2)[:, None] & (smooth_noise(rng, 32, 64) > 0.35)
        lines[:, :6] = lines[:, -6:] = False
        return lines.astype(float)
    return (smooth_noise(rng, int(rng.integers(*config.picture_cells)), 64) - 0.5) * rng.uniform(
        *config.picture_contrast
    ) + 0.5


def bars(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make poles, a railing or a fence before the face."""
    frame = toward_camera(skull.fitting.wearer)
    marks = skull.fitting.marks.astype(float)
    ahead = ((marks - marks.mean(0)) @ frame[2]).max() + rng.uniform(*config.before)
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, config.bar_turn_sd)
    along = np.cos(angle) * frame[0] + np.sin(angle) * frame[1]
    across = np.cross(frame[2], along)
    radius, count = rng.uniform(*config.bar_radius), int(rng.integers(*config.bars))
    gap = rng.uniform(*config.bar_gap)
    middle = marks.mean(0) + frame[2] * (ahead + radius) + across * rng.normal(0, config.bar_shift_sd)
    steps = np.linspace(-0.35, 0.35, 9)[:, None]
    meshes = [tube(middle + across * gap * (k - (count - 1) / 2) + along * steps, radius, 10) for k in range(count)]
    return [one_color(join(meshes), draw_muted(rng, config.thing_albedo), float(rng.uniform(*config.thing_gloss)))]


def _leaf_texture(rng: np.random.Generator, config: OccluderRandomization) -> UInt8[np.ndarray, "H L 4"]:
    row, column = np.mgrid[:32, :16]
    x, y = (column + 0.5) / 8 - 1, (row + 0.5) / 32
    inside = np.abs(x) < 0.95 * np.sin(np.pi * y**0.8) ** 0.9
    rgb = rng.uniform(*np.transpose(config.leaf_rgb))
    texture = blend(rgb, rgb * 0.5, 0.6 * np.exp(-((x / 0.08) ** 2)) + 0.3 * np.abs(np.sin(14 * y + 3 * np.abs(x))))
    texture[..., 3] = 255 * inside
    return texture


def leaves(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make a twig with leaves, or flowers of the same shape, that hangs before a part of the face."""
    frame = toward_camera(skull.fitting.wearer)
    marks = skull.fitting.marks.astype(float)
    ahead = ((marks - marks.mean(0)) @ frame[2]).max() + rng.uniform(*config.before)
    angle = rng.uniform(0, 2 * np.pi)
    outer = np.cos(angle) * frame[0] + np.sin(angle) * frame[1]
    start = marks.mean(0) + frame[2] * ahead + outer * 0.2
    end = marks[int(rng.integers(68))] + frame[2] * 0.05 + outer * rng.uniform(*config.twig_end)
    count = int(rng.integers(*config.leaves))
    share = rng.uniform(0.1, 1.0, count)[:, None]
    base = start + (end - start) * share + rng.normal(0, 0.008, (count, 3))
    length = rng.uniform(*config.leaf_length)
    way = rng.normal(0, 1, (count, 3)) + (end - start) / np.linalg.norm(end - start)
    way *= length / np.linalg.norm(way, axis=1, keepdims=True)
    side = np.cross(way, frame[2] * length + rng.normal(0, 0.4 * length, (count, 3)))
    side *= 0.28 * length / np.linalg.norm(side, axis=1, keepdims=True)
    s, t = np.array([-1.0, 0.0, 1.0]), np.array([0.0, 0.5, 1.0])[:, None]
    grid = base[:, None, None] + t[None, ..., None] * way[:, None, None] + s[None, None, :, None] * side[:, None, None]
    grid = grid - (0.2 * length * (np.abs(s) + t**2))[None, ..., None] * frame[2]
    uv = np.stack(np.broadcast_arrays((s + 1) / 2, t), -1)
    faces = np.concatenate([grid_faces(3, 3) + 9 * k for k in range(count)]).astype(np.int32)
    vertices = grid.reshape(-1, 3).astype(np.float32)
    foliage = Piece(
        vertices=vertices,
        faces=faces,
        albedo=np.repeat(rng.uniform(*config.leaf_tone, count), 9)[:, None].repeat(3, 1).astype(np.float32),
        label=OCCLUDER,
        gloss=0.15,
        uv=np.tile(uv.reshape(-1, 2), (count, 1)).astype(np.float32),
        texture=_leaf_texture(rng, config),
    )
    twig = tube(start + (end - start) * np.linspace(0, 1, 8)[:, None], 0.0018, 5)
    return [foliage, one_color(twig, np.array([0.12, 0.07, 0.04]), 0.0)]


def neighbor(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make the head and shoulder of another person in front, seen from behind at the edge of the picture."""
    frame = toward_camera(skull.fitting.wearer)
    marks = skull.fitting.marks.astype(float)
    side = (1.0, -1.0)[int(rng.integers(2))]
    center = (
        marks.mean(0)
        + frame[0] * side * rng.uniform(*config.neighbor_aside)
        - frame[1] * rng.uniform(*config.neighbor_below)
    )
    center = center + frame[2] * rng.uniform(*config.neighbor_ahead)
    head = ellipsoid(center, np.stack([frame[0] * 0.078, frame[1] * 0.115, frame[2] * 0.095]), 16, 24)
    vertices, faces = head
    vertices = vertices + rng.normal(0, 0.0012, vertices.shape)
    piece = one_color((vertices, faces), draw_muted(rng, config.neighbor_hair), 0.15)
    low = (vertices - center) @ frame[1] < -0.06
    piece.albedo[low] = skin_rgb(rng.uniform(*config.other_melanin), 0.4)
    axes = np.stack([frame[0] * 0.21, frame[1] * 0.08, frame[2] * 0.1])
    shoulders = ellipsoid(center - frame[1] * 0.22, axes, 12, 20)
    neck = tube(center - frame[1] * np.linspace(0.05, 0.2, 4)[:, None], 0.055, 14)
    return [
        piece,
        one_color(neck, skin_rgb(rng.uniform(*config.other_melanin), 0.4)),
        one_color(shoulders, draw_muted(rng, config.thing_albedo), 0.05),
    ]
