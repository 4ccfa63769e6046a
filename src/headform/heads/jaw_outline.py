"""Jaw landmarks on the visible outline of a turned head, as annotators mark them.

B batch dimensions, C contour candidates of each jaw point. Two coordinates lie in the picture, in any unit.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from headform.geometry.landmarks68 import JAW

OUTLINE_YAW = (math.radians(35), math.radians(50))
"""Yaw up to which the jaw follows the visible outline fully, and beyond which it does not at all, radians: data sets mark
the hidden jaw itself there (AFLW2000-3D), up to about half profile the outline of the cheek (300-W)."""
_CHIN = 8
"""Jaw point in the middle, which stays."""


def outline_shift(
    jaw: Float[Tensor, "*B 17 2"],
    candidates: Float[Tensor, "*B 17 C 2"],
    left: Float[Tensor, "*B 2"],
    yaw: Float[Tensor, "*B"],
) -> Float[Tensor, "*B 17 2"]:
    """Compute the shift of each jaw point to the side, toward the outermost of its contour candidates.

    Args:
        jaw: Jaw points in the picture.
        candidates: Their contour candidates (`LinearHead.contour`) in the picture.
        left: Direction to the subject's left in the picture; its length does not matter.
        yaw: Yaw of the head, radians; constant to the gradient.
    """
    low, high = OUTLINE_YAW
    share = ((high - yaw.detach().abs()) / (high - low)).clamp(0.0, 1.0)
    sign = torch.ones(JAW.stop, dtype=jaw.dtype, device=jaw.device)
    sign[:_CHIN], sign[_CHIN] = -1.0, 0.0
    side = left / left.norm(dim=-1, keepdim=True).clamp_min(1e-9)
    outward = sign[:, None] * side[..., None, :]  # (*B, 17, 2)
    reach = ((candidates - jaw[..., None, :]) * outward[..., None, :]).sum(-1).amax(-1).clamp_min(0.0)
    return (share[..., None] * reach)[..., None] * outward
