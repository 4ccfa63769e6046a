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

from headform.graph.chebyshev import chebyshev_basis
from headform.graph.laplacian import ScaledLaplacian

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
        if num_terms < 1:
            raise ValueError(f"num_terms must be at least 1, got {num_terms}")
        if backend not in get_args(Backend):
            raise ValueError(f"backend must be one of {get_args(Backend)}, got {backend!r}")
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
        ValueError: the numbers of vertices or channels do not match, or the kernel does not support the input.
    """
    if x.shape[-2] != lap.num_vertices or x.shape[-1] != weight.shape[1]:
        found, wanted = tuple(x.shape[-2:]), (lap.num_vertices, weight.shape[1])
        raise ValueError(f"the signal has {found} vertices and channels, expected {wanted}")
    if backend != "reference":
        from headform.graph._compiled import applies, cheb_conv_compiled

        if applies(x, weight, lap):
            return cheb_conv_compiled(x, weight, bias, lap, clip=rectify)
        if backend == "compiled":
            raise ValueError("the compiled kernel supports float32 on the CPU only")
    basis = chebyshev_basis(x, lap, len(weight))  # (*B, V, C_in, K)
    y = torch.einsum("...vck,kco->...vo", basis, weight)
    y = y if bias is None else y + bias
    return torch.relu(y) if rectify else y
