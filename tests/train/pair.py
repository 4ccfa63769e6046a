"""What each of two processes does in `test_distributed.py`; started by torchrun, or alone for reference.

python -m tests.train.pair FOLDER
"""

import itertools
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import save_file
from torch import nn

from headform.errors import ResourceError
from headform.train import trainer as trainer_module
from headform.train.config import OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig
from headform.train.trainer import Losses, Step, Trainer

COUNT = 70
CONFIGS = {
    "adamw": TrainerConfig(
        steps=24,
        batch=16,
        optimizer=OptimizerConfig("adamw", lr=3e-3),
        schedule=ScheduleConfig("cosine", warmup=5),
        ema_decay=0.9,
        max_grad_norm=0.5,
        log_every=1,
        save_seconds=None,
    ),
    "sgd": TrainerConfig(
        steps=24,
        batch=16,
        optimizer=OptimizerConfig("sgd", lr=8e-3, weight_decay=5e-4),
        schedule=ScheduleConfig("exponential", warmup=0, gamma=0.9, every=COUNT / 16),
        ema_decay=None,
        max_grad_norm=None,
        log_every=1,
        save_seconds=None,
    ),
}
CONFIGS["accumulated"] = replace(CONFIGS["adamw"], accumulate=2)
CONFIGS["phases"] = replace(
    CONFIGS["adamw"],
    phases=(PhaseConfig("body", ("0.*",), repeats=2), PhaseConfig("last", ("1.*",), OptimizerConfig("sgd", lr=8e-3))),
)


def build() -> nn.Module:
    layers = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
    return nn.Sequential(layers, nn.Linear(32, 2)).double()


def losses_of(net: nn.Module, step: Step) -> Losses:
    drawn = torch.Generator().manual_seed(4)
    x = torch.randn(COUNT, 6, generator=drawn, dtype=torch.float64)
    y = torch.stack([x.prod(1), x.square().sum(1)], 1)
    assert step.indices is not None
    chosen = torch.from_numpy(step.indices)
    assert len(chosen) == step.count
    off = net(x[chosen]) - y[chosen]
    return {"total": off.square().mean(), "l1": off.abs().mean()}


def learn(folder: Path, kind: str) -> None:
    torch.manual_seed(int(os.environ.get("RANK", "0")))  # other first weights: the first's count
    trainer = Trainer(build(), CONFIGS[kind], folder / kind, metadata={}, count=COUNT)
    trainer.run(losses_of, log_fn=lambda line: None)
    name = f"weights_{trainer.context.rank}.safetensors"
    save_file(trainer.module.state_dict(), folder / kind / name)


def stop(folder: Path) -> None:
    """The second process is asked to end at step 5; both must, after the same step, and resume."""
    config = replace(CONFIGS["sgd"], steps=20)
    said: dict[str, object] = {}

    def asks(net: nn.Module, step: Step) -> Losses:
        if trainer.context.rank == 1 and step.number == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return losses_of(net, step)

    def breaks(net: nn.Module, step: Step) -> Losses:
        worse = float("nan") if trainer.context.rank == 1 and step.number == 9 else 1.0
        return {"total": losses_of(net, step)["total"] * worse}

    trainer = Trainer(build(), config, folder / "stop", metadata={}, count=COUNT)
    result = trainer.run(asks, log_fn=lambda line: None)
    said["stopped"] = [result.stopped, result.steps]
    trainer = Trainer(build(), config, folder / "stop", metadata={}, count=COUNT, resume=True)
    said["resumed"] = trainer.step
    try:
        trainer.run(breaks, log_fn=lambda line: None)
    except ResourceError as error:
        said["error"] = [error.code, error.message]
    # Clocks that disagree: the first process's counts, 60 steps of 10 ms.
    ticks = itertools.count()
    pace = 0.01 if trainer.context.rank == 0 else 0.07
    trainer_module.time = SimpleNamespace(monotonic=lambda: pace * next(ticks))
    timed = replace(config, steps=None, minutes=0.01)
    trainer = Trainer(build(), timed, folder / "timed", metadata={}, count=COUNT)
    result = trainer.run(losses_of, log_fn=lambda line: None)
    said["timed"] = [result.steps, round(result.minutes, 4)]
    (folder / f"said_{trainer.context.rank}.json").write_text(json.dumps(said))


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    for kind in CONFIGS:
        learn(folder, kind)
    if "RANK" in os.environ:
        stop(folder)


if __name__ == "__main__":
    main()
