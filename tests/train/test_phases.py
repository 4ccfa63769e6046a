"""Several optimizers, frozen parts, gradient accumulation and bfloat16: what a step does, and exact resume."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from headform.errors import UsageError, WeightsError
from headform.train.checkpoint import load_checkpoint
from headform.train.config import GroupConfig, OptimizerConfig, PhaseConfig, ScheduleConfig, TrainerConfig
from headform.train.frozen import digest_of
from headform.train.trainer import Losses, Step, Trainer
from tests.train import gan


def quiet(_: str) -> None:
    pass


def saved(folder: Path) -> dict[str, torch.Tensor]:
    found = load_checkpoint(folder)
    assert found is not None
    return found.tensors


def test_a_gan_in_parts_is_the_whole_to_the_bit(tmp_path) -> None:
    gan.trainer(tmp_path / "whole").run(gan.losses_of, gan.validate, log_fn=quiet)
    parts = tmp_path / "parts"
    gan.trainer(parts).run(gan.losses_of, gan.validate, until=1.0, log_fn=quiet)
    for until in (5.0, 6.0, 12.0):
        again = gan.trainer(parts, resume=True)
        again.run(gan.losses_of, gan.validate, until=until, log_fn=quiet)
        assert again.step == until
    whole, resumed = saved(tmp_path / "whole"), saved(parts)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    log = (tmp_path / "whole" / "log.jsonl").read_text().splitlines()
    last = json.loads(log[-1])
    assert {"critic/total", "critic/penalty", "generator/total", "generator/rate", "critic/gradient"} <= last.keys()
    assert "val_radius" in last


def test_the_checkpoint_holds_both_optimizers_and_nothing_frozen(tmp_path) -> None:
    run = gan.trainer(tmp_path)
    run.run(gan.losses_of, log_fn=quiet)
    names = set(saved(tmp_path))
    assert not [n for n in names if "backbone" in n]
    assert {"optimizer.critic.exp_avg.critic.0.weight", "optimizer.generator.step.generator.0.bias"} <= names
    assert "model.generator.0.weight" in names
    assert {n for n in names if n.startswith("average.")} == {
        f"average.generator.{k}.{part}" for k in (0, 2) for part in ("weight", "bias")
    }
    found = load_checkpoint(tmp_path)
    assert found is not None
    backbone = {n: t for n, t in gan.Gan().state_dict().items() if n.startswith("backbone.")}
    assert found.metadata["frozen_sha256"] == digest_of(backbone)
    twin = run.averaged_module()
    assert torch.equal(twin.critic[0].weight, run.module.critic[0].weight)  # not averaged: the last one
    assert not torch.equal(twin.generator[0].weight, run.module.generator[0].weight)


def test_each_phase_moves_its_own_parameters(tmp_path) -> None:
    """A step is three critic steps and one generator step, each by its own optimizer and rate."""
    seen: list[tuple[str, int]] = []
    numbers: list[float] = []
    run = gan.trainer(tmp_path, replace(gan.CONFIG, steps=1, max_grad_norm=None, ema_decay=None))
    before = {n: t.clone() for n, t in run.module.state_dict().items()}

    def watching(net: nn.Module, step: Step) -> Losses:
        seen.append((step.phase, step.repeat))
        numbers.append(float(step.rng.random()))
        state = net.state_dict()
        if step.phase == "critic":
            assert torch.equal(state["generator.0.weight"], before["generator.0.weight"])
            assert not net.generator[0].weight.requires_grad
        else:
            assert not torch.equal(state["critic.0.weight"], before["critic.0.weight"])
            assert not net.critic[0].weight.requires_grad
        return gan.losses_of(net, step)

    run.run(watching, log_fn=quiet)
    assert seen == [("critic", 0), ("critic", 1), ("critic", 2), ("generator", 0)]
    assert len(set(numbers)) == 4  # chance of its own each time
    assert all(p.requires_grad for n, p in run.module.named_parameters() if not n.startswith("backbone."))
    after = run.module.state_dict()
    for name in before:
        still = name.startswith("backbone.") or name == "critic.2.bias"  # a constant cancels in the critic's loss
        assert torch.equal(before[name], after[name]) == still, name
    assert [phase.optimizer.param_groups[0]["lr"] for phase in run.phases] == [5e-3, 2e-3]


def test_repeats_see_batches_of_their_own(tmp_path) -> None:
    config = replace(gan.CONFIG, steps=2, batch=4)
    shown: list[int] = []
    run = Trainer(gan.Gan(), config, tmp_path, metadata={}, count=32, frozen=gan.FROZEN)

    def watching(net: nn.Module, step: Step) -> Losses:
        assert step.indices is not None
        shown.extend(step.indices.tolist())
        return gan.losses_of(net, step)

    run.run(watching, log_fn=quiet)
    assert sorted(shown) == list(range(32))  # 2 steps of 4 draws of 4: an epoch, each item once


def test_another_backbone_is_not_resumed(tmp_path) -> None:
    gan.trainer(tmp_path).run(gan.losses_of, until=1.0, log_fn=quiet)
    other = gan.Gan()
    other.backbone[0].bias += 1
    with pytest.raises(WeightsError) as caught:
        Trainer(other, gan.CONFIG, tmp_path, metadata={"stage": "gan"}, resume=True, frozen=gan.FROZEN)
    assert caught.value.code == "frozen_changed"


@pytest.mark.parametrize(
    ("patterns", "match"), [(("generator.*",), "which is trained"), (("absent.*",), "matches nothing")]
)
def test_what_is_not_frozen_is_refused(tmp_path, patterns, match) -> None:
    with pytest.raises(UsageError, match=match) as caught:
        Trainer(gan.Gan(), gan.CONFIG, tmp_path, metadata={}, frozen=patterns)
    assert caught.value.code == "frozen_invalid"


def test_phases_and_groups_that_name_nothing_are_refused(tmp_path) -> None:
    empty = replace(gan.CONFIG, phases=(PhaseConfig("critic", ("backbone.*",)),))
    with pytest.raises(UsageError) as caught:
        Trainer(gan.Gan(), empty, tmp_path / "a", metadata={})
    assert caught.value.code == "phase_empty"
    groups = replace(gan.CONFIG, groups=(GroupConfig(("critic.9.*",)),))
    with pytest.raises(UsageError) as caught:
        Trainer(gan.Gan(), groups, tmp_path / "b", metadata={})
    assert caught.value.code == "group_empty"


X = torch.randn(32, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PLAIN = TrainerConfig(
    steps=6,
    batch=16,
    optimizer=OptimizerConfig("adamw", lr=1e-2),
    schedule=ScheduleConfig("constant", warmup=0),
    log_every=1,
)


def regression(net: nn.Module, step: Step) -> Losses:
    assert step.indices is not None
    x = X[step.indices]
    return {"total": (net(x) - x.sin().sum(1, keepdim=True)).square().mean()}


def layers() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1)).double()


@pytest.mark.parametrize("pieces", [2, 4])
def test_accumulated_pieces_are_the_whole_batch(tmp_path, pieces) -> None:
    results = []
    for name, count in (("whole", 1), ("pieces", pieces)):
        run = Trainer(layers(), replace(PLAIN, accumulate=count), tmp_path / name, metadata={}, count=32)
        sizes: set[int] = set()

        def watching(net: nn.Module, step: Step, sizes: set[int] = sizes) -> Losses:
            sizes.add(step.count)
            return regression(net, step)

        results.append(run.run(watching, log_fn=quiet))
        assert sizes == {16 // count}
    whole, parts = (saved(tmp_path / name) for name in ("whole", "pieces"))
    for name in whole:
        torch.testing.assert_close(whole[name], parts[name], rtol=1e-9, atol=1e-12)
    assert results[0].losses["total"] == pytest.approx(results[1].losses["total"], rel=1e-9)


def test_bfloat16_computes_in_it_and_keeps_single_precision_weights(tmp_path) -> None:
    seen = []
    net = layers().float()

    def watching(net: nn.Module, step: Step) -> Losses:
        x = X[step.indices].float()
        out = net(x)
        seen.append(out.dtype)
        return {"total": (out.float() - x.sin().sum(1, keepdim=True)).square().mean()}

    config = replace(PLAIN, precision="bfloat16", steps=30)
    result = Trainer(net, config, tmp_path / "a", metadata={}, count=32).run(watching, log_fn=quiet)
    assert set(seen) == {torch.bfloat16}
    assert all(t.dtype == torch.float32 for n, t in saved(tmp_path / "a").items() if n.startswith("model."))
    single = Trainer(layers().float(), replace(config, precision="float32"), tmp_path / "b", metadata={}, count=32)
    other = single.run(watching, log_fn=quiet)
    assert seen[-1] == torch.float32
    assert result.losses["total"] == pytest.approx(other.losses["total"], rel=0.05)
    Trainer(layers().float(), config, tmp_path / "c", metadata={}, count=32).run(watching, until=11.0, log_fn=quiet)
    again = Trainer(layers().float(), config, tmp_path / "c", metadata={}, count=32, resume=True)
    again.run(watching, log_fn=quiet)
    a, c = saved(tmp_path / "a"), saved(tmp_path / "c")
    assert all(torch.equal(a[name], c[name]) for name in a)
