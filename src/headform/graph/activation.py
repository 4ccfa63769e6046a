"""Activations with a learned bias per channel.

*B any leading axes, V vertices, C channels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class BiasedReLU(nn.Module):
    """max(x + b, 0), ``b1relu`` of CoMA (Ranjan et al. 2018).

    Args:
        channels: C.
        init: initial value of every bias.
    """

    def __init__(self, channels: int, *, init: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((channels,), init))

    def forward(self, x: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V C"]:
        """Add the bias and clip at 0."""
        return torch.relu_(x + self.bias)


class BiasedELU(nn.Module):
    """ELU(x + b), of the texture networks of Lin et al. (2020).

    Args:
        channels: C.
        init: initial value of every bias.
    """

    def __init__(self, channels: int, *, init: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((channels,), init))

    def forward(self, x: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V C"]:
        """Add the bias and apply ELU."""
        return nn.functional.elu_(x + self.bias)
