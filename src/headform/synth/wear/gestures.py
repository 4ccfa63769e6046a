"""Hands at a face: where each gesture puts them.

N points. Head frame.
"""

import numpy as np
from jaxtyping import Float

from headform.geometry.face_classes import OCCLUDER
from headform.synth.piece import Piece
from headform.synth.randomization.occluders import Gesture, OccluderRandomization
from headform.synth.skin import skin_rgb
from headform.synth.wear.cloth import pick
from headform.synth.wear.fabrics import draw_muted, draw_rgb
from headform.synth.wear.hands import POSES, Hand, hand
from headform.synth.wear.skull import Skull

_MIRROR = np.diag([-1.0, 1.0, 1.0])
_PALM = np.array([0.0, 0.062, 0.016])  # middle of the surface of the palm, own frame of the hand
_PALM_RGB, _PALM_SHARE = np.array([0.45, 0.26, 0.19]), 0.4  # linear color toward which a palm is lighter, and how far
_MOST_LIFT = 0.035  # meters that the fingers push a hand away from the face


_FREE = {  # pose, place in the head frame, palm forward (1) or to the subject (-1), fingers to the subject's left, degrees
    "peace": ("peace", np.array([-0.115, -0.07, 0.07]), 1.0, 0.0),
    "wave": ("open", np.array([-0.10, -0.04, 0.13]), 1.0, 0.0),
    "thumb": ("thumb", np.array([-0.12, -0.09, 0.13]), -1.0, 80.0),
    "point": ("point", np.array([-0.09, -0.10, 0.12]), -1.0, 0.0),
}


def gesture(rng: np.random.Generator, skull: Skull, config: OccluderRandomization) -> list[Piece]:
    """Make one hand, seldom both, in a gesture at the face."""
    name = pick(rng, config.gestures)
    both = rng.random() < config.both_rate
    skin = np.asarray(skull.fitting.wearer.skin_rgb) * rng.uniform(*config.hand_tone)
    if rng.random() < config.other_skin_rate:
        skin = skin_rgb(rng.uniform(*config.other_melanin), 0.4)
    sleeve = draw_muted(rng, (0.005, 0.6))
    nails = np.clip(skin * [1.15, 1.05, 1.05] + 0.03, 0, 1)
    if rng.random() < config.nail_paint_rate:
        nails = draw_rgb(rng, (0.01, 0.7))
    size = rng.uniform(*config.hand_size)
    sides = (1.0, -1.0) if both else ((1.0, -1.0)[int(rng.integers(2))],)
    state = rng.bit_generator.state
    pieces = []
    for side in sides:
        rng.bit_generator.state = state  # both hands do the same
        covered = rng.random() < config.sleeve_rate
        places = dict(config.touches)
        if name in places:
            place = places[name]
            pose = place.poses[int(rng.integers(len(place.poses)))]
            made = hand(rng, POSES[pose], size, config.finger_bend_sd, covered)
            rotation, wrist = _on_face(rng, skull, place, made, size)
        else:
            pose, at, facing, way = _FREE[name]
            made = hand(rng, POSES[pose], size, config.finger_bend_sd, covered)
            rotation, wrist = _free(rng, at, facing, way, config)
        pieces.append(hand_piece(made, rotation, wrist, side, (skin, nails, sleeve)))
    return pieces


def hand_piece(
    made: Hand,
    rotation: Float[np.ndarray, "3 3"],
    wrist: Float[np.ndarray, "3"],
    side: float,
    colors: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"], Float[np.ndarray, "3"]],
) -> Piece:
    """Place a hand: columns of `rotation` are its axes in the head frame; side -1 mirrors all to the subject's left."""
    vertices, faces = made.mesh
    placed = vertices @ rotation.T + wrist
    if side < 0:
        placed = placed * [-1.0, 1.0, 1.0]
        faces = faces[:, ::-1]
    skin = colors[0] + (_PALM_RGB - colors[0]) * (_PALM_SHARE * made.palm)[:, None]
    albedo = np.where(made.kind[:, None] == 0, skin * made.tone, np.array(colors)[made.kind])
    return Piece(
        vertices=placed.astype(np.float32),
        faces=np.ascontiguousarray(faces, np.int32),
        albedo=np.clip(albedo, 0.002, 1).astype(np.float32),
        label=OCCLUDER,
        gloss=0.12,
    )


def _axes(fingers: Float[np.ndarray, "3"], palm: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Return the rotation of a right hand whose fingers and palm point so."""
    palm = palm - (palm @ fingers) * fingers
    palm = palm / np.linalg.norm(palm)
    return np.stack([np.cross(fingers, palm), fingers, palm], 1)


def _on_face(
    rng: np.random.Generator, skull: Skull, place: Gesture, made: Hand, size: float
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Lay the palm on the face and move it off until the fingers lie on the skin."""
    turn, polar = np.radians(rng.uniform(*place.turn)), np.radians(rng.uniform(*place.polar))
    at = skull.at(np.array([turn]), np.array([polar]))[0]
    outward = at - skull.center
    outward /= np.linalg.norm(outward)
    outward[1] *= place.upright
    outward /= np.linalg.norm(outward)
    up = np.array([0.0, 1.0, 0.0]) - outward[1] * outward
    up /= np.linalg.norm(up)
    left = np.cross(up, outward)
    way, lean = np.radians(rng.uniform(*place.fingers)), np.radians(rng.uniform(*place.lean))
    fingers = np.cos(way) * up + np.sin(way) * left
    across = np.cross(fingers, outward)
    palm = -(np.cos(lean) * outward + np.sin(lean) * across)
    rotation = _axes(fingers, palm)
    wrist = at + outward * rng.uniform(*place.lift) - rotation @ (_PALM * size)
    joints = made.joints @ rotation.T + wrist
    turns, polars, radius = skull.angles(joints)
    skin = np.linalg.norm(skull.at(turns, polars) - skull.center, axis=1)
    deep = np.quantile(skin + 0.007 - radius, 0.85)
    return rotation, wrist + outward * np.clip(deep, 0, _MOST_LIFT)


def _free(
    rng: np.random.Generator, at: Float[np.ndarray, "3"], facing: float, way: float, config: OccluderRandomization
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Hold the hand up beside or before the face."""
    tilt = np.radians(way + rng.uniform(*config.free_tilt))
    fingers = np.array([np.sin(tilt), np.cos(tilt), rng.uniform(*config.free_lean)])
    fingers /= np.linalg.norm(fingers)
    palm = np.array([rng.uniform(*config.free_turn), 0.0, facing])
    rotation = _axes(fingers, palm)
    wrist = at + rng.normal(0, config.free_place_sd, 3) - rotation @ [0.0, 0.03, 0.0]
    return rotation, wrist
