"""Activations with a learned bias per channel.

*B any leading axes, V vertices, C channels.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.geometry.array_checks import require_count, require_tensor
from headform.graph._elu_kernel import biased_elu
from headform.kernels.functorch import transformed
from headform.kernels.simd import WIDTH


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
        if past is not None:
            require_tensor("the other signal", past, tuple(x.shape))
        signals = (x,) if past is None else (x, past)
        if torch.is_grad_enabled() or torch.compiler.is_compiling() or not all(map(_plain, (*signals, self.bias))):
            return nn.functional.elu_((x if past is None else x + past) + self.bias)
        return _compiled_elu([signal.contiguous() for signal in signals], self.bias)


def _plain(tensor: Float[Tensor, "*B"]) -> bool:
    """Return whether the compiled kernel may take a tensor."""
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and not transformed(tensor)


def _compiled_elu(signals: list[Float[Tensor, "*B V C"]], bias: Float[Tensor, " C"]) -> Float[Tensor, "*B V C"]:
    """Apply ELU to the sum of one or two signals and a bias, in one pass: torch's own takes four times as long."""
    x, period = signals[0], math.lcm(len(bias), WIDTH)
    count = x.numel()
    whole = count - count % WIDTH
    out, repeated = torch.empty_like(x), bias.detach().contiguous()
    if period > len(bias):
        repeated = repeated.repeat(period // len(bias))
    first, second = (*(signal.data_ptr() for signal in signals), 0)[:2]
    biased_elu(first, second, repeated.data_ptr(), period, out.data_ptr(), whole)
    if whole < count:  # what is left over, filled up
        rest = torch.zeros(3, WIDTH)
        for row, signal in zip(rest, signals, strict=False):
            row[: count - whole] = signal.flatten()[whole:]
        rest[2] = repeated.roll(-whole)[:WIDTH]
        biased_elu(rest[0].data_ptr(), rest[1].data_ptr(), rest[2].data_ptr(), WIDTH, rest[0].data_ptr(), WIDTH)
        out.view(-1)[whole:] = rest[0, : count - whole]
    return out


def _checked(x: Tensor, bias: Tensor) -> Tensor:
    """Refuse a signal of one channel, which would be broadcast to all."""
    return require_tensor("the signal", x, ("*B", "V", len(bias)))
