"""Activations with a learned bias per channel.

*B any leading axes, V vertices, C channels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.geometry.array_checks import require_count, require_tensor

_ALONE = 32767
"""Numbers up to which torch works on one thread. Threads that share their cores with other work, as in a reconstruction,
wait for each other longer than such an operation takes."""
_MANY = 2**20
"""Numbers from which all threads are worth it."""


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

    def forward(
        self, x: Float[Tensor, "*B V C"], past: Float[Tensor, "*B V C"] | None = None
    ) -> Float[Tensor, "*B V C"]:
        """Add the bias, and `past` before it where there is one, and apply ELU."""
        _checked(x, self.bias)
        if torch.is_grad_enabled() or x.device.type != "cpu" or x.numel() > _MANY:
            return nn.functional.elu_((x if past is None else x + past) + self.bias)
        flat, out = x.reshape(-1, x.shape[-1]), torch.empty_like(x, memory_format=torch.contiguous_format)
        added, sums = None if past is None else past.reshape(flat.shape), out.reshape(flat.shape)
        rows = max(1, _ALONE // x.shape[-1])
        for first in range(0, len(flat), rows):
            part = slice(first, first + rows)
            if added is None:
                torch.add(flat[part], self.bias, out=sums[part])
            else:
                torch.add(flat[part], added[part], out=sums[part]).add_(self.bias)
            nn.functional.elu_(sums[part])
        return out


def _checked(x: Tensor, bias: Tensor) -> Tensor:
    """Refuse a signal of one channel, which would be broadcast to all."""
    return require_tensor("the signal", x, ("*B", "V", len(bias)))
