"""Rotations in torch, batched and differentiable everywhere: rotation vector, 6D, Euler angles.

Letters: B batch (any leading axes). Angles in radians; matrices act on columns, `y = R @ x`.

Head frame: x to the subject's left, y up, z out of the face. The NumPy twins are in
`rotation_numpy`.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def rotation_from_rotvec(rotvec: Float[Tensor, "*B 3"]) -> Float[Tensor, "*B 3 3"]:
    """Rotation matrix of an axis times an angle (Rodrigues' formula), smooth at zero.

    `R = I + (sin θ / θ) [r]× + ((1 - cos θ) / θ²) [r]×²` with `θ = |r|`. Below θ = 0.1 the two
    factors are their Taylor polynomials in θ² (error under 1e-17), so that no root of zero is
    taken and every derivative exists.

    Args:
        rotvec: (*B, 3) radians.

    Returns:
        (*B, 3, 3) rotation matrices in the dtype of the input.
    """
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


def rotvec_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 3"]:
    """Axis times angle, angle in [0, π]; accurate near 0 and near π, the inverse of the above.

    At exactly π the two opposite axes are equally right and one of them is returned.

    Args:
        rotation: (*B, 3, 3) rotation matrices.

    Returns:
        (*B, 3) radians.
    """
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


def sixd_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 6"]:
    """First two columns of rotation matrices, (*B, 6): a right inverse of `rotation_from_6d`."""
    return torch.cat([rotation[..., 0], rotation[..., 1]], dim=-1)


def rotation_from_euler(
    yaw: Float[Tensor, "*B"], pitch: Float[Tensor, "*B"], roll: Float[Tensor, "*B"]
) -> Float[Tensor, "*B 3 3"]:
    """Turn of a head in its own frame, `R = Ry(yaw) @ Rx(pitch) @ Rz(roll)`.

    Args:
        yaw: (*B,) radians about y; positive turns the nose to the subject's left.
        pitch: (*B,) radians about x; positive bows the nose down.
        roll: (*B,) radians about z; positive tilts the top of the head to the subject's right,
            counter-clockwise in the image of a frontal face.

    Returns:
        (*B, 3, 3) rotation matrices.
    """
    cy, sy = yaw.cos(), yaw.sin()
    cp, sp = pitch.cos(), pitch.sin()
    cr, sr = roll.cos(), roll.sin()
    return torch.stack(
        [
            *(cy * cr + sy * sp * sr, sy * sp * cr - cy * sr, sy * cp),
            *(cp * sr, cp * cr, -sp),
            *(cy * sp * sr - sy * cr, sy * sr + cy * sp * cr, cy * cp),
        ],
        dim=-1,
    ).unflatten(-1, (3, 3))


def euler_from_rotation(rotation: Float[Tensor, "*B 3 3"]) -> Float[Tensor, "*B 3"]:
    """Yaw, pitch, roll in radians, (*B, 3); pitch in [-π/2, π/2].

    At pitch = ±π/2 only yaw ∓ roll is defined: any pair that gives the rotation may be returned.
    """
    yaw = torch.atan2(rotation[..., 0, 2], rotation[..., 2, 2])
    horizontal = torch.hypot(rotation[..., 1, 0], rotation[..., 1, 1])
    pitch = torch.atan2(-rotation[..., 1, 2], horizontal)
    # Undo the yaw first: exact at the poles too, where rows 1 alone would not tell the roll.
    cy, sy = yaw.cos(), yaw.sin()
    sine = sy * rotation[..., 2, 1] - cy * rotation[..., 0, 1]
    cosine = cy * rotation[..., 0, 0] - sy * rotation[..., 2, 0]
    return torch.stack([yaw, pitch, torch.atan2(sine, cosine)], dim=-1)
