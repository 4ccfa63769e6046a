"""One phase of a training step: which parameters learn, and the optimizer that moves them."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from headform.errors import UsageError
from headform.train.config import PhaseConfig, TrainerConfig
from headform.train.distributed import DistributedContext
from headform.train.optimizer import (
    build_optimizer,
    gradient_norm,
    matches,
    optimizer_tensors,
    restore_optimizer,
    set_lr,
)


def build_phases(module: nn.Module, trainer: TrainerConfig) -> "list[Phase]":
    """Build the phases of a run; without any configured, one named ``all``.

    Raises:
        UsageError: `phase_empty`; `group_empty` when a group names no parameter that learns in any phase.
    """
    phases = [Phase(module, phase, trainer) for phase in trainer.phases or (PhaseConfig("all"),)]
    for group in trainer.groups:
        if not any(matches(name, group.names) for phase in phases for name in phase.parameters):
            what = f"no parameter is named by the group {', '.join(group.names)}"
            raise UsageError("group_empty", what, "", "see module.named_parameters()")
    return phases


class Phase:
    """See the module docstring.

    Args:
        module: The network; parameters that want no gradient now never learn.
        config: Of this phase.
        trainer: Gives the optimizer where the phase has none, groups, and the limit of the gradient.

    Attributes:
        name: Of the phase.
        config: As given.
        optimizer: Over `parameters`.
        parameters: What learns, by name.

    Raises:
        UsageError: `phase_empty` when nothing learns; `group_empty`.
    """

    def __init__(self, module: nn.Module, config: PhaseConfig, trainer: TrainerConfig) -> None:
        self.name, self.config = config.name, config
        self.parameters = {
            n: p for n, p in module.named_parameters() if p.requires_grad and matches(n, config.parameters)
        }
        if not self.parameters:
            what = f"no parameter learns in the phase {config.name}: {', '.join(config.parameters)}"
            raise UsageError("phase_empty", what, "", "see module.named_parameters()")
        own = config.optimizer or trainer.optimizer
        groups = tuple(g for g in trainer.groups if any(matches(n, g.names) for n in self.parameters))
        self.optimizer = build_optimizer(self.parameters, own, groups)
        self._lr, self._limit = own.lr, trainer.max_grad_norm

    def begin(self, factor: float) -> float:
        """Set the learning rate to `factor` times the highest; returns it."""
        set_lr(self.optimizer, self._lr * factor)
        return self._lr * factor

    @contextmanager
    def learning(self, module: nn.Module) -> Iterator[None]:
        """Let this phase's parameters alone want gradients, so that none are computed for the others."""
        others = [p for n, p in module.named_parameters() if p.requires_grad and n not in self.parameters]
        for parameter in others:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in others:
                parameter.requires_grad_(True)

    def descend(self, context: DistributedContext, *, averaged: bool) -> tuple[float, list[str]]:
        """Take one optimizer step by the gradients that were added up, unless they are not finite.

        Args:
            context: The processes.
            averaged: Whether the gradients are already the mean over the processes.

        Returns:
            The norm of the gradient before it was limited, and the parameters whose gradient is not finite.
        """
        own = list(self.parameters.values())
        if not averaged:
            context.average_gradients(own)
        norm = gradient_norm(own, self._limit)
        if not math.isfinite(norm):
            grads = {n: p.grad for n, p in self.parameters.items() if p.grad is not None}
            return norm, [n for n, g in grads.items() if not bool(torch.isfinite(g).all())]
        self.optimizer.step()
        return norm, []

    def state(self) -> dict[str, Tensor]:
        """State of the optimizer, `<phase>.<quantity>.<parameter>`."""
        return {f"{self.name}.{k}": v for k, v in optimizer_tensors(self.optimizer, self.parameters).items()}

    def restore(self, tensors: dict[str, Tensor], where: str) -> None:
        """Put `state` back.

        Raises:
            WeightsError: `weights_mismatch`.
        """
        prefix = f"{self.name}."
        mine = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        restore_optimizer(self.optimizer, self.parameters, mine, where)
