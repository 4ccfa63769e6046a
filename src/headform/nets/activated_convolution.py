"""Convolution and activation in one pass over memory, where no gradient is wanted.

B pictures, C channels, h w cells.

torch's bindings of oneDNN apply the activation while a result is still in a register; the numbers are those of the two
passes. Elsewhere (gradients, other devices, single precision) the two run one after another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Activation = Literal["none", "relu", "relu6"]
_POST_OPS: dict[str, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0, 6]),
}

_in_single_precision: ContextVar[bool] = ContextVar("fused_in_single_precision", default=False)


@contextmanager
def fused_in_single_precision() -> Iterator[None]:
    """Fuse in single precision too, for networks of many cheap convolutions, where this is faster: MobileFaceNet by 1.4."""
    token = _in_single_precision.set(True)
    try:
        yield
    finally:
        _in_single_precision.reset(token)


def convolve(layer: nn.Conv2d, x: Float[Tensor, "B C h w"], activation: Activation) -> Float[Tensor, "B C2 h2 w2"]:
    """Apply a convolution with zero padding, then an activation."""
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
    if not _fuses(x, dtype):
        y = layer(x)
        return y if activation == "none" else nn.functional.relu6(y) if activation == "relu6" else nn.functional.relu(y)
    name, bounds = _POST_OPS[activation]
    bias = None if layer.bias is None else layer.bias.to(dtype)
    return torch.ops.mkldnn._convolution_pointwise(
        x.to(dtype), layer.weight.to(dtype), bias, list(layer.padding), list(layer.stride), list(layer.dilation),
        layer.groups, name, bounds, "",
    )  # fmt: skip


def _fuses(x: Tensor, dtype: torch.dtype) -> bool:
    if torch.is_grad_enabled() or x.device.type != "cpu":
        return False
    if not (torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")):
        return False
    if dtype == torch.float32:
        return _in_single_precision.get()
    return dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
