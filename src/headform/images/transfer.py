"""The transfer function of sRGB, differentiable, and its luma.

*B any axes.
"""

import torch
from jaxtyping import Float
from torch import Tensor

LUMA_REC601 = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the gray of Rec. ITU-R BT.601, as JPEG, Pillow and OpenCV use it on sRGB values."""


def linear_from_srgb(color: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Return the linear light of sRGB values (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    c = color.clamp(0.0, 1.0)
    return torch.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(light: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Return sRGB values of linear light (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    v = light.clamp(0.0, 1.0)
    # the power's derivative is infinite at 0, and torch.where lets NaN through from the branch not taken
    power = 1.055 * v.clamp(min=1e-4) ** (1 / 2.4) - 0.055
    return torch.where(v <= 0.0031308, 12.92 * v, power)


LINEAR_FROM_SRGB8 = linear_from_srgb(torch.arange(256, dtype=torch.float64) / 255).numpy()
"""Linear light of each 8-bit sRGB value, float64."""
