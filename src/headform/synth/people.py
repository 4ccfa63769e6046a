"""Who is in the picture: identity, expression, gaze, head pose and distance of a synthetic face.

K identity modes, E expressions.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.geometry.head_angles import rotation_from_synthetic_angles
from headform.synth.randomization import RandomizationConfig


@dataclass(frozen=True)
class Person:
    """The coefficients of one synthetic face and the camera's distance."""

    identity: Float[np.ndarray, " K"]  # standard deviations
    expression: Float[np.ndarray, " E"]  # 0..1, order of the head's expression_names
    gaze: Float[np.ndarray, "2"]  # yaw (to the subject's left), pitch (up), radians, both eyes
    vergence: float  # radians, each eye turned inwards
    rotation: Float[np.ndarray, "3 3"]  # camera (x right, y down, z forward) from head
    angles: Float[np.ndarray, "3"]  # yaw, pitch, roll, radians
    distance: float  # meters, camera to the middle of the face


def sample_person(rng: np.random.Generator, recipe: RandomizationConfig, names: tuple[str, ...], modes: int) -> Person:
    """Draw a person; `names` are the head's expression names."""
    identity = rng.normal(0, 1, modes) * rng.uniform(*recipe.identity_scale)
    expression, gaze = sample_expression(rng, names, recipe.expression_rate)
    if rng.random() < recipe.frontal_rate:
        yaw = rng.normal(0, recipe.frontal_yaw_sd)
    else:
        yaw = rng.uniform(-recipe.wide_yaw, recipe.wide_yaw)
    pitch = np.clip(rng.normal(0, recipe.pitch_sd), -42, 42)
    roll = np.clip(rng.normal(0, recipe.roll_sd), -38, 38)
    angles = np.radians([yaw, pitch, roll])
    low, high = np.log(recipe.distance)
    return Person(
        identity=identity.astype(np.float32),
        expression=expression,
        gaze=gaze,
        vergence=float(rng.uniform(0, 0.06)),
        rotation=rotation_from_synthetic_angles(*angles).astype(np.float32),
        angles=angles.astype(np.float32),
        distance=float(np.exp(rng.uniform(low, high))),
    )


def sample_expression(
    rng: np.random.Generator, names: tuple[str, ...], rate: float
) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, "2"]]:
    """Sparse, plausible mixtures: smiles, open mouths, single shapes, blinks, brows, gaze."""
    index = {n: i for i, n in enumerate(names)}
    weights = np.zeros(len(names), np.float32)
    gaze = np.zeros(2, np.float32)
    if rng.random() >= rate:
        return weights, gaze

    def put(name: str, amount: float, asymmetry: float = 0.15) -> None:
        if name in index:
            weights[index[name]] += amount
            return
        for side in ("Left", "Right"):
            weights[index[name + side]] += amount * max(0.0, 1 + rng.normal(0, asymmetry))

    kind = rng.random()
    if kind < 0.34:  # smiles, closed to laughing
        smile = rng.uniform(0.2, 1.0)
        put("mouthSmile", smile)
        put("cheekSquint", smile * rng.uniform(0, 0.8))
        put("eyeSquint", smile * rng.uniform(0, 0.8))
        put("mouthUpperUp", smile * rng.uniform(0, 0.8))
        put("mouthLowerDown", smile * rng.uniform(0, 0.8))
        if rng.random() < 0.45:
            put("jawOpen", rng.uniform(0, 0.6))
        if rng.random() < 0.4:
            put("mouthStretch", rng.uniform(0, 0.6))
        if rng.random() < 0.3:
            put("mouthDimple", rng.uniform(0, 0.6))
    elif kind < 0.52:  # open mouths
        put("jawOpen", rng.uniform(0.1, 1.0))
        put("browInnerUp", rng.uniform(0, 0.6))
        put("eyeWide", rng.uniform(0, 0.8))
        if rng.random() < 0.3:
            put("mouthFunnel", rng.uniform(0, 0.6))
        if rng.random() < 0.4:
            put("mouthLowerDown", rng.uniform(0, 0.9))
            put("mouthUpperUp", rng.uniform(0, 0.9))
        if rng.random() < 0.3:
            put("mouthStretch", rng.uniform(0, 1.0))
    elif kind < 0.80:  # a few single shapes
        for k in rng.choice(len(names), int(rng.integers(1, 7)), replace=False):
            name, amount = names[int(k)], float(rng.beta(1.2, 2.5) * 1.1)
            stem = name.removesuffix("Left").removesuffix("Right")
            paired = stem + "Left" in index and stem + "Right" in index
            if paired and rng.random() < 0.75:
                put(stem, amount)
            else:
                weights[int(k)] += amount
    if rng.random() < 0.25:
        put("eyeBlink", rng.uniform(0.1, 1.0) if rng.random() < 0.6 else 1.0, 0.1)
    if rng.random() < 0.3:
        put("browDown", rng.uniform(0, 0.9))
    elif rng.random() < 0.35:
        put("browInnerUp", rng.uniform(0, 0.9))
        put("browOuterUp", rng.uniform(0, 0.9))
    if rng.random() < 0.1:
        put("mouthPucker", rng.uniform(0.2, 1.0))
    if rng.random() < 0.1:
        put("mouthFrown", rng.uniform(0.2, 0.9))
    if rng.random() < 0.08:
        put("mouthPress", rng.uniform(0.2, 0.9))
        put("mouthRollLower", rng.uniform(0, 0.6))
        put("mouthRollUpper", rng.uniform(0, 0.6))
    # jawLeft, mouthLeft and the like are no Left/Right pair of a stem; they are drawn above
    if rng.random() < 0.6:
        gaze = np.array([rng.normal(0, 0.22), rng.normal(0, 0.16)], np.float32)
        yaw, pitch = gaze / np.array([0.55, 0.45], np.float32)
        weights[index["eyeLookOutLeft"]] += max(yaw, 0.0)
        weights[index["eyeLookInRight"]] += max(yaw, 0.0)
        weights[index["eyeLookInLeft"]] += max(-yaw, 0.0)
        weights[index["eyeLookOutRight"]] += max(-yaw, 0.0)
        for side in ("Left", "Right"):
            weights[index["eyeLookUp" + side]] += max(pitch, 0.0)
            weights[index["eyeLookDown" + side]] += max(-pitch, 0.0)
    return np.clip(weights, 0, 1), gaze
