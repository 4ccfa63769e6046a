"""Activations with a learned bias per channel.

*B any leading axes, V vertices, C channels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.geometry.array_checks import require_count, require_tensor


class BiasedReLU(nn.Module):
    """max(x + b, 0), ``b1relu`` of CoMA (Ranjan et al. 2018).

    Args:
        channels: C.
        init: initial value of every bias.
    """

    def __init__(self, channels: int, *, init: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((require_count("channels", channels, 1),), init))

    def forward(self, x: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V C"]:
        """Add the bias and clip at 0."""
        return torch.relu_(_checked(x, self.bias) + self.bias)


class BiasedELU(nn.Module):
    """ELU(x + b), of the texture networks of Lin et al. (2020).

    Args:
        channels: C.
        init: initial value of every bias.
    """

    def __init__(self, channels: int, *, init: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((require_count("channels", channels, 1),), init))

    def forward(self, x: Float[Tensor, "*B V C"]) -> Float[Tensor, "*B V C"]:
        """Add the bias and apply ELU."""
        return nn.functional.elu_(_checked(x, self.bias) + self.bias)


def _checked(x: Tensor, bias: Tensor) -> Tensor:
    """Refuse a signal of one channel, which would be broadcast to all."""
    return require_tensor("the signal", x, ("*B", "V", len(bias)))
