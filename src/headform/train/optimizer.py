"""Optimizers over named groups of parameters, and their state by parameter name."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from headform.errors import UsageError, WeightsError
from headform.train.config import GroupConfig, OptimizerConfig
from headform.train.muon import Muon


def build_optimizer(
    parameters: Mapping[str, nn.Parameter], config: OptimizerConfig, groups: tuple[GroupConfig, ...] = ()
) -> torch.optim.Optimizer:
    """Build AdamW, SGD or Muon over named parameters.

    Raises:
        UsageError: `group_empty` when a group matches no parameter.
    """
    left = dict(parameters)
    parts = []
    for group in groups:
        named = [n for n in left if matches(n, group.names)]
        if not named:
            what = f"no parameter matches the group {', '.join(group.names)}"
            raise UsageError("group_empty", what, "", "see module.named_parameters()")
        mine = [left.pop(name) for name in named]
        parts.append({"params": mine, "weight_decay": group.weight_decay, "factor": group.lr_scale})
    parts.append({"params": list(left.values()), "weight_decay": config.weight_decay, "factor": 1.0})
    parts = [part for part in parts if part["params"]]
    if config.kind == "sgd":
        return torch.optim.SGD(parts, lr=config.lr, momentum=config.momentum)
    if config.kind == "muon":
        return Muon(parts, lr=config.lr, momentum=config.momentum)
    return torch.optim.AdamW(parts, lr=config.lr, betas=config.betas)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a dotted name matches one of several patterns such as `encoder.*` (`fnmatch`, case-sensitive)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group, times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["factor"]


def optimizer_tensors(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Collect momenta, squared averages and step counts as `<quantity>.<parameter>`; empty before step 1."""
    found = {}
    for name, parameter in parameters.items():
        for quantity, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                found[f"{quantity}.{name}"] = value
    return found


def restore_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, nn.Parameter],
    tensors: Mapping[str, Tensor],
    where: str,
) -> None:
    """Restore the tensors of `optimizer_tensors`, in the memory layout and on the device of each parameter.

    Raises:
        WeightsError: `weights_mismatch` when a tensor belongs to no parameter.
    """
    optimizer.state.clear()
    for key, value in tensors.items():
        quantity, _, name = key.partition(".")
        parameter = parameters.get(name)
        if parameter is None or (quantity != "step" and value.shape != parameter.shape):
            what = f"the optimizer state {key} matches no trained parameter"
            raise WeightsError("weights_mismatch", what, where, "resume with the same network")
        if quantity == "step":  # stays on the CPU, as torch keeps it
            kept = value.clone()
        else:
            kept = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        optimizer.state[parameter][quantity] = kept.detach()


def gradient_norm(parameters: list[nn.Parameter], limit: float | None) -> float:
    """Compute the Euclidean norm of all gradients together, and clip it to `limit`."""
    if limit is None:
        return float(nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    return float(nn.utils.clip_grad_norm_(parameters, limit))
