"""Several processes that train one network: rank, collective sums and averages.

L numbers.

`torchrun` starts the processes and sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT. In a single process,
everything here is a no-op. Every process reads the same run folder; process 0 alone writes to it.
"""

import atexit
import os
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

_PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True)
class DistributedContext:
    """Place of this process among those of a run.

    Attributes:
        rank: Number of this process.
        world_size: Number of processes.
        local_rank: Number of this process on its machine, hence of its GPU.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """True for process 0, the only one that writes files."""
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """This process's GPU where there is CUDA, else the CPU."""
        if torch.cuda.is_available():
            return torch.device("cuda", self.local_rank)
        return torch.device("cpu")

    def wrap(self, module: nn.Module) -> nn.Module:
        """Wrap a module so that its backward pass averages gradients over all processes; a no-op in a single process.

        All processes receive the weights and buffers of process 0.
        """
        return module if self.world_size == 1 else DistributedDataParallel(module)

    def average_gradients(self, parameters: list[nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes; a process without one counts as zero."""
        if self.world_size == 1:
            return
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            distributed.all_reduce(parameter.grad)
            parameter.grad /= self.world_size

    def broadcast(self, module: nn.Module) -> None:
        """Copy the weights and buffers of process 0 to all processes."""
        if self.world_size > 1:
            for value in module.state_dict().values():
                distributed.broadcast(value, 0)

    def total(self, numbers: list[float], device: torch.device) -> list[float]:
        """Sum of each number over all processes, in float64; waits for all of them.

        Args:
            numbers: (L,) numbers, of the same length in each process.
            device: Device of the reduction, supported by the backend: that of the module.
        """
        if self.world_size == 1:
            return numbers
        values = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.all_reduce(values)
        return [float(v) for v in values]

    def wait(self) -> None:
        """Wait for all processes to arrive here."""
        if self.world_size > 1:
            distributed.barrier()


def init_distributed() -> DistributedContext:
    """Join the process group, once; a single process without `torchrun` and without a process group.

    An existing process group is used as it is. Otherwise one is initialized from the environment
    that `torchrun` sets, over NCCL with CUDA and over gloo elsewhere, and destroyed at exit.
    """
    here = int(os.environ.get("LOCAL_RANK", "0"))
    if not distributed.is_available():
        return DistributedContext()
    if not distributed.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
            return DistributedContext()
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(here)
        distributed.init_process_group("nccl" if cuda else "gloo", timeout=_PATIENCE)
        atexit.register(_leave)
    return DistributedContext(distributed.get_rank(), distributed.get_world_size(), here)


def _leave() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
