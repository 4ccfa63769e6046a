"""Glasses that sit on the nose and the ears: rims, bridge, pads, temples and lenses.

N points of an outline, P of a path. Local coordinates: origin between the pupils, x to the subject's left, y up, z forward.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.geometry.face_classes import GLASSES
from headform.synth.piece import Piece
from headform.synth.randomization.glasses import FrameShape, GlassesRandomization
from headform.synth.wear.fabrics import blend, draw_rgb, smooth_noise
from headform.synth.wear.fitting import Fitting
from headform.synth.wear.lenses import OUTLINE, lens_look, outline
from headform.synth.wear.meshes import Mesh, ellipsoid, grid_faces, join, section, smooth_path, sweep, tube

_BASE_CURVE = 1 / 0.13  # curvature of the lenses, 1/m
_LENS_RINGS = np.array([0.001, 0.4, 0.75, 1.0])  # of the radius
_HINGE_ANGLE = 0.45  # where the temples join the rims, radians above the horizontal
_MIRROR = np.array([-1.0, 1.0, 1.0])
_HOOK = np.array([[-0.0005, 0.0005, -0.006], [-0.002, -0.009, -0.015], [-0.004, -0.026, -0.021]])
"""Left temple behind the top of the ear, meters from it."""
_TORTOISE_SCALE = 22.0  # texture lengths per meter


@dataclass(frozen=True)
class _Front:
    """Measures of the front of one pair; lengths in meters."""

    ring: Float[np.ndarray, "N 2"]  # outline of the left lens about its middle
    middle: float  # x of that middle
    metal: bool
    rims: str  # "full", "half" (above), "browline" or "none"
    width: float  # half width of the rim seen from the front
    depth: float  # half depth
    wrap: float  # 1/m

    def lift(self, xy: Float[np.ndarray, "*S 2"]) -> Float[np.ndarray, "*S 3"]:
        """Bring points of the left lens, about its middle, onto the curved front."""
        x = xy[..., 0] + self.middle
        bulge = (np.sum((self.ring * self.ring), 1).max() - (xy * xy).sum(-1)) * _BASE_CURVE / 2
        return np.stack([x, xy[..., 1], bulge - self.wrap * x * x], -1)


def glasses(rng: np.random.Generator, fitting: Fitting, config: GlassesRandomization) -> list[Piece]:
    """Make a pair of glasses that fits a person: the frame, then both lenses."""
    c = config
    rates = np.array([shape.rate for shape in c.shapes])
    shape = c.shapes[int(rng.choice(len(rates), p=rates / rates.sum()))]
    front = _front(rng, fitting, shape, c)
    lens_xyz = front.lift(_LENS_RINGS[:, None, None] * front.ring)
    rim = _rim(front)
    place = _placing(rng, fitting, front, c)
    meshes: list[Mesh] = []
    if rim is not None:
        vertices, faces = rim
        meshes += [(place(vertices), faces), (place(vertices * _MIRROR), faces[:, ::-1])]
    meshes += _bridge(rng, fitting, front, place, c)
    height = rng.uniform(*c.acetate_temple)
    for side in (0, 1):
        meshes.append(_temple(fitting, front, place, side, front.width * 1.2 if front.metal else height))
    frame = _frame_piece(rng, join(meshes), front, place, c)
    look = lens_look(rng, front.rims in ("none", "half"), c)
    turn = np.linspace(0, 2 * np.pi, OUTLINE, endpoint=False)
    uv = 0.5 + 0.5 * _LENS_RINGS[:, None, None] * np.stack([np.cos(turn), np.sin(turn)], -1)
    faces = grid_faces(len(_LENS_RINGS), OUTLINE, closed=True)
    lens = lens_xyz.reshape(-1, 3)
    uv = uv.reshape(-1, 2)
    vertices = np.concatenate([place(lens), place(lens * _MIRROR)])
    both = np.concatenate([faces, faces[:, ::-1] + np.int32(len(lens))])
    lenses = Piece(
        vertices=vertices.astype(np.float32),
        faces=both.astype(np.int32),
        albedo=np.ones((len(vertices), 3), np.float32),
        label=GLASSES,
        gloss=look.gloss,
        uv=np.concatenate([uv, uv]).astype(np.float32),
        texture=look.texture,
    )
    return [frame, lenses]


def _front(rng: np.random.Generator, fitting: Fitting, shape: FrameShape, config: GlassesRandomization) -> _Front:
    c = config
    pupils = fitting.pupils
    width = rng.uniform(*shape.width) * rng.uniform(*c.size)
    wanted = float(pupils[1, 0] - pupils[0, 0]) / 2 + rng.uniform(*c.decentering)
    bridge = rng.uniform(*c.bridge)
    metal = bool(rng.random() < shape.metal_rate)
    kind = rng.random() - np.array([shape.half_rim_rate, shape.rimless_rate, shape.browline_rate]).cumsum()
    rims = "half" if kind[0] < 0 else "none" if kind[1] < 0 else "browline" if kind[2] < 0 else "full"
    radius = rng.uniform(*c.metal_radius)
    thick = rng.uniform([c.acetate_width[0], c.acetate_depth[0]], [c.acetate_width[1], c.acetate_depth[1]])
    metal = metal or rims == "none"
    ring, _ = outline(rng, shape, width / 2)
    return _Front(
        ring=ring,
        middle=max(wanted, (width + bridge) / 2),
        metal=metal,
        rims=rims,
        width=radius if metal else float(thick[0]),
        depth=radius if metal else float(thick[1]),
        wrap=rng.uniform(*c.wrap),
    )


def _rim(front: _Front) -> Mesh | None:
    """Return the rim of the left lens in local coordinates."""
    if front.rims == "none":
        return None
    ring = front.ring
    tangent = np.roll(ring, -1, 0) - np.roll(ring, 1, 0)
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    wide = np.full(len(ring), front.width)
    share = np.clip(0.5 + ring[:, 1] / np.ptp(ring[:, 1]) * 2.2, 0, 1)  # 0 in the lower part, 1 in the upper
    if front.rims == "browline":
        wide *= 0.3 + 1.3 * share
    elif front.rims == "half":
        wide *= np.where(share > 0.12, 1.0, 0.12)  # a nylon thread holds the lens below
    path = front.lift(ring + outward * (wide * 0.8)[:, None])
    first = np.column_stack([outward * wide[:, None], np.zeros(len(ring))])
    second = np.zeros_like(path)
    second[:, 2] = -np.minimum(front.depth, wide * 2)
    return sweep(path, first, second, section(8, 2.0 if front.metal else 3.5), closed=True)


class _Placing:
    """Rigid motion from local coordinates to the head frame."""

    def __init__(self, rotation: Float[np.ndarray, "3 3"], origin: Float[np.ndarray, "3"]) -> None:
        self.rotation, self.origin = rotation, origin

    def __call__(self, points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, "P 3"]:
        return np.asarray(points @ self.rotation.T + self.origin)


def _placing(rng: np.random.Generator, fitting: Fitting, front: _Front, config: GlassesRandomization) -> _Placing:
    """Find where the front touches nothing but rests close to the face."""
    c = config
    pupils = fitting.pupils
    tilt, askew = rng.uniform(*c.tilt), rng.normal(0, c.askew_sd)
    ct, st, ca, sa = np.cos(tilt), np.sin(tilt), np.cos(askew), np.sin(askew)
    along = pupils[1] - pupils[0]
    lean = np.arctan2(along[1], along[0])
    ca, sa = np.cos(askew + lean), np.sin(askew + lean)
    rotation = np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1.0]]) @ np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    origin = pupils.mean(0)
    origin[1] += rng.uniform(*c.height)
    if rng.random() < c.low_rate:
        origin[1] -= rng.uniform(*c.low)
    origin[2] = pupils[:, 2].max() + rng.uniform(*c.vertex_distance) + front.wrap * front.middle**2
    rim = front.lift(front.ring[::3] * (1 + front.width / np.abs(front.ring).max()))
    rims = np.concatenate([rim, rim * _MIRROR]) @ rotation.T + origin
    push = fitting.front(rims[:, :2]) + front.depth + c.clearance - rims[:, 2]
    origin[2] += float(np.clip(push.max(), 0, c.most_push))
    return _Placing(rotation, origin)


def _bridge(
    rng: np.random.Generator, fitting: Fitting, front: _Front, place: _Placing, config: GlassesRandomization
) -> list[Mesh]:
    """Return the bridge, before the nose, and the pads of metal frames; head frame."""
    c = config
    half_height = front.ring[:, 1].max()
    y = half_height * rng.uniform(*c.bridge_height)
    inner = front.ring[np.argmin(np.abs(front.ring[:, 1] - y) + (front.ring[:, 0] > 0))]
    start = front.lift(inner - [front.width * 0.5, 0])
    rise = rng.uniform(*c.bridge_rise)
    middle = np.array([0.0, y + rise, start[2] + 0.001])
    nose = fitting.front((place(middle[None]))[:, :2])[0] + front.depth + 0.0008
    middle[2] += np.clip(nose - place(middle[None])[0, 2], -0.001, 0.008)
    quarter = np.array([start[0] * 0.6, y + 0.75 * rise, 0.35 * start[2] + 0.65 * middle[2]])
    points = np.stack([start * _MIRROR, quarter * _MIRROR, middle, quarter, start])
    path = place(smooth_path(points, 11))
    thick = front.width * 1.1 if front.metal else front.width * rng.uniform(*c.bridge_width)
    meshes = [_bar(path, thick, front.depth)]
    if front.metal and half_height > 0.018 and rng.random() < c.second_bar_rate:  # the second bar of aviators
        high = points + [0, half_height * 0.95 - y, 0]
        high[[0, -1], 0] *= 1.5
        meshes.append(_bar(place(smooth_path(high, 9)), thick, front.depth))
    if front.metal:
        for side in (-1.0, 1.0):
            pad = place(np.array([[side * (start[0] - 0.002), y - 0.007, start[2] - 0.005]]))[0]
            axes = np.array([[0.0012 * side, 0, 0.001], [0, 0.0055, 0.0], [-0.001, 0, 0.0022 * side]]) * side
            meshes.append(ellipsoid(pad, axes, 5, 6))
            meshes.append(tube(np.stack([place(start[None] * [side, 1, 1])[0], pad]), 0.0004, 4))
    return meshes


def _bar(path: Float[np.ndarray, "P 3"], half_height: float, half_depth: float) -> Mesh:
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0]) - along[:, 1:2] * along
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    return sweep(path, up * half_height, np.cross(along, up) * half_depth, section(8, 3.0))


def _temple(fitting: Fitting, front: _Front, place: _Placing, side: int, half_height: float) -> Mesh:
    """Return a temple from the rim over the ear; side 0 is the right."""
    sign = (-1.0, 1.0)[side]
    ring = front.ring
    at = int(np.argmax(ring @ [np.cos(_HINGE_ANGLE), np.sin(_HINGE_ANGLE)]))
    hinge = front.lift(ring[at] + [front.width, 0])
    ear = fitting.ear_tops[side] + [0.0015 * sign, 0.001 + half_height * 0.5, 0]
    corner = hinge + [0.004, 0, -0.003]
    start, elbow = place(np.stack([hinge, corner]) * [sign, 1, 1])
    skin = fitting.vertices[fitting.places.sides[side]]
    share = np.linspace(0, 1, 9)[:, None]
    line = elbow + (ear - elbow) * share
    bow = 4 * share[:, 0] * (1 - share[:, 0])
    out = np.interp(-line[:, 2], -skin[:, 2], np.abs(skin[:, 0]))
    need = (out + 0.002 - np.abs(line[:, 0])) / np.maximum(bow, 0.2)
    line[:, 0] += sign * bow * np.clip(need[1:-1].max(), 0.0, 0.03)
    path = np.concatenate([start[None], line, ear + _HOOK * [sign, 1, 1]])
    taper = np.interp(np.arange(len(path)), [0, 2, 9, len(path) - 1], [1.0, 1.0, 0.6, 0.75])[:, None]
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0]) - along[:, 1:2] * along
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    thickness = min(half_height, 0.0013)
    return sweep(path, up * half_height * taper, np.cross(along, up) * thickness, section(6, 3.0))


def _frame_piece(
    rng: np.random.Generator, mesh: Mesh, front: _Front, place: _Placing, config: GlassesRandomization
) -> Piece:
    c = config
    vertices, faces = mesh
    albedo = np.empty((len(vertices), 3), np.float32)
    gloss, opacity = rng.uniform(*c.acetate_gloss), 1.0
    uv = texture = None
    kind = rng.random()
    if front.metal:
        albedo[:] = np.array(c.metals[int(rng.integers(len(c.metals)))]) * rng.uniform(*c.metal_tone)
        gloss = rng.uniform(*c.metal_gloss)
    elif kind < c.tortoise_rate:
        albedo[:] = 1.0
        noise = smooth_noise(rng, 7, 64) * 0.65 + smooth_noise(rng, 16, 64) * 0.35
        texture = blend(np.array(c.tortoise_dark), np.array(c.tortoise_light), (noise - 0.4) * 4)
        reach = np.column_stack([vertices[:, 0], vertices[:, 1] + 0.8 * vertices[:, 2]]) * _TORTOISE_SCALE
        uv = np.abs((reach + rng.random(2)) % 2 - 1).astype(np.float32)
    else:
        dark = kind < c.tortoise_rate + c.black_rate
        albedo[:] = draw_rgb(rng, c.black if dark else c.colored)
        if rng.random() < c.clear_rate:
            opacity = rng.uniform(*c.clear_opacity)
            albedo[:] = 0.5 + 0.5 * albedo
        elif rng.random() < c.two_tone_rate:
            low = (vertices[:, 1] < place.origin[1]) & (vertices[:, 2] > place.origin[2] - 0.02)
            albedo[low] = 0.55 + 0.3 * albedo[low]
    return Piece(
        vertices=vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        albedo=albedo,
        label=GLASSES,
        gloss=gloss,
        uv=uv,
        texture=texture,
        opacity=opacity,
    )
