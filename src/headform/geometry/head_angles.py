"""Yaw, pitch and roll of a head: one convention, and the conventions of data sets as adapters to rotations.

B batch (any leading axes). Radians unless a name says degrees; matrices act on columns, `y = R @ x`.

Head frame: x to the subject's left, y up, z out of the face. Camera frame: x right, y down, z forward. The convention here
is `R = Ry(yaw) @ Rx(pitch) @ Rz(roll)` in the head frame, each angle counted by the right-hand rule:

| angle | about | positive |
|---|---|---|
| yaw | y | turns the nose to the subject's left, the right of the picture |
| pitch | x | bows the nose down |
| roll | z | tilts the top of the head to the subject's right, counter-clockwise in the picture |

300W-LP and AFLW2000-3D (Zhu et al. 2016) count `Rx(pitch) Ry(yaw) Rz(roll)` with the matrices of 3DDFA's RotationMatrix.m,
which turn against the right-hand rule:

    Rx = [1 0 0; 0 cos sin; 0 -sin cos]   Ry = [cos 0 -sin; 0 1 0; sin 0 cos]   Rz = [cos sin 0; -sin cos 0; 0 0 1]

so that positive yaw turns the face to the left of the picture, positive pitch turns it up, and positive roll turns it
clockwise as it is seen.
"""

from typing import Any, overload

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from headform.geometry.camera import FRONTAL

_Angle = float | Float[Tensor, "*B"]


@overload
def rotation_from_euler(yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "3 3"]: ...
@overload
def rotation_from_euler(
    yaw: Float[Tensor, "*B"], pitch: Float[Tensor, "*B"], roll: Float[Tensor, "*B"]
) -> Float[Tensor, "*B 3 3"]: ...
def rotation_from_euler(
    yaw: _Angle, pitch: _Angle, roll: _Angle
) -> Float64[np.ndarray, "3 3"] | Float[Tensor, "*B 3 3"]:
    """Rotation of a head in its own frame, `Ry(yaw) @ Rx(pitch) @ Rz(roll)`; signs as in the module's table.

    Args:
        yaw: (*B,) radians about y, all three tensors (differentiable) or all three floats.
        pitch: (*B,) radians about x.
        roll: (*B,) radians about z.

    Returns:
        (*B, 3, 3) tensor, or (3, 3) float64 array of floats.
    """
    xp: Any = torch if isinstance(yaw, Tensor) else np
    cy, sy = xp.cos(yaw), xp.sin(yaw)
    cp, sp = xp.cos(pitch), xp.sin(pitch)
    cr, sr = xp.cos(roll), xp.sin(roll)
    entries = [
        *(cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp),
        *(cp * sr, cp * cr, -sp),
        *(cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp),
    ]
    return xp.stack(entries, -1).reshape(*cy.shape, 3, 3)  # type: ignore[no-any-return]


@overload
def euler_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float[np.ndarray, "*B 3"]: ...
@overload
def euler_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 3"]: ...
def euler_from_rotation(
    rotation: Float[np.ndarray, "*B 3 3"] | Float[Tensor, "*B 3 3"],
) -> Float[np.ndarray, "*B 3"] | Float[Tensor, "*B 3"]:
    """Yaw, pitch, roll in radians, (*B, 3), of a tensor or an array; pitch in [-π/2, π/2].

    At pitch = ±π/2 only yaw ∓ roll is defined: any pair that gives the rotation may be returned.
    """
    xp: Any = torch if isinstance(rotation, Tensor) else np
    yaw = xp.arctan2(rotation[..., 0, 2], rotation[..., 2, 2])
    horizontal = xp.hypot(rotation[..., 1, 0], rotation[..., 1, 1])
    pitch = xp.arctan2(-rotation[..., 1, 2], horizontal)
    # Undo the yaw first: exact at the poles too, where row 1 alone does not determine the roll.
    cy, sy = xp.cos(yaw), xp.sin(yaw)
    sine = sy * rotation[..., 2, 1] - cy * rotation[..., 0, 1]
    cosine = cy * rotation[..., 0, 0] - sy * rotation[..., 2, 0]
    return xp.stack([yaw, pitch, xp.arctan2(sine, cosine)], -1)  # type: ignore[no-any-return]


def rotation_from_300wlp_angles(pitch: float, yaw: float, roll: float) -> Float64[np.ndarray, "3 3"]:
    """Rotation in the head frame from `Pose_Para` of 300W-LP and AFLW2000-3D, radians, in the order of the file."""
    return _about_x(-pitch) @ _about_y(-yaw) @ _about_z(-roll)


def rotation_from_aflw2000_degrees(yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "3 3"]:
    """Camera-from-head rotation from the same angles in degrees, in the order that pose papers print.

    The angles belong to a weak perspective: the head as seen along the ray to it.
    """
    yaw, pitch, roll = np.radians([yaw, pitch, roll]).tolist()
    return np.asarray(FRONTAL @ rotation_from_300wlp_angles(pitch, yaw, roll), np.float64)


def aflw2000_degrees_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float64[np.ndarray, "*B 3"]:
    """Yaw in [-90, 90], pitch and roll in (-180, 180], degrees: the inverse of `rotation_from_aflw2000_degrees`.

    At a yaw of exactly 90 degrees only the difference or sum of pitch and roll is defined.
    """
    m = FRONTAL @ np.asarray(rotation, np.float64)
    yaw = np.arcsin(np.clip(-m[..., 0, 2], -1.0, 1.0))
    pitch = np.arctan2(m[..., 1, 2], m[..., 2, 2])
    roll = np.arctan2(m[..., 0, 1], m[..., 0, 0])
    return np.degrees(np.stack([yaw, pitch, roll], axis=-1))


def rotation_from_synthetic_angles(yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "3 3"]:
    """Camera-from-head rotation of synthetic photos: yaw first, then pitch, then roll about the camera's axes.

    Positive yaw turns the face to the right of the picture, positive pitch turns it down, positive roll clockwise.
    """
    return np.asarray(FRONTAL @ _about_z(-roll) @ _about_x(pitch) @ _about_y(yaw), np.float64)


def _about_x(angle: float) -> Float64[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def _about_y(angle: float) -> Float64[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]])


def _about_z(angle: float) -> Float64[np.ndarray, "3 3"]:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
