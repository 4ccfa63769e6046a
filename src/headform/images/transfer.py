"""The transfer function of sRGB, differentiable.

Letters: B any axes.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def linear_from_srgb(color: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Linear light of sRGB values (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    c = color.clamp(0.0, 1.0)
    return torch.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(light: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """sRGB values of linear light (IEC 61966-2-1); values outside [0, 1] are clipped first."""
    v = light.clamp(0.0, 1.0)
    # the power's derivative is infinite at 0, where the other branch is taken
    power = 1.055 * v.clamp(min=1e-4) ** (1 / 2.4) - 0.055
    return torch.where(v <= 0.0031308, 12.92 * v, power)


SRGB8_TO_LINEAR = linear_from_srgb(torch.arange(256, dtype=torch.float64) / 255).numpy()
"""(256,) float64, linear light of each 8-bit sRGB value."""
