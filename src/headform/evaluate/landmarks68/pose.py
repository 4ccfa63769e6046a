"""Head pose: yaw, pitch and roll as 300W-LP and AFLW2000-3D count them, and errors against a true rotation.

Letters: B any leading axes.

A rotation here takes the head frame (x to the subject's left, y up, z out of the face) into the camera frame (x right,
y down, z forward). `Pose_Para` of the `.mat` files holds pitch, yaw and roll of `Rx(pitch) Ry(yaw) Rz(roll)` in a frame
whose y points up and whose z points at the viewer, with the matrices of 3DDFA's RotationMatrix.m, which turn the other
way round than the usual ones:

    Rx = [1 0 0; 0 cos sin; 0 -sin cos]   Ry = [cos 0 -sin; 0 1 0; sin 0 cos]   Rz = [cos sin 0; -sin cos 0; 0 0 1]

so that positive yaw turns the face to the left of the picture, positive pitch turns it up, and positive roll turns it
clockwise as it is seen. The angles are those of a weak perspective: of the head as seen along the ray to it. In front of a
wide lens that is not the rotation against the optical axis; `seen_along_ray` gives it.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from headform.data.pose_annotations import rotation_of
from headform.geometry.camera import FRONTAL
from headform.geometry.rotation_numpy import rotation_from_rotvec, rotvec_from_rotation


@dataclass(frozen=True)
class PoseError:
    """Predicted minus true, degrees.

    Attributes:
        yaw: Signed, in (-180, 180].
        pitch: Signed, likewise.
        roll: Signed, likewise.
        geodesic: Angle of the turn from one rotation to the other, 0 to 180.
    """

    yaw: float
    pitch: float
    roll: float
    geodesic: float


@dataclass(frozen=True)
class PoseSummary:
    """Over several faces, degrees.

    Attributes:
        faces: How many have a true and a predicted rotation.
        yaw: Mean absolute error.
        pitch: Mean absolute error.
        roll: Mean absolute error.
        mean: Mean of these three, the number that pose papers print.
        geodesic: Mean angle between the rotations; needs no convention of angles.
        geodesic_median: Its median.
        yaw_bias: Mean signed error.
        pitch_bias: Mean signed error; head models do not agree on where a face looks that is said not to nod.
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


def rotation_from_angles(yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "3 3"]:
    """Camera from head of angles in degrees, counted as the module's text says."""
    turn = rotation_of(math.radians(pitch), math.radians(yaw), math.radians(roll))
    return np.asarray(FRONTAL @ turn, np.float64)


def angles_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float64[np.ndarray, "*B 3"]:
    """Yaw in [-90, 90], pitch and roll in (-180, 180], degrees; the inverse of `rotation_from_angles`.

    At a yaw of exactly 90 degrees only the difference or sum of pitch and roll is defined.
    """
    m = FRONTAL @ np.asarray(rotation, np.float64)
    yaw = np.arcsin(np.clip(-m[..., 0, 2], -1.0, 1.0))
    pitch = np.arctan2(m[..., 1, 2], m[..., 2, 2])
    roll = np.arctan2(m[..., 0, 1], m[..., 0, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def seen_along_ray(rotation: Float[np.ndarray, "3 3"], ray: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """The rotation as a camera sees it that is turned, the shortest way, to look along a ray.

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
    """Angle of the turn that takes one rotation to the other, 0 to 180 degrees."""
    return math.degrees(float(np.linalg.norm(rotvec_from_rotation(a.T @ b))))


def pose_error(predicted: Float[np.ndarray, "3 3"], true: Float[np.ndarray, "3 3"]) -> PoseError:
    """Errors of one rotation, camera from head."""
    difference = angles_from_rotation(predicted) - angles_from_rotation(true)
    yaw, pitch, roll = (float(180 - (180 - d) % 360) for d in difference)
    return PoseError(yaw, pitch, roll, geodesic_degrees(predicted, true))


def summarize_poses(errors: list[PoseError]) -> PoseSummary | None:
    """Means over faces; None of nothing."""
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
