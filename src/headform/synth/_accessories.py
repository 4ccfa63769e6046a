"""Glasses and clothes, as geometry.

V vertices, F faces. Vertices in meters in the head frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.geometry.landmarks68 import eyes_and_mouth
from headform.synth.randomization import GAMMA, AccessoryRandomization

_RING = 24


@dataclass(frozen=True)
class Glasses:
    """Frame and lenses of one pair."""

    frame: Float[np.ndarray, "V 3"]
    frame_faces: Int[np.ndarray, "F 3"]
    frame_rgb: Float[np.ndarray, "3"]  # linear
    lens: Float[np.ndarray, "W 3"]
    lens_faces: Int[np.ndarray, "G 3"]
    lens_rgb: Float[np.ndarray, "3"]  # linear
    lens_opacity: float


def make_glasses(rng: np.random.Generator, marks: Float[np.ndarray, "68 3"], config: AccessoryRandomization) -> Glasses:
    """Make a pair that fits the face with these 68 points (meters)."""
    c = config
    right, left, _ = eyes_and_mouth(marks)
    span = float(np.linalg.norm(left - right))
    front = max(right[2], left[2]) + rng.uniform(*c.glasses_distance)
    half_width = span * rng.uniform(*c.lens_half_width)
    half_height = half_width * rng.uniform(*c.lens_aspect)
    power = rng.uniform(*c.lens_power)
    drop = rng.uniform(*c.lens_drop)
    wire = rng.uniform(*c.wire)
    angle = np.linspace(0, 2 * np.pi, _RING, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    shape = np.stack([np.sign(cos) * np.abs(cos) ** (2 / power), np.sign(sin) * np.abs(sin) ** (2 / power)], 1)
    bow = rng.uniform(*c.bow)
    parts: list[Float[np.ndarray, "V 3"]] = []
    faces: list[Int[np.ndarray, "F 3"]] = []
    lens_parts: list[Float[np.ndarray, "V 3"]] = []
    lens_faces: list[Int[np.ndarray, "F 3"]] = []
    inner, outer = [], []
    middle = (right + left) / 2
    for eye, sign in ((right, -1.0), (left, 1.0)):
        xy = eye[:2] + [sign * half_width * 0.12, drop] + shape * [half_width, half_height]
        z = front - bow * (xy[:, 0] - middle[0]) ** 2
        rim = np.column_stack([xy, z])
        parts.append(_tube(rim, eye[:2] + [sign * half_width * 0.12, drop], wire))
        faces.append(_tube_faces(sum(map(len, parts[:-1]))))
        lens_faces.append(_fan_faces(sum(map(len, lens_parts))))
        lens_parts.append(np.concatenate([rim.mean(0, keepdims=True), rim]))
        inner.append(rim[np.argmin(sign * rim[:, 0])])
        outer.append(rim[np.argmax(sign * rim[:, 0])])
    bars = [(inner[0] + [0, half_height * 0.3, 0], inner[1] + [0, half_height * 0.3, 0])]
    for hinge, sign in zip(outer, (-1.0, 1.0), strict=True):
        start = hinge + [0, half_height * 0.3, 0]
        bars.append((start, np.array([sign * 0.077, start[1] + 0.004, 0.012])))
    for start, end in bars:
        faces.append(_bar_faces(sum(map(len, parts))))
        parts.append(_bar(start, end, wire * 1.2))
    dark = rng.random() < c.dark_frame_rate
    rgb = rng.uniform(*(c.dark_frame if dark else c.colored_frame), 3)
    kind = rng.random()
    clear, tinted = kind < c.clear_lens_rate, kind < c.clear_lens_rate + c.tinted_lens_rate
    opacity = 0.0 if clear else rng.uniform(*(c.tinted_lens if tinted else c.sunglasses))
    tint = rng.uniform(*(c.tinted_lens_rgb if tinted else c.sunglasses_rgb), 3)
    return Glasses(
        frame=np.concatenate(parts).astype(np.float32),
        frame_faces=np.concatenate(faces).astype(np.int32),
        frame_rgb=rgb.astype(np.float32),
        lens=np.concatenate(lens_parts).astype(np.float32),
        lens_faces=np.concatenate(lens_faces).astype(np.int32),
        lens_rgb=tint.astype(np.float32),
        lens_opacity=float(opacity),
    )


def _tube(rim: Float[np.ndarray, "R 3"], center: Float[np.ndarray, "2"], wire: float) -> Float[np.ndarray, "V 3"]:
    outward = rim[:, :2] - center
    outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
    side = np.column_stack([outward, np.zeros(len(rim))]) * wire
    depth = np.array([0, 0, wire * 1.2])
    return np.concatenate([rim + side, rim + depth, rim - side, rim - depth])


def _tube_faces(offset: int) -> Int[np.ndarray, "F 3"]:
    ring = np.arange(_RING)
    rows = []
    for k in range(4):
        a, b = k * _RING + ring, ((k + 1) % 4) * _RING + ring
        c, d = k * _RING + (ring + 1) % _RING, ((k + 1) % 4) * _RING + (ring + 1) % _RING
        rows += [np.stack([a, b, d], 1), np.stack([a, d, c], 1)]
    return np.concatenate(rows) + offset


def _fan_faces(offset: int) -> Int[np.ndarray, "F 3"]:
    ring = np.arange(_RING)
    return np.stack([np.zeros(_RING, int), 1 + ring, 1 + (ring + 1) % _RING], 1) + offset


def _bar(start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"], wire: float) -> Float[np.ndarray, "V 3"]:
    along = (end - start) / np.linalg.norm(end - start)
    up = np.array([0.0, 1.0, 0.0])
    side = np.cross(along, up)
    side = side / max(float(np.linalg.norm(side)), 1e-9)
    corners = [wire * up, wire * side, -wire * up, -wire * side]
    return np.stack([p + c for p in (start, end) for c in corners])


def _bar_faces(offset: int) -> Int[np.ndarray, "F 3"]:
    rows = []
    for k in range(4):
        a, b = k, (k + 1) % 4
        rows += [[a, b, b + 4], [a, b + 4, a + 4]]
    return np.array(rows) + offset


_TORSO_RING, _TORSO_ROWS = 24, 8
_TORSO_CM = np.array(  # height, half width, half depth, center z of each ring
    [(-11.5, 6.6, 7.0, -2.0), (-13.5, 7.4, 7.4, -2.2), (-15.0, 10.5, 8.5, -3.0),
     (-17.0, 16.0, 9.5, -3.5), (-19.5, 20.0, 10.5, -3.5), (-25.0, 23.0, 12.0, -3.0),
     (-34.0, 24.0, 13.0, -2.5), (-48.0, 24.0, 13.0, -2.5)]
)  # fmt: skip


def torso_faces() -> Int[np.ndarray, "F 3"]:
    """Triangles of the torso of `make_torso`."""
    grid = np.arange(_TORSO_ROWS)[:, None] * _TORSO_RING + np.arange(_TORSO_RING)
    right = np.roll(grid, -1, axis=1)
    quads = np.stack([grid[:-1], grid[1:], right[1:], right[:-1]], -1).reshape(-1, 4)
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def make_torso(
    rng: np.random.Generator, yaw: float, pitch: float, config: AccessoryRandomization
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "V 3"]]:
    """Make shoulders under a head turned by yaw and pitch: vertices (meters), cloth colors (linear)."""
    rows = _TORSO_CM
    width = rng.uniform(*config.shoulder_width)
    raised = rng.uniform(*config.shoulder_height_cm)
    angle = np.linspace(0, 2 * np.pi, _TORSO_RING, endpoint=False)
    x = rows[:, 1:2] * width * np.sin(angle)
    z = rows[:, 3:4] + rows[:, 2:3] * np.cos(angle)
    y = np.repeat(rows[:, :1], _TORSO_RING, 1) + raised * (rows[:, :1] > -20)  # the hem stays where it is
    verts = np.stack([x, y, z], -1).reshape(-1, 3)
    pivot = np.array([0.0, -10.0, -3.0])  # base of the neck, cm
    turn = -yaw * rng.uniform(*config.torso_yaw)
    bend = -pitch * rng.uniform(*config.torso_pitch)
    cy, sy, cp, sp = np.cos(turn), np.sin(turn), np.cos(bend), np.sin(bend)
    about = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    verts = (verts - pivot) @ (about @ tilt).T + pivot
    first, second = rng.random((2, 3)) ** GAMMA
    stripes = (np.arange(_TORSO_ROWS)[:, None] + np.arange(_TORSO_RING)) % 2 == 0
    use = stripes if rng.random() < config.pattern_rate else np.zeros_like(stripes)
    rgb = np.where(use[..., None], second, first).reshape(-1, 3)
    if rng.random() < config.collar_rate:  # a collar or the skin of an open neckline
        rgb.reshape(_TORSO_ROWS, _TORSO_RING, 3)[: int(rng.integers(*config.collar_rows))] = second
    return (verts / 100.0).astype(np.float32), rgb.astype(np.float32)
