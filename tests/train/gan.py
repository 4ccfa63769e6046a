"""A tiny WGAN-GP in two phases, with a frozen part, for `test_phases.py` and `kill_and_resume.py`."""

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from headform.losses import critic_loss, generator_loss, gradient_penalty
from headform.train.config import OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig
from headform.train.trainer import Losses, Step, Trainer

ADAM = OptimizerConfig("adamw", lr=5e-3, weight_decay=0.0, betas=(0.0, 0.9))
CONFIG = TrainerConfig(
    steps=12,
    batch=8,
    phases=(
        PhaseConfig("critic", ("critic.*",), ADAM, repeats=3),
        PhaseConfig("generator", ("generator.*",), replace(ADAM, lr=2e-3)),
    ),
    schedule=ScheduleConfig("constant", warmup=0),
    ema_decay=0.9,
    ema_parts=("generator.*",),
    log_every=1,
    validate_every=6,
    save_every=1,
    save_seconds=None,
)
FROZEN = ("backbone.*",)


class Gan(nn.Module):
    """Points on a ring, made from noise; both see them through a frozen backbone with batch statistics."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(123)
            self.backbone = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.Tanh())
        self.backbone.eval().requires_grad_(False)
        self.generator = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))
        self.critic = nn.Sequential(nn.Linear(6, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))

    def train(self, mode: bool = True) -> "Gan":
        super().train(mode)
        self.backbone.eval()
        return self

    def score(self, points: Tensor) -> Tensor:
        return self.critic(self.backbone(points))


def losses_of(net: nn.Module, step: Step) -> Losses:
    assert isinstance(net, Gan)
    noise = torch.from_numpy(step.rng.normal(size=(step.count, 4))).float()
    fake = net.generator(noise)
    if step.phase == "generator":
        return {"total": generator_loss(net.score(fake))}
    angle = torch.from_numpy(step.rng.uniform(0, 6.283, step.count)).float()
    real = torch.stack([angle.cos(), angle.sin()], 1)
    share = torch.from_numpy(step.rng.uniform(size=step.count))
    wasserstein = critic_loss(net.score(real), net.score(fake.detach()))
    penalty = gradient_penalty(net.score, real, fake, share=share)
    return {"total": wasserstein + penalty, "wasserstein": wasserstein, "penalty": penalty}


@torch.no_grad()
def validate(net: nn.Module) -> dict[str, float]:
    assert isinstance(net, Gan)
    noise = torch.randn(64, 4, generator=torch.Generator().manual_seed(3))
    return {"radius": float(net.generator(noise).norm(dim=1).mean())}


def trainer(folder: Path, config: TrainerConfig = CONFIG, *, resume: bool = False, width: int = 16) -> Trainer:
    torch.manual_seed(99 if resume else 1)
    return Trainer(Gan(width), config, folder, metadata={"stage": "gan"}, resume=resume, frozen=FROZEN)


def train(folder: Path, steps: int, resume: bool) -> None:
    """A run with many checkpoints, in a process of its own."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = replace(CONFIG, steps=steps, validate_every=25, save_every=2)
    run = Trainer(Gan(200), config, folder, metadata={"stage": "gan"}, resume=resume, frozen=FROZEN)
    if not run.run(losses_of, validate, log_fn=lambda line: None).stopped:
        save_file(run.averaged_module().state_dict(), folder / "weights.safetensors")
