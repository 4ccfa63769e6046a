"""Chebyshev spectral graph convolution on a fixed mesh topology.

Shapes: *B any leading batch axes, V vertices, C channels, K Chebyshev terms.

Reference: Defferrard, Bresson, Vandergheynst, "Convolutional Neural Networks on Graphs with Fast Localized Spectral
Filtering", NeurIPS 2016, eq. 4-5. https://arxiv.org/abs/1606.09375
"""

import math
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import InputError, UsageError
from headform.geometry.array_checks import require_count, require_tensor, wrong_shape
from headform.graph._operator_checks import require_signal
from headform.graph.chebyshev import chebyshev_basis
from headform.graph.laplacian import ScaledLaplacian, require_laplacian

Backend = Literal["auto", "reference", "compiled"]
"""``reference``: torch, any device and dtype. ``compiled``: the CPU kernel, float32 alone. ``auto``: the kernel where it
applies, else the reference."""


class ChebConv(nn.Module):
    r"""y = \sum_k T_k(\tilde L) x W_k + b.

    The Laplacian is an argument, not state: one operator per mesh level is built once and shared by every layer that
    works on that level. Differentiable any number of times by autograd; the transforms of `torch.func` do not take sparse
    operators. Weights are initialized like
    those of an `nn.Linear` with K * C_in inputs, the bias with 0.

    Args:
        in_channels: C_in.
        out_channels: C_out.
        num_terms: K, the number of Chebyshev terms (polynomial degree K - 1).
        bias: add one learned offset per output channel.
        rectify: clip the result at 0 (with `bias`: the biased ReLU of CoMA, fused with the convolution).
        backend: see `Backend`.

    Attributes:
        weight: (K, C_in, C_out).
        bias: (C_out,) or None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_terms: int,
        *,
        bias: bool = True,
        rectify: bool = False,
        backend: Backend = "auto",
    ) -> None:
        super().__init__()
        for name, number in (("num_terms", num_terms), ("in_channels", in_channels), ("out_channels", out_channels)):
            require_count(name, number, 1)
        _require_backend(backend)
        self.in_channels, self.out_channels, self.num_terms = in_channels, out_channels, num_terms
        self.rectify, self.backend = rectify, backend
        self.weight = nn.Parameter(torch.empty(num_terms, in_channels, out_channels))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        bound = 1 / math.sqrt(num_terms * in_channels)
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, x: Float[Tensor, "*B V C_in"], lap: ScaledLaplacian) -> Float[Tensor, "*B V C_out"]:
        """Filter `x` on the graph whose scaled Laplacian is `lap`."""
        return cheb_conv(x, self.weight, self.bias, lap, rectify=self.rectify, backend=self.backend)

    def extra_repr(self) -> str:
        """Return sizes for `print(model)`."""
        bias = self.bias is not None
        sizes = f"{self.in_channels}, {self.out_channels}, num_terms={self.num_terms}"
        return f"{sizes}, bias={bias}, rectify={self.rectify}"


def cheb_conv(
    x: Float[Tensor, "*B V C_in"],
    weight: Float[Tensor, "K C_in C_out"],
    bias: Float[Tensor, " C_out"] | None,
    lap: ScaledLaplacian,
    *,
    rectify: bool = False,
    backend: Backend = "auto",
) -> Float[Tensor, "*B V C_out"]:
    """Apply the convolution of `ChebConv`.

    Raises:
        InputError: the numbers of vertices or channels or the dtypes do not match, or an argument is of another kind:
            `array_shape`, `array_dtype`, `array_kind`.
        UsageError: `backend_unknown`, or `backend_unsupported` where the kernel does not support the input.
    """
    _require_backend(backend)
    _check(x, weight, bias, lap)
    if backend != "reference":
        from headform.graph._compiled import applies, cheb_conv_compiled

        if applies(x, weight, lap):
            return cheb_conv_compiled(x, weight, bias, lap, clip=rectify)
        if backend == "compiled":
            raise UsageError("backend_unsupported", "the compiled kernel supports float32 on the CPU only")
    basis = chebyshev_basis(x, lap, len(weight))  # (*B, V, C_in, K)
    y = torch.einsum("...vck,kco->...vo", basis, weight)
    y = y if bias is None else y + bias
    return torch.relu(y) if rectify else y


def _require_backend(backend: str) -> None:
    if backend not in get_args(Backend):
        raise UsageError("backend_unknown", f"backend must be one of {get_args(Backend)}, got {backend!r}")


def _check(x: Tensor, weight: Tensor, bias: Tensor | None, lap: ScaledLaplacian) -> None:
    """Refuse arguments that the kernel would read outside of; a few comparisons, on every call."""
    require_laplacian(lap)
    require_tensor("weight", weight, ("K", "C_in", "C_out"))
    require_signal("the signal", x, lap.num_vertices, weight.shape[1])
    if not weight.numel():
        raise wrong_shape("weight", weight.shape, ("K", "C_in", "C_out"), "give one term and one channel or more")
    if bias is not None:
        require_tensor("bias", bias, (weight.shape[2],))
    dtypes = {t.dtype for t in (x, weight, bias) if t is not None}
    if len(dtypes) > 1 and not torch.is_autocast_enabled(x.device.type):
        found = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in dtypes))
        raise InputError("array_dtype", f"signal, weight and bias differ in dtype: {found}", "", "convert them to one")
