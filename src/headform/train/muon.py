"""Muon: orthogonalized momentum for weight matrices; Adam for the rest.

A matrix with A rows and B columns.

    m <- mu m + g,   u = g + mu m                         Nesterov momentum
    U = orthogonal factor of u, nearly                    five steps of a quintic Newton-Schulz iteration
    w <- w - rate (decay w + 0.2 sqrt(max(A, B)) U)       entries move by about 0.2 of the rate, as with Adam

A step has the same size in every direction of the matrix, however uneven the gradient is. The terms of a Chebyshev filter
of a smooth signal are nearly collinear (T_k x is close to (-1)^k x), where Adam, which treats each weight separately, is
slow: it learns their sum quickly and their differences slowly.

References: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024 (momentum, iteration and its
coefficients); Liu et al., "Muon is scalable for LLM training", 2025, arXiv 2502.16982, eq. 4 (the scale); Kingma and Ba,
"Adam", ICLR 2015, and Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019 (the rest).
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic: five steps map singular values from 0.01 to 1 to between 0.68 and 1.14."""


def orthogonalized(matrix: Float[Tensor, "A B"], steps: int = 5) -> Float[Tensor, "A B"]:
    """Approximate U V' of a matrix U S V': singular values that are not tiny become about 1; zero stays zero."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / (wide.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.T


class Muon(torch.optim.Optimizer):
    """Muon optimizer. Weights of more than two axes are flattened to matrices: (K, C_in, C_out) has K C_in rows.

    Args:
        params: parameters or groups, as for torch's optimizers; vectors and scalars use Adam (0.9, 0.999).
        lr: learning rate of the matrices.
        momentum: momentum factor mu.
        weight_decay: decoupled weight decay of all parameters.
        vector_rate: learning rate of Adam as a fraction of `lr`.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        vector_rate: float = 0.3,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, defaults | {"vector_rate": vector_rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; `closure` is not supported.

        Raises:
            ValueError: a closure.
        """
        if closure is not None:
            raise ValueError("Muon does not support a closure")
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                if weight.ndim >= 2:
                    rate = group["lr"]
                    move = self._matrix(weight, weight.grad, group["momentum"])
                else:
                    rate = group["lr"] * group["vector_rate"]
                    move = self._vector(weight, weight.grad)
                weight.mul_(1 - rate * group["weight_decay"]).sub_(rate * move)

    def _matrix(self, weight: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        mean = state["momentum"].mul_(momentum).add_(gradient)
        ahead = (gradient + momentum * mean).reshape(-1, weight.shape[-1])
        scale = 0.2 * max(ahead.shape) ** 0.5
        return (scale * orthogonalized(ahead)).reshape(weight.shape)

    def _vector(self, weight: Tensor, gradient: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        count = float(state["step"])
        mean = state["mean"].lerp_(gradient, 0.1)
        square = state["square"].lerp_(gradient.square(), 0.001)
        return (mean / (1 - 0.9**count)) / ((square / (1 - 0.999**count)).sqrt() + 1e-8)
