"""The 52 ARKit shapes of one person's head, as displacements of its neutral face.

V vertices, E expressions of the head model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

ARKIT_NAMES = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft",
    "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight",
    "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight", "mouthDimpleLeft",
    "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight",
    "tongueOut",
)  # fmt: skip
"""Apple's names in Apple's order (ARFaceAnchor.BlendShapeLocation); Left is the subject's."""

LOOK_YAW = np.deg2rad(30.0)
"""Degrees by which `eyeLookIn` and `eyeLookOut` turn an eyeball at weight 1; human eyes reach 35 to 45."""
LOOK_PITCH = np.deg2rad(25.0)
"""Degrees by which `eyeLookUp` and `eyeLookDown` turn it at weight 1."""


@dataclass(frozen=True)
class MorphTarget:
    """A named displacement of every vertex.

    Attributes:
        name: ARKit's name.
        delta: (V, 3) meters at weight 1, head frame.
    """

    name: str
    delta: Float[np.ndarray, "V 3"]


def arkit_targets(
    expression: Float[np.ndarray, "E V 3"],
    names: Sequence[str],
    neutral: Float[np.ndarray, "V 3"],
    eyes: dict[str, Int[np.ndarray, " eye"]],
    centers: dict[str, Float[np.ndarray, "3"]] | None = None,
) -> list[MorphTarget]:
    """Build all 52 ARKit shapes, in Apple's order.

    A shape the head model does not have is zero (`tongueOut`), so that programs that address
    shapes by number meet the right one. The head model's `eyeLook` shapes move the lids; here they
    turn the eyeball as well, about its center.

    Args:
        expression: (E, V, 3) meters at weight 1.
        names: The E names.
        neutral: (V, 3) meters, the person's neutral head (y up, z out of the face).
        eyes: Vertices of the eyeballs, under "Left" and "Right" (the subject's).
        centers: Center of rotation of each eyeball, meters; the mean of its vertices where not given.

    Returns:
        52 targets, float64.
    """
    where = {name: index for index, name in enumerate(names)}
    targets = []
    for name in ARKIT_NAMES:
        delta = np.zeros(neutral.shape)
        if name in where:
            delta += expression[where[name]]
        for side, eye in eyes.items():
            if name.startswith("eyeLook") and name.endswith(side) and len(eye):
                centered = neutral[eye].astype(np.float64)
                centered -= centered.mean(axis=0) if centers is None else centers[side]
                delta[eye] = centered @ gaze_rotation(name).T - centered
        targets.append(MorphTarget(name, delta))
    return targets


def arkit_weights(
    values: Float[np.ndarray, " E"],
    names: Sequence[str],
    gaze: Float[np.ndarray, "2"] | None = None,
) -> Float[np.ndarray, " shapes=52"]:
    """A photo's expression in Apple's order, each weight clipped to [0, 1].

    Args:
        values: (E,) weights of the head model's shapes.
        names: Their names.
        gaze: Yaw to the subject's left and pitch upwards of both eyes, radians. Where given, the
            `eyeLook` weights are those that turn the exported eyeballs by it.
    """
    found = dict(zip(names, values.tolist(), strict=True))
    if gaze is not None:
        yaw, pitch = float(gaze[0]) / LOOK_YAW, float(gaze[1]) / LOOK_PITCH
        found |= {
            "eyeLookOutLeft": yaw, "eyeLookInRight": yaw,
            "eyeLookInLeft": -yaw, "eyeLookOutRight": -yaw,
            "eyeLookUpLeft": pitch, "eyeLookUpRight": pitch,
            "eyeLookDownLeft": -pitch, "eyeLookDownRight": -pitch,
        }  # fmt: skip
    return np.clip([float(found.get(name, 0.0)) for name in ARKIT_NAMES], 0.0, 1.0)


def gaze_rotation(name: str) -> Float[np.ndarray, "3 3"]:
    """Rotation of the eyeball at weight 1 of an `eyeLook…` shape, in the head frame.

    "In" is toward the nose: for the subject's left eye, which lies at positive x, a turn of the
    gaze (0, 0, 1) toward negative x.

    Raises:
        ValueError: when the name is no `eyeLook…` shape.
    """
    direction = name.removeprefix("eyeLook").removesuffix("Left").removesuffix("Right")
    if not name.startswith("eyeLook") or direction not in ("In", "Out", "Up", "Down"):
        raise ValueError(f"{name!r} is not an eyeLook shape")
    if direction in ("Up", "Down"):
        angle = LOOK_PITCH if direction == "Down" else -LOOK_PITCH
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    to_left = (direction == "Out") == name.endswith("Left")  # toward positive x
    angle = LOOK_YAW if to_left else -LOOK_YAW
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
