"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017), as Lin et al. 2020 use it.

Letters: B batch; an item of any shape.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

PENALTY = 10.0
"""Weight of the gradient penalty in both papers."""


def critic_loss(real: Float[Tensor, "B *_"], fake: Float[Tensor, "B *_"]) -> Float[Tensor, ""]:
    """Mean score of fakes minus mean score of real items: what the critic minimizes, beside the penalty."""
    return fake.mean() - real.mean()


def generator_loss(fake: Float[Tensor, "B *_"]) -> Float[Tensor, ""]:
    """Negative mean score of the fakes: what the generator minimizes."""
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Float[Tensor, "B *item"]], Float[Tensor, "B *_"]],
    real: Float[Tensor, "B *item"],
    fake: Float[Tensor, "B *item"],
    generator: torch.Generator | None = None,
    share: Float[Tensor, " B"] | None = None,
    weight: float = PENALTY,
) -> Float[Tensor, ""]:
    """Weight times the mean of `(||grad D(x)||_2 - 1)^2` at points between real and fake items.

    Each item gets one share e ~ U(0, 1) of its own: `x = e real + (1 - e) fake`; the norm runs over all its entries.
    Differentiable in the critic's parameters, hence twice in its operations.

    Args:
        critic: scores of items; an item's score must depend on that item alone (no batch normalization).
        real: (B, ...) real items.
        fake: (B, ...) generated items; no gradient reaches them.
        generator: for the shares, on the CPU; the global one if absent.
        share: (B,) the shares, in place of drawn ones.
        weight: of the penalty.
    """
    if share is None:
        share = torch.rand(len(real), generator=generator, dtype=torch.float64)
    own = share.to(real).view(-1, *[1] * (real.dim() - 1))
    between = (own * real.detach() + (1 - own) * fake.detach()).requires_grad_()
    with torch.enable_grad():
        scores = critic(between)
        (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    norm = (gradient.flatten(1).square().sum(1) + 1e-24).sqrt()  # no root of zero, whose gradient is NaN
    return weight * (norm - 1).square().mean()
