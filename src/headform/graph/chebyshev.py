"""Chebyshev polynomials of a graph operator, applied to a vertex signal.

Shapes: *B any leading batch axes, V vertices, C channels, K Chebyshev terms.

Reference: Defferrard, Bresson, Vandergheynst, "Convolutional Neural Networks on Graphs with Fast Localized Spectral
Filtering", NeurIPS 2016, section 2.1. https://arxiv.org/abs/1606.09375
"""

import torch
from jaxtyping import Float
from torch import Tensor

from headform.geometry.array_checks import require_count
from headform.graph._operator_checks import require_signal
from headform.graph.laplacian import ScaledLaplacian, require_laplacian


def chebyshev_basis(
    x: Float[Tensor, "*B V C"], lap: ScaledLaplacian, num_terms: int
) -> Float[Tensor, "*B V C {num_terms}"]:
    r"""Stack :math:`T_0(\tilde L)x, \dots, T_{K-1}(\tilde L)x` on a new last axis.

    By the recurrence :math:`T_k = 2\tilde L T_{k-1} - T_{k-2}`: K - 1 sparse products, no eigenvectors. Any device and
    floating dtype, differentiable to any order; the reference of the compiled kernel.

    Args:
        x: vertex signal of the dtype of `lap`.
        lap: spectrum in [-1, 1].
        num_terms: K. The filter reaches K - 1 edges far; K = 1 is a map of each vertex alone.

    Raises:
        InputError: `num_terms` is below 1, the numbers of vertices or the dtypes do not match, or an argument is of another
            kind: `array_value`, `array_shape`, `array_dtype`, `array_kind`.
    """
    num_terms = require_count("num_terms", num_terms, 1)
    require_signal("the signal", x, require_laplacian(lap).num_vertices)
    flat = x.movedim(-2, 0)  # (V, *B, C): sparse products want the vertices first
    shape = flat.shape
    terms = [flat.reshape(shape[0], -1)]  # (V, B*C)
    if num_terms > 1:
        terms.append(lap.matmul(terms[0]))
    for _ in range(2, num_terms):
        terms.append(2 * lap.matmul(terms[-1]) - terms[-2])
    return torch.stack(terms, dim=-1).reshape(*shape, num_terms).movedim(0, -3)
