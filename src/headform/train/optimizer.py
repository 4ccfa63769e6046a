"""The optimizer of a run: its groups of parameters, and its state by the parameters' names."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from headform.errors import UsageError, WeightsError
from headform.train.config import GroupConfig, OptimizerConfig
from headform.train.muon import Muon


def build_optimizer(
    module: nn.Module, config: OptimizerConfig, groups: tuple[GroupConfig, ...] = ()
) -> torch.optim.Optimizer:
    """AdamW, SGD or Muon over all parameters that want gradients.

    Raises:
        UsageError: `group_empty` when a group names no parameter.
    """
    left = {name: p for name, p in module.named_parameters() if p.requires_grad}
    parts = []
    for group in groups:
        named = [n for n in left if any(fnmatchcase(n, pattern) for pattern in group.names)]
        if not named:
            what = f"no parameter is named by the group {', '.join(group.names)}"
            raise UsageError("group_empty", what, "", "see module.named_parameters()")
        mine = [left.pop(name) for name in named]
        parts.append({"params": mine, "weight_decay": group.weight_decay, "factor": group.rate})
    parts.append({"params": list(left.values()), "weight_decay": config.weight_decay, "factor": 1.0})
    parts = [part for part in parts if part["params"]]
    if config.kind == "sgd":
        return torch.optim.SGD(parts, lr=config.rate, momentum=config.momentum)
    if config.kind == "muon":
        return Muon(parts, lr=config.rate, momentum=config.momentum)
    return torch.optim.AdamW(parts, lr=config.rate)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the rate, times its own factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


def optimizer_tensors(optimizer: torch.optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """Momenta, squared averages and step counts as `<quantity>.<parameter>`; empty before step 1."""
    found = {}
    for name, parameter in module.named_parameters():
        for quantity, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                found[f"{quantity}.{name}"] = value
    return found


def restore_optimizer(
    optimizer: torch.optim.Optimizer, module: nn.Module, tensors: Mapping[str, Tensor], where: str
) -> None:
    """Put `optimizer_tensors` back, in the memory layout and on the device of each parameter.

    Raises:
        WeightsError: `weights_mismatch` when a tensor belongs to no parameter.
    """
    parameters = dict(module.named_parameters())
    optimizer.state.clear()
    for key, value in tensors.items():
        quantity, _, name = key.partition(".")
        parameter = parameters.get(name)
        if parameter is None or (quantity != "step" and value.shape != parameter.shape):
            what = f"the optimizer's {key} fits no parameter of {type(module).__name__}"
            raise WeightsError("weights_mismatch", what, where, "resume with the same network")
        if quantity == "step":  # stays on the CPU, as torch keeps it
            kept = value.clone()
        else:
            kept = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        optimizer.state[parameter][quantity] = kept.detach()


def gradient_norm(parameters: list[nn.Parameter], clip: float | None) -> float:
    """Euclidean norm of all gradients together, which are then scaled down to `clip` at most."""
    if clip is None:
        return float(nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))
    return float(nn.utils.clip_grad_norm_(parameters, clip))
