"""A square root that may meet zero."""

import torch
from jaxtyping import Float
from torch import Tensor


def safe_sqrt(square: Float[Tensor, "*B"]) -> Float[Tensor, "*B"]:
    """Take the square root; where it is zero the gradient is zero, not infinite."""
    positive = square > 0
    return torch.where(
        positive, torch.where(positive, square, torch.ones_like(square)).sqrt(), torch.zeros_like(square)
    )
