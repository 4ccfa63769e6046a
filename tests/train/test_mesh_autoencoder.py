"""The stage of the mesh autoencoder: its presets against the paper, its data, a short run that resumes to the bit."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.data import SampledHeads, write_prepared
from headform.data.mesh_data import MeshData, from_folder, sampled_heads
from headform.errors import InputError, UsageError
from headform.heads import load_open
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.train.mesh_autoencoder import (
    MeshAutoencoderRun,
    MeshLosses,
    from_preset,
    hierarchy_of,
    run,
    vertex_errors,
)
from headform.train.optimizer import build_optimizer
from headform.train.schedule import lr_factor
from tests.nets.blobs import ball, blobs, write_folder

NET = MeshAutoencoderConfig(
    latent=3,
    encoder_channels=(8, 8),
    decoder_channels=(8, 8),
    num_terms=3,
    latent_activation="linear",
    init="balanced",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("meshes") / "set"
    write_folder(path, 40, 150)
    return path


def _data(folder: Path) -> MeshData:
    return from_folder(folder, load_open(), 0, held_out=8)


def _short(steps: int, preset: str = "fast") -> MeshAutoencoderRun:
    config = from_preset(preset, 36, steps=steps)
    kept = {name: getattr(config.net, name) for name in ("latent_activation", "init")}
    net = dataclasses.replace(NET, **kept)
    trainer = dataclasses.replace(config.trainer, log_every=5, validate_every=10, save_every=1)
    return dataclasses.replace(config, net=net, factors=(3, 3), trainer=trainer)


def test_the_papers_recipe() -> None:
    config = from_preset("coma-paper", 20_466)
    trainer, optimizer = config.trainer, config.trainer.optimizer
    assert (trainer.batch, config.loss, config.net.latent_activation) == (
        16,
        "normalized_l1",
        "relu",
    )
    assert (optimizer.kind, optimizer.lr, optimizer.momentum) == ("sgd", 8e-3, 0.9)
    assert trainer.steps == 383_738  # 300 passes over 20,466 meshes, 16 at a time
    assert config.net == MeshAutoencoderConfig()
    rates = [lr_factor(trainer.schedule, step, 0.0) for step in (0, 1279, 1280, 2559)]
    assert rates == pytest.approx([1.0, 1.0, 0.99, 0.9801])  # an epoch is 1279.125 steps
    assert (trainer.ema_decay, trainer.max_grad_norm) == (None, None)


def test_the_penalty_is_on_the_two_linear_layers_alone(folder: Path) -> None:
    """One step with gradient 0 everywhere shrinks them by rate * 5e-4 and nothing else."""
    config = _short(1, "coma-paper")
    torch.manual_seed(0)
    net = MeshAutoencoder(config.net, hierarchy_of(config, _data(folder)))
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    optimizer = build_optimizer(dict(net.named_parameters()), config.trainer.optimizer, config.trainer.groups)
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    shrunk = []
    for name, parameter in net.named_parameters():
        if not torch.equal(parameter, before[name]):
            torch.testing.assert_close(parameter.detach(), before[name] * (1 - 8e-3 * 5e-4))
            shrunk.append(name)
    assert shrunk == [
        "encoder.code.weight",
        "encoder.code.bias",
        "decoder.spread.weight",
        "decoder.spread.bias",
    ]


def test_choices() -> None:
    config = from_preset("fast", 100, epochs=3.0, batch=8, latent=16, hierarchy="symmetric", seed=5)
    assert config.trainer.steps == 38
    assert (config.net.latent, config.hierarchy, config.net.latent_activation) == (
        16,
        "symmetric",
        "linear",
    )
    assert (config.seed, config.trainer.seed) == (5, 5)
    assert from_preset("fast", 9, latent_activation="relu").net.latent_activation == "relu"
    with pytest.raises(ValueError, match="not both"):
        from_preset("fast", 9, epochs=1.0, steps=1)


def test_losses_by_hand(folder: Path) -> None:
    data = _data(folder)
    net = MeshAutoencoder(NET, hierarchy_of(_short(1), data))
    net.normalization.set_statistics(torch.zeros(150, 3), torch.full((150, 3), 0.02))
    vertices = data.train.vertices(np.arange(2))
    moved = vertices + torch.tensor([0.003, 0.0, -0.004])
    distance = MeshLosses("distance", net)(moved, vertices)
    assert float(distance["total"]) == pytest.approx(5.0, rel=1e-4)
    normal = MeshLosses("normalized_l1", net)(moved, vertices)
    assert float(normal["total"]) == pytest.approx(0.007 / 3 / 0.02, rel=1e-4)
    assert float(normal["mm"]) == pytest.approx(5.0, rel=1e-4)


def test_errors_are_means_over_all_meshes_whatever_the_batch(folder: Path) -> None:
    data = _data(folder)

    class Shift(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 1.01

    whole = data.train.vertices(np.arange(data.train.count)).double()
    expected = 10 * whole.norm(dim=-1).mean(-1)
    for batch in (7, 100):
        found = vertex_errors(Shift(), data.train, batch, torch.device("cpu"))
        assert found["mean_mm"] == pytest.approx(float(expected.mean()), rel=1e-4)
        assert found["median_mm"] == pytest.approx(float(expected.median()), rel=1e-4)


def test_a_run_learns_and_says_what_it_did(folder: Path, tmp_path: Path) -> None:
    data = _data(folder)
    assert (data.train.count, data.held_out.count) == (36, 4)
    config = _short(60)
    rate = dataclasses.replace(config.trainer.optimizer, lr=6e-2)
    config = dataclasses.replace(config, trainer=dataclasses.replace(config.trainer, optimizer=rate, ema_decay=0.9))
    net, result, facts = run(config, data, tmp_path, backend="reference")
    found = facts["validation"]
    assert found["mean_mesh_mm"] > 5
    assert found["mean_mm"] < 0.5 * found["mean_mesh_mm"]
    assert (facts["steps"], facts["meshes_seen"], found["meshes"]) == (60, 960, 4)
    assert facts["hierarchy"]["counts"] == [150, 50, 17]
    assert facts["meshes"]["kind"] == "registered meshes"
    assert not result.stopped
    np.testing.assert_allclose(net.normalization.mean.numpy(), data.statistics.mean, atol=1e-7)


@pytest.mark.parametrize("preset", ["fast", "coma-paper"])
def test_resumed_is_the_same_to_the_bit(folder: Path, tmp_path: Path, preset: str) -> None:
    data, config = _data(folder), _short(12, preset)
    whole, _, _ = run(config, data, tmp_path / "whole")

    class Enough(Exception):
        pass

    class Interrupted:
        """The training part, until the seventh batch is asked for."""

        def __init__(self) -> None:
            self.asked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(data.train, name)

        def vertices(self, indices: np.ndarray) -> torch.Tensor:
            self.asked += 1
            if self.asked > 7:
                raise Enough
            return data.train.vertices(indices)

    cut = dataclasses.replace(data, train=Interrupted())
    with pytest.raises(Enough):
        run(config, cut, tmp_path / "cut")
    resumed, result, _ = run(config, data, tmp_path / "cut", resume=True)
    assert result.steps == 12
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_a_short_run_may_be_lengthened(folder: Path, tmp_path: Path) -> None:
    """Though the preset's warm-up depends on the number of steps."""
    short, long = _short(2), _short(3)
    warmup = from_preset("fast", 36, steps=2000).trainer.schedule
    assert warmup.warmup > short.trainer.schedule.warmup
    long = dataclasses.replace(long, trainer=dataclasses.replace(long.trainer, schedule=warmup))
    run(short, _data(folder), tmp_path)
    assert run(long, _data(folder), tmp_path, resume=True)[1].steps == 3


