"""Rotations in NumPy, the twins of `rotation`, for fits and pictures that need no gradients.

Letters: B batch (any leading axes). Angles in radians; matrices act on columns, `y = R @ x`.
"""

import numpy as np
import torch
from jaxtyping import Float, Float64

from headform.geometry import rotation as torch_rotation


def rotation_from_rotvec(rotvec: Float[np.ndarray, "*B 3"]) -> Float64[np.ndarray, "*B 3 3"]:
    """Rotation matrices of rotation vectors in radians (Rodrigues' formula); float64."""
    r = np.asarray(rotvec, np.float64)
    theta = np.linalg.norm(r, axis=-1)[..., None, None]
    cross = np.zeros((*r.shape[:-1], 3, 3))
    cross[..., 2, 1], cross[..., 0, 2], cross[..., 1, 0] = r[..., 0], r[..., 1], r[..., 2]
    cross -= np.swapaxes(cross, -1, -2).copy()
    # numpy.sinc(x) = sin(πx) / (πx), 1 at zero.
    sine = np.sinc(theta / np.pi)
    cosine = np.sinc(theta / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + sine * cross + cosine * (cross @ cross), np.float64)


def rotvec_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float64[np.ndarray, "*B 3"]:
    """Rotation vectors in radians, angle in [0, π]; float64; accurate near 0 and near π."""
    matrix = torch.from_numpy(np.array(rotation, np.float64))
    return np.asarray(torch_rotation.rotvec_from_rotation(matrix).numpy(), np.float64)


def rotation_from_euler(yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "3 3"]:
    """`Ry(yaw) @ Rx(pitch) @ Rz(roll)`, radians; the signs are those of `rotation`; float64."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    turn_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    turn_x = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    turn_z = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(turn_y @ turn_x @ turn_z, np.float64)


def euler_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float64[np.ndarray, "*B 3"]:
    """Yaw, pitch, roll in radians; pitch in [-π/2, π/2]; float64."""
    matrix = torch.from_numpy(np.array(rotation, np.float64))
    return np.asarray(torch_rotation.euler_from_rotation(matrix).numpy(), np.float64)


def rotation_derivative(rotvec: Float[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3 3"]:
    """Derivatives of `rotation_from_rotvec` by the vector's components, (component, row, column); float64.

    Gallego and Yezzi (2015), equation 9; its series to the first order below an angle of 1e-5.
    """
    r = np.asarray(rotvec, np.float64)
    crosses = np.cross(np.eye(3)[:, None], np.eye(3)[None]).transpose(0, 2, 1)  # of the unit vectors
    whole = np.tensordot(r, crosses, 1)
    squared = float(r @ r)
    if squared < 1e-10:
        return np.asarray(crosses + (crosses @ whole + whole @ crosses) / 2, np.float64)
    rotation = rotation_from_rotvec(r)
    sideways = np.cross(r, (np.eye(3) - rotation).T)  # row k: r × (I - R) e_k
    inner = r[:, None, None] * whole + np.tensordot(sideways, crosses, 1)
    return np.asarray(inner / squared @ rotation, np.float64)
