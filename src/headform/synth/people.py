"""Coefficients of a synthetic face: identity, expression, lids, head pose and camera distance.

K identity modes, E expressions, V vertices.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from headform.geometry.head_angles import rotation_from_synthetic_angles
from headform.synth.expressions import Expression, sample_expression
from headform.synth.randomization import ExpressionRandomization, PoseRandomization, RandomizationConfig


@dataclass(frozen=True)
class Person:
    """The coefficients of one synthetic face and the camera's distance.

    Attributes:
        identity: Standard deviations; the open head's modes make the halves of a face differ (0.4 mm, median).
        face: Expression.
        lid_height: Amount by which lids are lower than the modes say, right and left, in weights of eyeBlink.
        vergence: Radians, each eye turned inwards.
        rotation: Camera (x right, y down, z forward) from head.
        angles: Yaw, pitch, roll, radians.
        distance: Meters, camera to the middle of the face.
        residual: Displacement of the neutral head beyond its identity modes, meters, of a person who was registered from
            another head model or a scan.
    """

    identity: Float[np.ndarray, " K"]
    face: Expression
    lid_height: Float[np.ndarray, "2"]
    vergence: float
    rotation: Float[np.ndarray, "3 3"]
    angles: Float[np.ndarray, "3"]
    distance: float
    residual: Float32[np.ndarray, "V 3"] | None = None

    @property
    def expression(self) -> Float[np.ndarray, " E"]:
        """Weights of the blendshapes, 0..1, in the order of the head's expression names."""
        return self.face.weights

    @property
    def gaze(self) -> Float[np.ndarray, "2"]:
        """Yaw (to the subject's left) and pitch (up) of both eyes, radians."""
        return self.face.gaze


def sample_person(rng: np.random.Generator, config: RandomizationConfig, names: tuple[str, ...], modes: int) -> Person:
    """Draw a person with `modes` identity coefficients; `names` are the head's expression names."""
    identity = rng.normal(0, 1, modes) * rng.uniform(*config.identity_scale)
    angles = np.radians(_sample_angles(rng, config.pose))
    rotation = rotation_from_synthetic_angles(*angles)
    low, high = np.log(config.camera.distance)
    return Person(
        identity=identity.astype(np.float32),
        face=sample_expression(rng, names, config.expression, camera=-rotation[2]),
        lid_height=_sample_lid_height(rng, config.expression),
        vergence=float(rng.uniform(*config.pose.vergence)),
        rotation=rotation.astype(np.float32),
        angles=angles.astype(np.float32),
        distance=float(np.exp(rng.uniform(low, high))),
    )


def _sample_angles(rng: np.random.Generator, pose: PoseRandomization) -> tuple[float, float, float]:
    """Draw yaw, pitch and roll in degrees."""
    kind = rng.random()
    if kind < pose.frontal_rate:
        yaw = rng.normal(0, pose.frontal_yaw_sd)
    elif kind < pose.frontal_rate + pose.turned_rate:
        yaw = rng.normal(0, pose.turned_yaw_sd)
    else:
        yaw = rng.uniform(-pose.wide_yaw, pose.wide_yaw)
    if rng.random() < pose.tilted_rate:
        pitch, roll = rng.uniform(-1, 1, 2) * (pose.most_pitch, pose.most_roll)
    else:
        pitch, roll = rng.normal(0, 1, 2) * (pose.pitch_sd, pose.roll_sd)
    most = np.array([pose.wide_yaw, pose.most_pitch, pose.most_roll])
    yaw, pitch, roll = np.clip([yaw, pitch, roll], -most, most).tolist()
    return yaw, pitch, roll


def _sample_lid_height(rng: np.random.Generator, config: ExpressionRandomization) -> Float[np.ndarray, "2"]:
    """Draw how much lower than usual the lids of both eyes are, in weights of eyeBlink."""
    height = rng.normal(config.lid_height, config.lid_height_sd) + rng.normal(0, config.lid_height_side_sd, 2)
    if rng.random() < config.drooping_rate:
        eyes = (slice(None), slice(None), 0, 1)[int(rng.integers(4))]
        height[eyes] += rng.uniform(*config.drooping)
    return np.maximum(height, -config.most_raised).astype(np.float32)
