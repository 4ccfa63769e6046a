"""Errors of head pose against ground truth, in yaw, pitch and roll of AFLW2000-3D and as an angle between rotations.

Rotations take the head frame (x to the subject's left, y up, z out of the face) into the camera frame (x right, y down, z
forward); their angles are those of `geometry.head_angles.rotation_from_aflw2000_degrees`, which belong to a weak
perspective, the head as seen along the ray to it. In front of a wide lens that is not the rotation against the optical
axis; `seen_along_ray` gives it.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from headform.geometry.head_angles import aflw2000_degrees_from_rotation
from headform.geometry.rotation import rotation_from_rotvec, rotvec_from_rotation


@dataclass(frozen=True)
class PoseError:
    """Predicted minus true, degrees.

    Attributes:
        yaw: Signed, in (-180, 180].
        pitch: Signed, likewise.
        roll: Signed, likewise.
        geodesic: Angle between the rotations, 0 to 180.
    """

    yaw: float
    pitch: float
    roll: float
    geodesic: float


@dataclass(frozen=True)
class PoseSummary:
    """Mean pose errors of several faces, degrees.

    Attributes:
        faces: Number of faces with an annotated and a predicted rotation.
        yaw: Mean absolute error.
        pitch: Mean absolute error.
        roll: Mean absolute error.
        mean: Mean of these three, the number that pose papers print.
        geodesic: Mean angle between the rotations; needs no convention of angles.
        geodesic_median: Its median.
        yaw_bias: Mean signed error.
        pitch_bias: Mean signed error; head models disagree on the zero of pitch.
        roll_bias: Mean signed error.
    """

    faces: int
    yaw: float
    pitch: float
    roll: float
    mean: float
    geodesic: float
    geodesic_median: float
    yaw_bias: float
    pitch_bias: float
    roll_bias: float


def seen_along_ray(rotation: Float[np.ndarray, "3 3"], ray: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Rotation as seen by the camera after it is turned, by the smallest angle, to look along a ray.

    Args:
        rotation: Camera from head.
        ray: Direction from the camera to the head, camera frame; any length, in front of the camera.

    Raises:
        ValueError: when the ray points backwards or nowhere.
    """
    x, y, z = np.asarray(ray, np.float64)
    if not z > 0:
        raise ValueError("the ray must point into the scene")
    angle = math.atan2(math.hypot(x, y), z)
    axis = np.array([y, -x, 0.0]) / max(math.hypot(x, y), 1e-300)
    return np.asarray(rotation_from_rotvec(angle * axis) @ rotation, np.float64)


def geodesic_degrees(a: Float[np.ndarray, "3 3"], b: Float[np.ndarray, "3 3"]) -> float:
    """Angle between two rotations, 0 to 180 degrees."""
    return math.degrees(float(np.linalg.norm(rotvec_from_rotation(a.T @ b))))


def pose_error(predicted: Float[np.ndarray, "3 3"], true: Float[np.ndarray, "3 3"]) -> PoseError:
    """Errors of one rotation, camera from head."""
    difference = aflw2000_degrees_from_rotation(predicted) - aflw2000_degrees_from_rotation(true)
    yaw, pitch, roll = (float(180 - (180 - d) % 360) for d in difference)
    return PoseError(yaw, pitch, roll, geodesic_degrees(predicted, true))


def summarize_poses(errors: list[PoseError]) -> PoseSummary | None:
    """Average over faces; None without any."""
    if not errors:
        return None
    signed = np.array([[e.yaw, e.pitch, e.roll] for e in errors])
    size = np.abs(signed).mean(axis=0)
    turns = np.array([e.geodesic for e in errors])
    bias = signed.mean(axis=0)
    return PoseSummary(
        faces=len(errors),
        yaw=float(size[0]),
        pitch=float(size[1]),
        roll=float(size[2]),
        mean=float(size.mean()),
        geodesic=float(turns.mean()),
        geodesic_median=float(np.median(turns)),
        yaw_bias=float(bias[0]),
        pitch_bias=float(bias[1]),
        roll_bias=float(bias[2]),
    )
