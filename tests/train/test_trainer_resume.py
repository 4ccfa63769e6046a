"""An interrupted run ends in the bits of one that was not, and its log tells the same story."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from headform.errors import UsageError, WeightsError
from headform.train.checkpoint import NEWEST, load_checkpoint
from headform.train.config import ScheduleConfig, TrainerConfig
from headform.train.trainer import Losses, Step, TrainResult
from tests.train import toy


def quiet(line: str) -> None:
    pass


def tensors(folder: Path) -> dict[str, Tensor]:
    found = load_checkpoint(folder)
    assert found is not None
    return found.tensors


def log(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "minutes"} for line in lines]


def whole(folder: Path, config: TrainerConfig) -> TrainResult:
    return toy.trainer(folder, config).run(toy.losses_of, toy.validate, log_fn=quiet)


def assert_same(one: Path, other: Path) -> None:
    a, b = tensors(one), tensors(other)
    assert a.keys() == b.keys()
    different = [name for name in a if not torch.equal(a[name], b[name])]
    assert not different
    assert log(one) == log(other)


@pytest.mark.parametrize("config", [toy.ADAMW, toy.SGD], ids=["adamw", "sgd"])
def test_a_run_in_parts_is_the_whole_run_to_the_bit(tmp_path: Path, config: TrainerConfig) -> None:
    result = whole(tmp_path / "whole", config)
    parts = tmp_path / "parts"
    toy.trainer(parts, config).run(toy.losses_of, toy.validate, until=1.0, log_fn=quiet)
    for until in (7.0, 8.0, 19.0, 24.0):
        again = toy.trainer(parts, config, resume=True)
        last = again.run(toy.losses_of, toy.validate, until=until, log_fn=quiet)
        assert again.step == until
    assert_same(tmp_path / "whole", parts)
    assert last.losses == result.losses
    kinds = {name.split(".")[2] for name in tensors(parts) if name.startswith("optimizer.")}
    wanted = {"step", "exp_avg", "exp_avg_sq"} if config is toy.ADAMW else {"momentum_buffer"}
    assert kinds == wanted, "what the optimizer remembers is in the checkpoint"
    lines = log(parts)
    assert [line["step"] for line in lines] == list(range(1, 25))
    assert lines[-1]["total"] < lines[0]["total"]
    assert [line["step"] for line in lines if "val_mse" in line] == [6, 12, 18, 24]


def test_steps_that_were_lost_are_logged_once(tmp_path: Path) -> None:
    whole(tmp_path / "whole", toy.ADAMW)
    cut = tmp_path / "cut"

    def fails(net: nn.Module, step: Step) -> Losses:
        if step.number == 13:
            raise KeyError("power cut")
        return toy.losses_of(net, step)

    with pytest.raises(KeyError):
        toy.trainer(cut).run(fails, toy.validate, log_fn=quiet)
    assert log(cut)[-1]["step"] == 13
    with (cut / "log.jsonl").open("a") as file:
        file.write('{"step": 1, "tot')  # a line that was never finished
    again = toy.trainer(cut, resume=True)
    assert again.step == 10
    assert [line["step"] for line in log(cut)] == list(range(1, 11))
    again.run(toy.losses_of, toy.validate, log_fn=quiet)
    assert_same(tmp_path / "whole", cut)


def test_a_run_that_came_to_no_checkpoint_begins_again(tmp_path: Path) -> None:
    first = toy.trainer(tmp_path)
    first._log.append({"step": 1, "total": 0.5})
    again = toy.trainer(tmp_path, resume=True)
    assert again.step == 0
    assert log(tmp_path) == []


def test_the_average_is_what_is_validated_and_returned(tmp_path: Path) -> None:
    run = toy.trainer(tmp_path)
    run.run(toy.losses_of, toy.validate, log_fn=quiet)
    twin = run.averaged_module()
    assert not twin.training
    state = twin.state_dict()
    for name, value in tensors(tmp_path).items():
        if name.startswith("average."):
            torch.testing.assert_close(state[name[8:]], value, rtol=0, atol=0)
    assert not torch.equal(state["0.weight"], run.module.state_dict()["0.weight"])
    assert log(tmp_path)[-1]["val_mse"] == pytest.approx(toy.validate(twin)["mse"], rel=1e-5)


def test_the_average_follows_its_formula(tmp_path: Path) -> None:
    seen: list[Tensor] = []

    def watching(net: nn.Module, step: Step) -> Losses:
        seen.append(net.state_dict()["0.weight"].double().clone())
        return toy.losses_of(net, step)

    run = toy.trainer(tmp_path, replace(toy.SGD, steps=6))
    run.run(watching, log_fn=quiet)
    seen.append(run.module.state_dict()["0.weight"].double())
    expected = seen[0]
    for n, weight in enumerate(seen[1:]):
        keep = min(0.9, (1 + n) / (10 + n))
        expected = keep * expected + (1 - keep) * weight
    average = run.averaged_module().state_dict()["0.weight"].double()
    torch.testing.assert_close(average, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_at_the_next_step(tmp_path: Path, number: signal.Signals) -> None:
    config = replace(toy.ADAMW, save_every=None)
    whole(tmp_path / "whole", config)
    asked = tmp_path / "asked"
    told: list[str] = []

    def with_signal(net: nn.Module, step: Step) -> Losses:
        if step.number == 9:
            os.kill(os.getpid(), number)
        return toy.losses_of(net, step)

    before = signal.getsignal(number)
    run = toy.trainer(asked, config)
    result = run.run(with_signal, toy.validate, log_fn=told.append)
    assert (result.stopped, run.stopped, result.steps) == (True, True, 10)
    assert signal.getsignal(number) is before
    assert "--resume" in told[-1]
    assert "step 10" in told[-1]
    again = toy.trainer(asked, config, resume=True)
    assert again.step == 10
    assert not again.run(toy.losses_of, toy.validate, log_fn=quiet).stopped
    assert_same(tmp_path / "whole", asked)


def test_a_signal_in_the_last_step_leaves_nothing_to_resume(tmp_path: Path) -> None:
    def with_signal(net: nn.Module, step: Step) -> Losses:
        if step.number == 23:
            os.kill(os.getpid(), signal.SIGTERM)
        return toy.losses_of(net, step)

    told: list[str] = []
    result = toy.trainer(tmp_path).run(with_signal, log_fn=told.append)
    assert (result.stopped, result.steps) == (False, 24)
    assert not any("--resume" in line for line in told)


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    def impatient(net: nn.Module, step: Step) -> Losses:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return toy.losses_of(net, step)

    with pytest.raises(KeyboardInterrupt):
        toy.trainer(tmp_path).run(impatient, log_fn=quiet)
    assert not (tmp_path / NEWEST).exists()


def test_another_configuration_is_refused_and_its_fields_named(tmp_path: Path) -> None:
    toy.trainer(tmp_path).run(toy.losses_of, until=3.0, log_fn=quiet)
    kept = (tmp_path / "config.json").read_bytes()
    schedule = ScheduleConfig("cosine", warmup=6)
    other = replace(toy.ADAMW, batch=10, schedule=schedule, log_every=3)
    with pytest.raises(UsageError) as caught:
        toy.trainer(tmp_path, other, resume=True)
    assert caught.value.code == "config_changed"
    assert "trainer.batch: 8 before, 10 now" in caught.value.message
    assert "trainer.schedule.warmup: 5 before, 6 now" in caught.value.message
    assert "log_every" not in caught.value.message
    assert (tmp_path / "config.json").read_bytes() == kept
    longer = replace(toy.ADAMW, steps=30, log_every=3, save_every=7, validate_every=2)
    again = toy.trainer(tmp_path, longer, resume=True)
    assert again.run(toy.losses_of, log_fn=quiet).steps == 30
    assert json.loads((tmp_path / "config.json").read_text())["trainer"]["steps"] == 30


def test_a_run_is_not_begun_over_another(tmp_path: Path) -> None:
    toy.trainer(tmp_path).run(toy.losses_of, until=2.0, log_fn=quiet)
    with pytest.raises(UsageError) as caught:
        toy.trainer(tmp_path)
    assert caught.value.code == "run_exists"
    assert tensors(tmp_path)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    toy.trainer(tmp_path).run(toy.losses_of, until=2.0, log_fn=quiet)
    with pytest.raises(WeightsError) as caught:
        toy.trainer(tmp_path, resume=True, width=25)
    assert caught.value.code == "weights_mismatch"


def test_a_finished_run_resumed_does_nothing(tmp_path: Path) -> None:
    whole(tmp_path, toy.ADAMW)
    kept, lines = (tmp_path / NEWEST).read_bytes(), log(tmp_path)
    again = toy.trainer(tmp_path, resume=True)
    assert again.run(toy.losses_of, toy.validate, log_fn=quiet).steps == 24
    assert (tmp_path / NEWEST).read_bytes() == kept
    assert log(tmp_path) == lines