def test_a_run_is_not_resumed_with_other_meshes(folder: Path, tmp_path: Path) -> None:
    run(_short(2), _data(folder), tmp_path / "run")
    other = from_folder(folder, load_open(), 0, held_out=3)
    with pytest.raises(UsageError, match="held_out") as caught:
        run(_short(2), other, tmp_path / "run", resume=True)
    assert caught.value.code == "config_changed"


def test_meshes_with_nan_stop_the_run(folder: Path, tmp_path: Path) -> None:
    data = _data(folder)

    class Broken:
        def __getattr__(self, name: str) -> object:
            return getattr(data.train, name)

        def vertices(self, indices: np.ndarray) -> torch.Tensor:
            found = data.train.vertices(indices).clone()
            found[0, 3] = float("nan")
            return found

    with pytest.raises(InputError, match="vertex 3") as caught:
        run(_short(2), dataclasses.replace(data, train=Broken()), tmp_path)
    assert caught.value.code == "mesh_not_finite"


def test_made_heads_use_the_hierarchy_of_the_mean_head(tmp_path: Path) -> None:
    head = load_open()
    data = sampled_heads(head, 6, 0, held_out=3)
    np.testing.assert_allclose(data.template, head.mean.numpy(), atol=0)
    assert data.facts["head_sha256"] == head.sha256
    assert data.facts["kind"] == "sampled heads"
    assert data.mirror is not None
    parts = {"train": SampledHeads(head, 4, 0), "val": SampledHeads(head, 3, 0, split="val")}
    write_prepared(tmp_path / "p", parts, name="few heads", source={"from": "nowhere"})
    prepared = from_folder(tmp_path / "p", head, 0, held_out=2)
    assert (prepared.train.count, prepared.held_out.count) == (4, 2)
    np.testing.assert_array_equal(prepared.template, data.template)


def test_too_few_or_equal_meshes(tmp_path: Path) -> None:
    head = load_open()
    write_folder(tmp_path / "few", 3, 60)
    with pytest.raises(InputError, match="3 meshes") as caught:
        from_folder(tmp_path / "few", head, 0, held_out=5)
    assert caught.value.code == "meshes_few"
    vertices, faces = ball(60)
    same = np.repeat(blobs(1, vertices), 5, axis=0)
    np.savez(tmp_path / "same.npz", vertices=same, faces=faces)
    with pytest.raises(InputError) as caught:
        from_folder(tmp_path / "same.npz", head, 0, held_out=5)
    assert caught.value.code == "meshes_equal"
