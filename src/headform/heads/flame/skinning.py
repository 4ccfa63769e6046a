"""Skeleton of a surface, in plain torch: forward kinematics, pose features, linear blend skinning.

The reference for `heads.flame_compiled`, and the implementation for other devices and dtypes. B batch (any leading axes),
V vertices, J joints; angles in radians, positions in meters; matrices act on columns.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def pose_feature(rotations: Float[Tensor, "*B J 3 3"]) -> Float[Tensor, "*B P"]:
    """Compute R - I of every joint but the root, row by row: P = 9 (J - 1) numbers (Loper et al. 2015, section 3.2)."""
    eye = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    return (rotations[..., 1:, :, :] - eye).flatten(-3)


def posed_joints(
    rotations: Float[Tensor, "*B J 3 3"],
    joints: Float[Tensor, "*B J 3"],
    parents: Sequence[int],
) -> tuple[Float[Tensor, "*B J 3 3"], Float[Tensor, "*B J 3"]]:
    """Compute world rotations and positions of the joints by forward kinematics.

    Args:
        rotations: rotation of each joint relative to its parent.
        joints: joint positions in the rest pose.
        parents: index of the parent of each joint, less than that of the joint; -1 for the root.
    """
    turned, placed = [rotations[..., 0, :, :]], [joints[..., 0, :]]
    for joint, parent in list(enumerate(parents))[1:]:
        arm = joints[..., joint, :] - joints[..., parent, :]
        placed.append((turned[parent] @ arm[..., None])[..., 0] + placed[parent])
        turned.append(turned[parent] @ rotations[..., joint, :, :])
    return torch.stack(turned, dim=-3), torch.stack(placed, dim=-2)


def skinned(
    vertices: Float[Tensor, "*B V 3"],
    weights: Float[Tensor, "V J"],
    joints: Float[Tensor, "*B J 3"],
    turned: Float[Tensor, "*B J 3 3"],
    placed: Float[Tensor, "*B J 3"],
) -> Float[Tensor, "*B V 3"]:
    """Apply linear blend skinning: v' = sum over j of w_j (R_j (v - rest_j) + placed_j).

    Args:
        vertices: vertices in the rest pose.
        weights: skinning weight of each joint at each vertex.
        joints: joint positions in the rest pose.
        turned: world rotation of each joint (`posed_joints`).
        placed: world position of each joint.
    """
    offsets = placed - (turned @ joints[..., None])[..., 0]
    blended = (weights @ turned.flatten(-2)).unflatten(-1, (3, 3))
    return (blended @ vertices[..., None])[..., 0] + weights @ offsets
