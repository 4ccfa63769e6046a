"""Hands: fingers of three joints, thumb, palm, nails, wrist and sleeve, in any bend.

P points of a finger. Own frame of a right hand, meters: origin at the wrist, x to the thumb, y to the fingertips, z out of
the palm; a left hand is its mirror image.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from headform.synth.wear.meshes import Mesh, ellipsoid, join, section, smooth_path, sweep

_KNUCKLES = np.array([[0.028, 0.088, 0.0], [0.009, 0.093, 0.0015], [-0.010, 0.089, 0.0], [-0.027, 0.079, -0.002]])
_PHALANGES = np.array([[0.040, 0.024, 0.021], [0.044, 0.028, 0.022], [0.041, 0.026, 0.022], [0.032, 0.019, 0.019]])
_FINGER_RADII = np.array([0.0092, 0.0095, 0.0090, 0.0080])
_TAPER = np.array([1.12, 1.0, 0.96, 1.02, 0.95, 0.88, 0.90, 0.84, 0.80, 0.62, 0.28])  # along a finger, knuckles thicker
_THUMB_BASE, _THUMB_PHALANGES, _THUMB_RADIUS = np.array([0.024, 0.020, 0.006]), (0.046, 0.033, 0.027), 0.0108
_SPREAD = np.array([0.10, 0.02, -0.07, -0.17])  # of the fingers, radians toward the thumb, at a spread of 1


_FINGER, _PALM, _NAIL, _SLEEVE = range(4)
_RING = 9  # points around a finger


@dataclass(frozen=True)
class HandPose:
    """Bend of a hand.

    Attributes:
        bends: Angles of index, middle, ring and little finger toward the palm, degrees, at their three joints.
        spread: Distance between the fingers, 0 closed to 2 wide.
        thumb: Turn of the thumb away from the fingers and across the palm, degrees.
        thumb_bend: Angles of its two outer joints, degrees.
    """

    bends: tuple[tuple[float, float, float], ...]
    spread: float = 1.0
    thumb: tuple[float, float] = (35.0, 25.0)
    thumb_bend: tuple[float, float] = (15.0, 20.0)


_STRAIGHT, _SOFT, _CURLED = (6.0, 6.0, 4.0), (22.0, 30.0, 18.0), (80.0, 98.0, 55.0)
POSES = {
    "flat": HandPose((_STRAIGHT,) * 4, 0.4, (25.0, 20.0)),
    "open": HandPose((_STRAIGHT,) * 4, 2.0, (52.0, 10.0), (5.0, 5.0)),
    "soft": HandPose((_SOFT, (26.0, 34.0, 20.0), (30.0, 38.0, 22.0), (34.0, 42.0, 24.0)), 0.9),
    "fist": HandPose((_CURLED,) * 4, 0.0, (2.0, 48.0), (30.0, 50.0)),
    "grip": HandPose(((52.0, 52.0, 30.0),) * 4, 0.2, (30.0, 58.0), (20.0, 25.0)),
    "peace": HandPose((_STRAIGHT, _STRAIGHT, _CURLED, _CURLED), 2.6, (0.0, 52.0), (35.0, 45.0)),
    "point": HandPose((_STRAIGHT, _CURLED, _CURLED, _CURLED), 0.3, (2.0, 50.0), (35.0, 45.0)),
    "thumb": HandPose((_CURLED,) * 4, 0.0, (75.0, 0.0), (-5.0, -5.0)),
    "pinch": HandPose(
        ((30.0, 30.0, 20.0), (28.0, 30.0, 18.0), (50.0, 60.0, 30.0), (58.0, 66.0, 34.0)),
        0.3,
        (30.0, 45.0),
        (20.0, 30.0),
    ),
}
"""Bends by name."""


@dataclass(frozen=True)
class Hand:
    """Mesh of a hand.

    Attributes:
        mesh: Vertices and triangles.
        kind: 0 for skin, 1 for nails, 2 for the sleeve, per vertex.
        tone: Factor of the skin's color: red knuckles and fingertips, shade between the fingers, creases.
        palm: 1 on the palm's side, whose skin is lighter, 0 on the back.
        joints: Points along the fingers, for keeping them off a face.
    """

    mesh: Mesh
    kind: Int[np.ndarray, " W"]
    tone: Float[np.ndarray, "W 3"]
    palm: Float[np.ndarray, " W"]
    joints: Float[np.ndarray, "J 3"]


def hand(rng: np.random.Generator, pose: HandPose, size: float, bend_sd: float, sleeve: bool) -> Hand:
    """Make a right hand in a pose; bends vary by `bend_sd` degrees."""
    meshes: list[Mesh] = []
    kinds: list[int] = []
    joints = []
    for finger in range(4):
        bends = np.radians(np.array(pose.bends[finger]) + rng.normal(0, bend_sd) * np.array([1.0, 0.8, 0.5]))
        aside = _SPREAD[finger] * pose.spread + rng.normal(0, 0.02)
        line, palmward = _chain(_KNUCKLES[finger], _PHALANGES[finger], bends, aside)
        meshes += [_finger(line, palmward, _FINGER_RADII[finger]), _nail(line, palmward, _FINGER_RADII[finger])]
        kinds += [_FINGER, _NAIL]
        joints.append(line)
    line, palmward = _thumb(pose, rng.normal(0, bend_sd))
    meshes += [_finger(line, palmward, _THUMB_RADIUS), _nail(line, palmward, _THUMB_RADIUS), _palm(), _ball(line)]
    kinds += [_FINGER, _NAIL, _PALM, _PALM]
    joints.append(line[1:])
    if sleeve:
        meshes.append(_sleeve(rng.uniform(0.0, 0.03)))
        kinds.append(_SLEEVE)
    vertices, faces = join(meshes)
    looks = [_look(kind, mesh) for kind, mesh in zip(kinds, meshes, strict=True)]
    return Hand(
        mesh=(vertices * size, faces),
        kind=np.concatenate([np.full(len(m[0]), max(k - _PALM, 0)) for m, k in zip(meshes, kinds, strict=True)]),
        tone=np.concatenate([tone for tone, _ in looks]),
        palm=np.concatenate([palm for _, palm in looks]),
        joints=np.concatenate(joints) * size,
    )


def _look(kind: int, mesh: Mesh) -> tuple[Float[np.ndarray, "W 3"], Float[np.ndarray, " W"]]:
    """Return the factor of the skin's color and the share of the palm's color at the vertices of a part."""
    if kind == _FINGER:
        return _finger_look()
    count = len(mesh[0])
    palm = np.clip(mesh[0][:, 2] / 0.006, 0, 1) * (mesh[0][:, 1] > -0.01) if kind == _PALM else np.zeros(count)
    return np.ones((count, 3)), palm


@lru_cache(maxsize=1)
def _finger_look() -> tuple[Float[np.ndarray, "W 3"], Float[np.ndarray, " W"]]:
    along = np.linspace(0, 4, len(_TAPER))[:, None]  # 1, 2 and 3 at the joints, 4 at the tip
    palmward = np.cos(np.arange(_RING) * 2 * np.pi / _RING)  # 1 on the palm's side, -1 on the back
    joint = np.exp(-(((along - 2) / 0.25) ** 2)) + 0.7 * np.exp(-(((along - 3) / 0.2) ** 2))
    red = (
        0.9 * joint * np.clip(-palmward, 0, 1) + np.clip(along - 3.2, 0, 1) + 0.4 * np.exp(-(((along - 1) / 0.3) ** 2))
    )
    crease = 0.28 * joint * np.clip(palmward, 0, 1) + 0.3 * np.clip(1.25 - along, 0, 1) * (1 - palmward**2)
    tone = np.stack([1 + 0 * red, 1 - 0.2 * red, 1 - 0.22 * red], -1) * (1 - crease)[..., None]
    palm = np.broadcast_to(np.clip(0.5 + palmward, 0, 1), red.shape)
    ends = [0, len(_TAPER) - 1]
    return (
        np.concatenate([tone.reshape(-1, 3), tone[ends, 0]]),
        np.concatenate([palm.reshape(-1), palm[ends, 0]]),
    )


def _chain(
    base: Float[np.ndarray, "3"], lengths: Float[np.ndarray, "3"], bends: Float[np.ndarray, "3"], aside: float
) -> tuple[Float[np.ndarray, "4 3"], Float[np.ndarray, "4 3"]]:
    """Return the joints of a finger from its knuckle, and the direction to the palm's side at each."""
    total = np.cumsum(bends)
    along = np.stack([np.sin(aside) * np.cos(total), np.cos(aside) * np.cos(total), np.sin(total)], 1)
    palmward = np.stack([-np.sin(aside) * np.sin(total), -np.cos(aside) * np.sin(total), np.cos(total)], 1)
    line = base + np.concatenate([np.zeros((1, 3)), np.cumsum(along * lengths[:, None], 0)])
    return line, np.concatenate([palmward[:1], palmward])


