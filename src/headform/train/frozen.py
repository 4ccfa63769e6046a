"""Frozen parts of a network: left out of checkpoint and average, and identified by their digest."""

import hashlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from headform.errors import UsageError
from headform.train.optimizer import matches


def frozen_names(module: nn.Module, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """List the tensors of the state that patterns declare frozen.

    Args:
        module: Network.
        patterns: `fnmatch` patterns, such as `backbone.*`, of names in `module.state_dict()`.

    Raises:
        UsageError: `frozen_invalid` when a pattern matches nothing, or a parameter with `requires_grad`.
    """
    state = module.state_dict()
    names = tuple(n for n in state if matches(n, patterns))
    idle = [p for p in patterns if not any(matches(n, (p,)) for n in state)]
    learning = [n for n, p in module.named_parameters() if p.requires_grad and n in names]
    if idle or learning:
        what = (
            f"the frozen pattern {idle[0]} matches nothing"
            if idle
            else f"the frozen part contains {learning[0]}, which is trained"
        )
        raise UsageError(
            "frozen_invalid", what, type(module).__name__, "see module.state_dict(), or use requires_grad_"
        )
    return names


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """Compute the SHA-256 of names, types, shapes and bytes; independent of the device."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        found.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        found.update(np.ascontiguousarray(value.flatten().view(torch.uint8).numpy()).data)
    return found.hexdigest()
