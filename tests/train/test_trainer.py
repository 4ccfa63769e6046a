"""The trainer's steps against plain torch, its guards, its log, its groups."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from headform.errors import ResourceError, UsageError
from headform.train import trainer
from headform.train.checkpoint import NEWEST
from headform.train.config import GroupConfig, OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig
from headform.train.optimizer import build_optimizer
from headform.train.trainer import Losses, Step, Trainer

STILL = ScheduleConfig("constant", warmup=0)


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


TRUE = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)


def batch(number: int) -> torch.Tensor:
    seeded = torch.Generator().manual_seed(number)
    return torch.randn(16, 3, generator=seeded, dtype=torch.float64)


def losses_of(net: nn.Module, step: Step) -> Losses:
    x = batch(step.number)
    return {"total": (net(x) - x @ TRUE).square().mean()}


def quiet(line: str) -> None:
    pass


def test_sgd_is_the_textbook_recurrence(tmp_path: Path) -> None:
    config = TrainerConfig(
        steps=30,
        batch=16,
        optimizer=OptimizerConfig("sgd", lr=0.05, momentum=0.8, weight_decay=0.01),
        schedule=ScheduleConfig("exponential", warmup=0, gamma=0.5, every=10.0),
        ema_decay=None,
        max_grad_norm=2.0,
    )
    run = Trainer(Line(), config, tmp_path, metadata={})
    run.run(losses_of, log_fn=quiet)
    w = v = torch.zeros(3, dtype=torch.float64)
    for step in range(30):
        x = batch(step)
        g = 2 * x.T @ (x @ w - x @ TRUE) / 16
        g = g * min(1.0, 2.0 / float(g.norm()))
        v = 0.8 * v + g + 0.01 * w
        w = w - 0.05 * 0.5 ** (step // 10) * v
    torch.testing.assert_close(run.module.state_dict()["weight"], w, rtol=1e-6, atol=1e-8)
    assert float((w - TRUE).norm()) < 0.5


def test_adamw_decays_weights_apart_from_the_gradient(tmp_path: Path) -> None:
    config = TrainerConfig(
        steps=20,
        batch=16,
        optimizer=OptimizerConfig("adamw", lr=0.1, weight_decay=0.3),
        schedule=STILL,
        ema_decay=None,
        max_grad_norm=None,
    )
    run = Trainer(Line(), config, tmp_path, metadata={})
    run.run(losses_of, log_fn=quiet)
    w = m = s = torch.zeros(3, dtype=torch.float64)
    for step in range(20):
        x = batch(step)
        g = 2 * x.T @ (x @ w - x @ TRUE) / 16
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        t = step + 1
        w = w * (1 - 0.1 * 0.3)
        w = w - 0.1 * (m / (1 - 0.9**t)) / ((s / (1 - 0.999**t)).sqrt() + 1e-8)
    torch.testing.assert_close(run.module.state_dict()["weight"], w)


def test_groups_decay_what_they_name(tmp_path: Path) -> None:
    net = nn.ModuleDict({"fc": nn.Linear(2, 3), "conv": nn.Linear(3, 2), "top": nn.Linear(1, 1)})
    groups = (GroupConfig(("fc.*",), 0.5, lr_scale=0.1), GroupConfig(("*.bias",), 0.2))
    optimizer = build_optimizer(dict(net.named_parameters()), OptimizerConfig("sgd", weight_decay=0.1), groups)
    found = {id(p): g for g in optimizer.param_groups for p in g["params"]}
    decays = {n: found[id(p)]["weight_decay"] for n, p in net.named_parameters()}
    assert decays == {
        **{"fc.weight": 0.5, "fc.bias": 0.5, "conv.weight": 0.1, "conv.bias": 0.2},
        **{"top.weight": 0.1, "top.bias": 0.2},
    }
    assert found[id(net["fc"].weight)]["factor"] == 0.1
    with pytest.raises(UsageError) as caught:
        build_optimizer(dict(net.named_parameters()), OptimizerConfig(), (GroupConfig(("absent.*",)),))
    assert caught.value.code == "group_empty"


def test_sgd_decay_is_the_gradient_of_half_its_square(tmp_path: Path) -> None:
    """A group's decay equals adding decay / 2 * |w|^2 to the loss."""
    plain = TrainerConfig(
        steps=9,
        batch=16,
        optimizer=OptimizerConfig("sgd", lr=0.05, weight_decay=0.0),
        schedule=STILL,
        ema_decay=None,
        max_grad_norm=None,
    )
    grouped = replace(plain, groups=(GroupConfig(("weight",), 0.4, lr_scale=0.5),))
    one = Trainer(Line(), grouped, tmp_path / "grouped", metadata={})
    one.run(losses_of, log_fn=quiet)

    def penalized(net: nn.Module, step: Step) -> Losses:
        penalty = 0.2 * next(net.parameters()).square().sum()
        return {"total": losses_of(net, step)["total"] + penalty}

    halved = replace(plain, optimizer=replace(plain.optimizer, lr=0.025))
    other = Trainer(Line(), halved, tmp_path / "in the loss", metadata={})
    other.run(penalized, log_fn=quiet)
    torch.testing.assert_close(one.module.state_dict(), other.module.state_dict())


