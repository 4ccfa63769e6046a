"""Which tensors hold more than numbers: those inside the transforms of torch.

No letters: any shape.
"""

import torch
from jaxtyping import Shaped
from torch import Tensor
from torch.autograd import forward_ad


def transformed(tensor: Shaped[Tensor, "*B"]) -> bool:
    """Whether `torch.func` (vmap, grad, jvp and what is made of them) or forward differentiation follows a tensor.

    Compiled kernels take its numbers out of torch, and would lose that.
    """
    # torch has no public question for the first; `torch.func` itself asks it so
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return True
    return forward_ad.unpack_dual(tensor).tangent is not None
