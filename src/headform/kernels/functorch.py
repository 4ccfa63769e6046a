"""Detection of tensors inside the transforms of torch, which compiled kernels must not take."""

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.autograd import forward_ad


def transformed(tensor: Shaped[Tensor, "*B"]) -> bool:
    """Return whether `torch.func` (vmap, grad, jvp and derived transforms) or forward-mode differentiation tracks a tensor.

    Compiled kernels read its values outside torch, and would lose the tracking.
    """
    # there is no public API for the first; `torch.func` itself uses this one
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return True
    return forward_ad.unpack_dual(tensor).tangent is not None