def test_a_run_of_minutes_learns_and_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.01 * next(ticks))  # a step takes 10 ms
    monkeypatch.setattr(trainer, "time", clock)
    config = TrainerConfig(
        minutes=0.05,
        batch=16,
        optimizer=OptimizerConfig(lr=0.05, weight_decay=0.0),
        schedule=ScheduleConfig(warmup=1),
        ema_decay=0.9,
        log_every=50,
    )
    run = Trainer(Line(), config, tmp_path, metadata={"stage": "line"})
    half = run.run(losses_of, until=0.025, log_fn=quiet)
    assert half.minutes == pytest.approx(0.025, abs=2e-4)
    assert half.steps == pytest.approx(150, abs=1)
    result = run.run(losses_of, log_fn=quiet)
    assert result.minutes == pytest.approx(0.05, abs=2e-4)
    assert result.steps == pytest.approx(300, abs=2)
    assert result.samples == 16 * result.steps
    learned = run.averaged_module().state_dict()["weight"]
    torch.testing.assert_close(learned, TRUE, atol=1e-2, rtol=0)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert lines[0]["total"] > lines[-1]["total"]
    assert lines[-1]["rate"] < 0.1 * lines[0]["rate"]
    asked = json.loads((tmp_path / "config.json").read_text())
    assert (asked["stage"], asked["trainer"]["minutes"]) == ("line", 0.05)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path, bad: float) -> None:
    config = TrainerConfig(steps=20, batch=16, save_every=4, schedule=STILL)

    def breaks(net: nn.Module, step: Step) -> Losses:
        good = losses_of(net, step)["total"]
        worse = good * (bad if step.number == 6 else 1.0)
        return {"total": good + worse, "edge": worse, "fine": good}

    run = Trainer(Line(), config, tmp_path, metadata={})
    with pytest.raises(ResourceError) as caught:
        run.run(breaks, log_fn=quiet)
    assert caught.value.code == "loss_not_finite"
    assert "because of edge at step 6" in caught.value.message
    assert "checkpoint of step 4 is kept" in caught.value.hint
    assert run.step == 6
    assert bool(torch.isfinite(run.module.state_dict()["weight"]).all())
    assert Trainer(Line(), config, tmp_path, metadata={}, resume=True).step == 4


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    def breaks(net: nn.Module, step: Step) -> Losses:
        good = losses_of(net, step)["total"]
        return {"total": good + (good - good.detach()).clamp(min=0).sqrt()}  # finite, slope not

    for clip in (None, 5.0):
        config = TrainerConfig(steps=20, batch=16, max_grad_norm=clip)
        run = Trainer(Line(), config, tmp_path / str(clip), metadata={})
        with pytest.raises(ResourceError) as caught:
            run.run(breaks, log_fn=quiet)
        assert caught.value.code == "loss_not_finite"
        assert "gradient" in caught.value.message
        assert "weight" in caught.value.message
        assert "at step 0" in caught.value.message
        assert not (tmp_path / str(clip) / NEWEST).exists()


def test_a_step_draws_from_its_number_alone(tmp_path: Path) -> None:
    config = TrainerConfig(steps=5, batch=16, seed=3)
    drawn: list[tuple[float, float]] = []

    def draws(net: nn.Module, step: Step) -> Losses:
        drawn.append((float(step.rng.random()), float(torch.rand(()))))
        return losses_of(net, step)

    Trainer(Line(), config, tmp_path / "a", metadata={}).run(draws, log_fn=quiet)
    assert len({value for pair in drawn for value in pair}) == 10
    first = drawn.copy()
    drawn.clear()
    torch.manual_seed(77)
    Trainer(Line(), config, tmp_path / "b", metadata={}).run(draws, log_fn=quiet)
    assert drawn == first
    drawn.clear()
    Trainer(Line(), replace(config, seed=4), tmp_path / "c", metadata={}).run(draws, log_fn=quiet)
    assert not {v for pair in drawn for v in pair} & {v for pair in first for v in pair}


def test_without_a_terminal_lines_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = TrainerConfig(steps=6, batch=16, log_every=2)
    Trainer(Line(), config, tmp_path, metadata={}).run(losses_of)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3
    assert out[0].startswith("step 2  minutes")
    assert "total" in out[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"steps": 3, "minutes": 1.0},
        {"steps": 0},
        {"minutes": float("nan")},
        {"steps": 3, "batch": 0},
        {"steps": 3, "ema_decay": 1.0},
        {"steps": 3, "max_grad_norm": 0.0},
        {"steps": 3, "accumulate": 0},
        {"steps": 3, "phases": (PhaseConfig("a"), PhaseConfig("a"))},
        {"steps": 3, "save_every": 0},
    ],
)
def test_a_senseless_configuration_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        TrainerConfig(**wrong)  # type: ignore[arg-type]
    assert caught.value.code == "config_invalid"


@pytest.mark.parametrize("losses", [{"mse": torch.ones(())}, {"total": torch.ones(2)}])
def test_losses_that_are_none_are_named(tmp_path: Path, losses: dict[str, Any]) -> None:
    run = Trainer(Line(), TrainerConfig(steps=2, batch=2), str(tmp_path / "run"), metadata={})
    with pytest.raises(UsageError, match="return scalar tensors by name, `total` among them") as caught:
        run.run(lambda net, step: losses, log_fn=quiet)
    assert caught.value.code == "losses_invalid"
