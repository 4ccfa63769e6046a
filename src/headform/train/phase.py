"""One phase of a training step: its trained parameters and their optimizer."""

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
        UsageError: `phase_empty`; `group_empty` when a group matches no parameter trained in any phase.
    """
    phases = [Phase(module, phase, trainer) for phase in trainer.phases or (PhaseConfig("all"),)]
    for group in trainer.groups:
        if not any(matches(name, group.names) for phase in phases for name in phase.parameters):
            what = f"no trained parameter matches the group {', '.join(group.names)}"
            raise UsageError("group_empty", what, "", "see module.named_parameters()")
    return phases


class Phase:
    """Trained parameters of one phase and their optimizer.

    Args:
        module: Network; parameters with `requires_grad` False are never trained.
        config: Configuration of this phase.
        trainer: Configuration of the run: default optimizer, groups, and limit of the gradient norm.

    Attributes:
        name: Name of the phase.
        config: Configuration of this phase.
        optimizer: Optimizer over `parameters`.
        parameters: Trained parameters by name.

    Raises:
        UsageError: `phase_empty` when no parameter is trained; `group_empty`.
    """

    def __init__(self, module: nn.Module, config: PhaseConfig, trainer: TrainerConfig) -> None:
        self.name, self.config = config.name, config
        self.parameters = {
            n: p for n, p in module.named_parameters() if p.requires_grad and matches(n, config.parameters)
        }
        if not self.parameters:
            what = f"phase {config.name} trains no parameter: {', '.join(config.parameters)} match none"
            raise UsageError("phase_empty", what, "", "see module.named_parameters()")
        own = config.optimizer or trainer.optimizer
        groups = tuple(g for g in trainer.groups if any(matches(n, g.names) for n in self.parameters))
        self.optimizer = build_optimizer(self.parameters, own, groups)
        self._lr, self._limit = own.lr, trainer.max_grad_norm

    def begin(self, factor: float) -> float:
        """Set the learning rate to `factor` times the highest rate, and return it."""
        set_lr(self.optimizer, self._lr * factor)
        return self._lr * factor

    @contextmanager
    def learning(self, module: nn.Module) -> Iterator[None]:
        """Disable gradients of all other parameters inside the context."""
        others = [p for n, p in module.named_parameters() if p.requires_grad and n not in self.parameters]
        for parameter in others:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in others:
                parameter.requires_grad_(True)

    def descend(self, context: DistributedContext, *, averaged: bool) -> tuple[float, list[str]]:
        """Take one optimizer step with the accumulated gradients, unless they are not finite.

        Args:
            context: Processes of the run.
            averaged: True if the gradients are already averaged over the processes.

        Returns:
            The norm of the gradient before clipping, and the names of the parameters whose gradient is not finite.
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
        """Return the state of the optimizer as `<phase>.<quantity>.<parameter>`."""
        return {f"{self.name}.{k}": v for k, v in optimizer_tensors(self.optimizer, self.parameters).items()}

    def restore(self, tensors: dict[str, Tensor], where: str) -> None:
        """Restore the tensors returned by `state`.

        Raises:
            WeightsError: `weights_mismatch`.
        """
        prefix = f"{self.name}."
        mine = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        restore_optimizer(self.optimizer, self.parameters, mine, where)
