"""A small stage with all that a resume can get wrong: dropout, batch norm, noise, an average, a data set.

`train` is what `kill_and_resume.py` kills.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from headform.train.config import OptimizerConfig, ScheduleConfig, TrainerConfig
from headform.train.trainer import Losses, Step, Trainer

COUNT = 50
ADAMW = TrainerConfig(
    steps=24,
    batch=8,
    optimizer=OptimizerConfig("adamw", lr=1e-2),
    schedule=ScheduleConfig("cosine", warmup=5),
    ema_decay=0.9,
    log_every=1,
    validate_every=6,
    save_every=5,
    save_seconds=None,
)
SGD = replace(
    ADAMW,
    optimizer=OptimizerConfig("sgd", lr=1e-2, weight_decay=1e-3),
    schedule=ScheduleConfig("exponential", warmup=0, gamma=0.9, every=COUNT / 8),
)


def build(width: int = 24) -> nn.Module:
    """Eight numbers to one."""
    return nn.Sequential(
        nn.Linear(8, width),
        nn.BatchNorm1d(width),
        nn.Dropout(0.3),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, 1),
    )


def data() -> tuple[Tensor, Tensor]:
    """COUNT inputs and what is to be read from them."""
    rng = np.random.default_rng(5)
    x = torch.from_numpy(rng.normal(size=(COUNT, 8)).astype(np.float32))
    return x, x.square().sum(1, keepdim=True)


def losses_of(net: nn.Module, step: Step) -> Losses:
    x, y = data()
    assert step.indices is not None
    noise = torch.from_numpy(step.rng.normal(0, 0.1, (step.count, 8)).astype(np.float32))
    off = net(x[step.indices] + noise) - y[step.indices]
    return {"total": off.square().mean(), "l1": off.abs().mean()}


@torch.no_grad()
def validate(net: nn.Module) -> dict[str, float]:
    x, y = data()
    torch.rand(3)  # a validation may draw; the training must not notice
    return {"mse": float((net(x) - y).square().mean())}


def trainer(folder: Path, config: TrainerConfig = ADAMW, *, resume: bool = False, width: int = 24) -> Trainer:
    """A new one in a process that remembers nothing: other first weights, other generators."""
    torch.manual_seed(99 if resume else 1)
    net = build(width)
    return Trainer(net, config, folder, metadata={"stage": "toy"}, count=COUNT, resume=resume)


def train(folder: Path, steps: int, resume: bool) -> None:
    """A run with many checkpoints, in a process of its own."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = replace(ADAMW, steps=steps, validate_every=25, save_every=3)
    run = Trainer(build(400), config, folder, metadata={"stage": "toy"}, count=COUNT, resume=resume)
    if not run.run(losses_of, validate, log_fn=lambda line: None).stopped:
        save_file(run.averaged_module().state_dict(), folder / "weights.safetensors")
