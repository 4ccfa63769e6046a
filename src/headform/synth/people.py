"""Coefficients of a synthetic face: identity, expression, gaze, head pose and camera distance.

K identity modes, E expressions.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.geometry.head_angles import rotation_from_synthetic_angles
from headform.synth.randomization import BlendshapeGroup, ExpressionRandomization, RandomizationConfig


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


def sample_person(rng: np.random.Generator, config: RandomizationConfig, names: tuple[str, ...], modes: int) -> Person:
    """Draw a person with `modes` identity coefficients; `names` are the head's expression names."""
    pose = config.pose
    identity = rng.normal(0, 1, modes) * rng.uniform(*config.identity_scale)
    expression, gaze = sample_expression(rng, names, config.expression)
    if rng.random() < pose.frontal_rate:
        yaw = rng.normal(0, pose.frontal_yaw_sd)
    else:
        yaw = rng.uniform(-pose.wide_yaw, pose.wide_yaw)
    pitch = np.clip(rng.normal(0, pose.pitch_sd), -pose.most_pitch, pose.most_pitch)
    roll = np.clip(rng.normal(0, pose.roll_sd), -pose.most_roll, pose.most_roll)
    angles = np.radians([yaw, pitch, roll])
    low, high = np.log(config.camera.distance)
    return Person(
        identity=identity.astype(np.float32),
        expression=expression,
        gaze=gaze,
        vergence=float(rng.uniform(*pose.vergence)),
        rotation=rotation_from_synthetic_angles(*angles).astype(np.float32),
        angles=angles.astype(np.float32),
        distance=float(np.exp(rng.uniform(low, high))),
    )


def sample_expression(
    rng: np.random.Generator, names: tuple[str, ...], config: ExpressionRandomization
) -> tuple[Float[np.ndarray, " E"], Float[np.ndarray, "2"]]:
    """Draw blendshape weights in 0..1, in the order of `names`, and gaze (yaw, pitch) in radians."""
    mixture = _Mixture(rng, names)
    gaze = np.zeros(2, np.float32)
    if rng.random() >= config.rate:
        return mixture.weights, gaze
    kind = rng.random()
    smile_below = config.smile_rate
    open_mouth_below = smile_below + config.open_mouth_rate
    if kind < smile_below:
        smile = rng.uniform(*config.smile)
        mixture.add("mouthSmile", smile, config.asymmetry_sd)
        for name, share in config.smile_proportional:
            mixture.add(name, smile * rng.uniform(*share), config.asymmetry_sd)
        mixture.add_groups(config.smile_groups, config.asymmetry_sd)
    elif kind < open_mouth_below:
        mixture.add_groups(config.open_mouth_groups, config.asymmetry_sd)
    elif kind < open_mouth_below + config.single_rate:
        mixture.add_singles(config)
    if rng.random() < config.blink_rate:
        partial = rng.random() < config.partial_blink_rate
        mixture.add("eyeBlink", rng.uniform(*config.partial_blink) if partial else 1.0, config.blink_asymmetry_sd)
    if not mixture.add_groups((config.brow_down,), config.asymmetry_sd):
        mixture.add_groups((config.brow_up,), config.asymmetry_sd)
    mixture.add_groups(config.mouth_groups, config.asymmetry_sd)
    if rng.random() < config.gaze_rate:
        gaze = np.array([rng.normal(0, sd) for sd in config.gaze_sd], np.float32)
        mixture.follow_gaze(*(gaze / np.array(config.gaze_full, np.float32)).tolist())
    return np.clip(mixture.weights, 0, 1), gaze


class _Mixture:
    """Blendshape weights while they are added up."""

    def __init__(self, rng: np.random.Generator, names: tuple[str, ...]) -> None:
        self.weights = np.zeros(len(names), np.float32)
        self._rng, self._names = rng, names
        self._index = {n: i for i, n in enumerate(names)}

    def add(self, name: str, weight: float, asymmetry_sd: float) -> None:
        """Add a blendshape or, if `name` is no blendshape, the Left/Right pair with this stem."""
        if name in self._index:
            self.weights[self._index[name]] += weight
            return
        for side in ("Left", "Right"):
            self.weights[self._index[name + side]] += weight * max(0.0, 1 + self._rng.normal(0, asymmetry_sd))

    def add_groups(self, groups: tuple[BlendshapeGroup, ...], asymmetry_sd: float) -> bool:
        """Add each group with its probability; return whether the last one was added."""
        added = False
        for group in groups:
            added = group.rate >= 1 or self._rng.random() < group.rate  # a certain group costs no random number
            if added:
                for name, weight in group.weights:
                    self.add(name, self._rng.uniform(*weight), asymmetry_sd)
        return added

    def add_singles(self, config: ExpressionRandomization) -> None:
        """Add a few blendshapes, whichever they are."""
        rng, names = self._rng, self._names
        for k in rng.choice(len(names), int(rng.integers(*config.single_count)), replace=False):
            name, weight = names[int(k)], float(rng.beta(*config.single_beta) * config.single_scale)
            # jawLeft, mouthLeft and the like have no stem whose Left and Right both exist; they stay single
            stem = name.removesuffix("Left").removesuffix("Right")
            paired = stem + "Left" in self._index and stem + "Right" in self._index
            if paired and rng.random() < config.single_pair_rate:
                self.add(stem, weight, config.asymmetry_sd)
            else:
                self.weights[int(k)] += weight

    def follow_gaze(self, yaw: float, pitch: float) -> None:
        """Add the lid movements of a gaze; 1 is a full look to the subject's left, or up."""
        for names, amount in (
            (("eyeLookOutLeft", "eyeLookInRight"), yaw),
            (("eyeLookInLeft", "eyeLookOutRight"), -yaw),
            (("eyeLookUpLeft", "eyeLookUpRight"), pitch),
            (("eyeLookDownLeft", "eyeLookDownRight"), -pitch),
        ):
            for name in names:
                self.weights[self._index[name]] += max(amount, 0.0)
