"""Rotation vectors, quaternions and the 6D parameters of rotations, batched; angles of heads are in `head_angles`.

B batch (any leading axes). Angles in radians; matrices act on columns, `y = R @ x`. Tensors give tensors, differentiable
everywhere; where NumPy arrays are taken too, they give float64 arrays.
"""

from typing import overload

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor


@overload
def rotation_from_rotvec(rotvec: Float[np.ndarray, "*B 3"]) -> Float64[np.ndarray, "*B 3 3"]: ...
@overload
def rotation_from_rotvec(rotvec: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 3 3"]: ...
def rotation_from_rotvec(
    rotvec: Float[np.ndarray, "*B 3"] | Float[Tensor, "*B 3"],
) -> Float64[np.ndarray, "*B 3 3"] | Float[Tensor, "*B 3 3"]:
    """Rotation matrix of an axis times an angle (Rodrigues' formula), smooth at zero.

    `R = I + (sin θ / θ) [r]× + ((1 - cos θ) / θ²) [r]×²` with `θ = |r|`. Below θ = 0.1 the two
    factors are their Taylor polynomials in θ² (error under 1e-17), so that no root of zero is
    taken and every derivative exists.

    Args:
        rotvec: (*B, 3) radians.

    Returns:
        (*B, 3, 3) rotation matrices: a tensor in the dtype of the input, or a float64 array.
    """
    if isinstance(rotvec, np.ndarray):
        return _rotation_from_rotvec_numpy(rotvec)
    s = (rotvec * rotvec).sum(-1)[..., None, None]
    small = s < 1e-2
    theta = torch.where(small, torch.ones_like(s), s).sqrt()
    sine_series = 1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72)))
    cosine_series = (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90)))) / 2
    sine = torch.where(small, sine_series, theta.sin() / theta)
    half = theta / 2
    cosine = torch.where(small, cosine_series, (half.sin() / half) ** 2 / 2)
    x, y, z = rotvec.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
    eye = torch.eye(3, dtype=rotvec.dtype, device=rotvec.device)
    return eye + sine * cross + cosine * (cross @ cross)


def quaternion_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 4"]:
    """Unit quaternion (w, x, y, z) with w >= 0, accurate for every rotation.

    Of the four rows of `4 q qᵀ`, which are linear in R, the one with the largest diagonal is
    normalized (Shepperd 1978), so nothing small is ever divided by.

    Args:
        rotation: (*B, 3, 3) rotation matrices.
    """
    m = rotation.flatten(-2).unbind(-1)
    outer = torch.stack(
        [
            *(1 + m[0] + m[4] + m[8], m[7] - m[5], m[2] - m[6], m[3] - m[1]),
            *(m[7] - m[5], 1 + m[0] - m[4] - m[8], m[1] + m[3], m[2] + m[6]),
            *(m[2] - m[6], m[1] + m[3], 1 - m[0] + m[4] - m[8], m[5] + m[7]),
            *(m[3] - m[1], m[2] + m[6], m[5] + m[7], 1 - m[0] - m[4] + m[8]),
        ],
        dim=-1,
    ).unflatten(-1, (4, 4))
    best = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = torch.take_along_dim(outer, best[..., None, None], dim=-2).squeeze(-2)
    q = row / torch.linalg.vector_norm(row, dim=-1, keepdim=True)
    return torch.where(q[..., :1] < 0, -q, q)


@overload
def rotvec_from_rotation(rotation: Float[np.ndarray, "*B 3 3"]) -> Float64[np.ndarray, "*B 3"]: ...
@overload
def rotvec_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 3"]: ...
def rotvec_from_rotation(
    rotation: Float[np.ndarray, "*B 3 3"] | Float[Tensor, "*B 3 3"],
) -> Float64[np.ndarray, "*B 3"] | Float[Tensor, "*B 3"]:
    """Axis times angle, angle in [0, π]; accurate near 0 and near π, the inverse of the above.

    At exactly π the two opposite axes are equally right and one of them is returned.

    Args:
        rotation: (*B, 3, 3) rotation matrices.

    Returns:
        (*B, 3) radians: a tensor in the dtype of the input, or a float64 array.
    """
    if isinstance(rotation, np.ndarray):
        return np.asarray(rotvec_from_rotation(torch.from_numpy(np.array(rotation, np.float64))).numpy(), np.float64)
    w, v = quaternion_from_rotation(rotation).split([1, 3], dim=-1)
    n = (v * v).sum(-1, keepdim=True)
    small = n < 1e-4
    norm = torch.where(small, torch.ones_like(n), n).sqrt()
    safe_w = torch.where(small, w, torch.ones_like(w))
    s = n / (safe_w * safe_w)
    series = 2 / safe_w * (1 - s * (1 / 3 - s * (1 / 5 - s * (1 / 7 - s / 9))))
    return v * torch.where(small, series, 2 * torch.atan2(norm, w) / norm)


def rotation_from_6d(sixd: Float[Tensor, "*B 6"]) -> Float[Tensor, "*B 3 3"]:
    """Rotation from its first two columns, made orthonormal (Zhou et al. 2019, equation 15).

    Args:
        sixd: (*B, 6), first column then second; neither zero nor parallel.

    Returns:
        (*B, 3, 3) rotation matrices.
    """
    first, second = sixd.split(3, dim=-1)
    x = first / torch.linalg.vector_norm(first, dim=-1, keepdim=True)
    y = second - (x * second).sum(-1, keepdim=True) * x
    y = y / torch.linalg.vector_norm(y, dim=-1, keepdim=True)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


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


def _rotation_from_rotvec_numpy(rotvec: Float[np.ndarray, "*B 3"]) -> Float64[np.ndarray, "*B 3 3"]:
    r = np.asarray(rotvec, np.float64)
    theta = np.linalg.norm(r, axis=-1)[..., None, None]
    cross = np.zeros((*r.shape[:-1], 3, 3))
    cross[..., 2, 1], cross[..., 0, 2], cross[..., 1, 0] = r[..., 0], r[..., 1], r[..., 2]
    cross -= np.swapaxes(cross, -1, -2).copy()
    # numpy.sinc(x) = sin(πx) / (πx), 1 at zero.
    sine = np.sinc(theta / np.pi)
    cosine = np.sinc(theta / (2 * np.pi)) ** 2 / 2
    return np.asarray(np.eye(3) + sine * cross + cosine * (cross @ cross), np.float64)