def _thumb(pose: HandPose, noise: float) -> tuple[Float[np.ndarray, "4 3"], Float[np.ndarray, "4 3"]]:
    away, across = np.radians(np.array(pose.thumb) + [0.0, noise])
    along = np.array([np.sin(away) * np.cos(across), np.cos(away) * np.cos(across), np.sin(across)])
    inward = np.array([-np.cos(away), np.sin(away), 0.35])  # the way in which it bends
    inward -= (inward @ along) * along
    inward /= np.linalg.norm(inward)
    line, palmward, turned = [_THUMB_BASE], [inward], 0.0
    for length, bend in zip(_THUMB_PHALANGES, (0.0, *np.radians(pose.thumb_bend)), strict=True):
        turned += float(bend)
        way = np.cos(turned) * along + np.sin(turned) * inward
        line.append(line[-1] + length * way)
        palmward.append(np.cos(turned) * inward - np.sin(turned) * along)
    return np.array(line), np.array(palmward)


def _finger(line: Float[np.ndarray, "4 3"], palmward: Float[np.ndarray, "4 3"], radius: float) -> Mesh:
    start = line[0] - 0.35 * (line[1] - line[0])
    path = smooth_path(np.concatenate([start[None], line]), len(_TAPER))
    at = np.linspace(0, 3, len(_TAPER)) - 0.2
    low = np.clip(np.floor(at).astype(int), 0, 2)
    facing = palmward[low] + (palmward[low + 1] - palmward[low]) * np.clip(at - low, 0, 1)[:, None]
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    facing = facing - (facing * along).sum(1, keepdims=True) * along
    facing /= np.linalg.norm(facing, axis=1, keepdims=True)
    wide = (radius * _TAPER)[:, None]
    path[-1] += along[-1] * radius * 0.3
    return sweep(path, facing * wide * 0.92, np.cross(along, facing) * wide, section(_RING, 2.2))


def _nail(line: Float[np.ndarray, "4 3"], palmward: Float[np.ndarray, "4 3"], radius: float) -> Mesh:
    along = line[-1] - line[-2]
    along = along / np.linalg.norm(along)
    out = -palmward[-1]
    center = line[-1] - along * 0.30 * radius + out * radius * 0.46
    return ellipsoid(
        center, np.stack([np.cross(along, out) * 0.60 * radius, along * 0.80 * radius, out * 0.22 * radius]), 5, 8
    )


def _palm() -> Mesh:
    """Return palm, wrist and forearm."""
    at = np.array([-0.24, -0.16, -0.09, -0.04, -0.012, 0.006, 0.024, 0.045, 0.068, 0.084, 0.094, 0.099])
    wide = np.array([0.042, 0.039, 0.033, 0.028, 0.0265, 0.0275, 0.031, 0.037, 0.041, 0.040, 0.036, 0.028])[:, None]
    deep = np.array([0.036, 0.031, 0.023, 0.0185, 0.0175, 0.0175, 0.017, 0.0155, 0.0135, 0.0115, 0.009, 0.004])[:, None]
    path = np.column_stack([np.zeros(12), at, np.zeros(12)])
    return sweep(path, wide * [1.0, 0, 0], deep * [0, 0, -1.0], section(14, 2.4))


def _ball(line: Float[np.ndarray, "4 3"]) -> Mesh:
    """Return the muscle at the base of the thumb."""
    along = line[1] - line[0]
    length = np.linalg.norm(along)
    along = along / length
    side = np.cross(along, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    return ellipsoid(
        line[0] + 0.42 * length * along, np.stack([side * 0.016, along * 0.034, np.cross(side, along) * 0.0155]), 8, 12
    )


def _sleeve(bare: float) -> Mesh:
    at = np.array([0.0, 0.004, 0.03, 0.09, 0.2])
    path = np.column_stack([np.zeros(5), -0.035 - bare - at, np.zeros(5)])
    wide, deep = (
        np.array([0.033, 0.036, 0.038, 0.043, 0.05])[:, None],
        np.array([0.024, 0.027, 0.029, 0.036, 0.044])[:, None],
    )
    return sweep(path[::-1], wide[::-1] * [1.0, 0, 0], deep[::-1] * [0, 0, -1.0], section(16, 2.2))
