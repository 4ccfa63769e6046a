"""The recognition stage: its crops, its validation, exact resumption, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from headform.data.shards import ShardSet
from headform.errors import HeadformError
from headform.nets.recognition.crops import ARCFACE
from headform.nets.recognition.iresnet_net import LAYERS, IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.recognition.registry import load_recognition
from headform.train.config import ScheduleConfig, TrainerConfig
from headform.train.export_weights import export_weights
from headform.train.face_crops import FaceCrops
from headform.train.recognition import (
    RecognitionBatches,
    RecognitionConfig,
    assess_recognition,
    fine_tuned,
    run,
)
from tests.train.people_shards import write_people


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    return ShardSet.open(write_people(tmp_path_factory.mktemp("people"), 6, 3))


def config(steps: int, **fields: object) -> RecognitionConfig:
    trainer = TrainerConfig(steps=steps, batch=4, schedule=ScheduleConfig("constant", 0), ema_parts=("network.*",))
    return replace(RecognitionConfig(trainer, held_out=2, sub_centers=2, margin_warmup=2), **fields)


class MeanColor(nn.Module):
    """Embeds a face as its mean color."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3)) + self.offset


def test_the_margin_grows_from_zero() -> None:
    found = [config(1).margin_at(step) for step in (0, 1, 2, 50)]
    assert found == [0, 0.25, 0.5, 0.5]
    assert replace(config(1), margin_warmup=0).margin_at(0) == 0
    assert replace(config(1), margin_warmup=0).margin_at(1) == 0.5


def test_half_of_the_crops_are_mirrored_and_only_with_a_generator(people: ShardSet) -> None:
    batches = RecognitionBatches(FaceCrops(ARCFACE, 0.5, 0.0))
    rows = people[:18] * 4
    plain = batches.assemble(rows[:6], None)
    rises = lambda crops: crops[..., 64:].mean((1, 2, 3)) > crops[..., :48].mean((1, 2, 3))  # noqa: E731
    assert rises(plain).all()
    varied = batches.assemble(rows, np.random.default_rng(0))
    assert 0.3 < rises(varied).float().mean() < 0.7
    assert varied.shape == (72, 3, 112, 112)


def test_validation_is_one_for_a_network_that_tells_them_apart_and_less_for_another(people: ShardSet) -> None:
    batches = RecognitionBatches(FaceCrops(ARCFACE, 0.0, 0.0))
    assert assess_recognition(MeanColor(), people, batches) == {"auc": 1.0, "rank_1": 1.0}
    torch.manual_seed(0)
    blind = nn.Sequential(nn.Flatten(), nn.Dropout(0.99), nn.Linear(3 * 112 * 112, 8))
    assert assess_recognition(blind, people, batches)["auc"] < 0.9


def test_a_resumed_run_ends_with_the_same_bits(people: ShardSet, tmp_path: Path) -> None:
    whole, _, facts = run(config(2), tmp_path / "whole", samples=people)
    run(config(1), tmp_path / "parts", samples=people)
    parts, result, _ = run(config(2), tmp_path / "parts", samples=people, resume=True)
    assert result.steps == 2
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, parts.state_dict()[name]), name
    assert facts["subjects"] == 4
    assert set(facts["validation"]) == {"auc", "rank_1"}
    assert facts["license"] != "MIT", "photos of unknown source"


def test_it_begins_with_given_weights_and_a_low_rate_for_them(people: ShardSet, tmp_path: Path) -> None:
    torch.manual_seed(8)
    start = MobileFaceNet()
    tiny = config(1)
    optimizer = replace(tiny.trainer.optimizer, lr=1e-9, weight_decay=0.0)
    tiny = fine_tuned(replace(tiny, trainer=replace(tiny.trainer, optimizer=optimizer)))
    assert tiny.trainer.groups[0].lr_scale < 1
    found, *_ = run(tiny, tmp_path, samples=people, start=start)
    for name, tensor in start.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], tensor, atol=1e-8, rtol=0)


def test_an_iresnet_learns_and_its_weights_are_loaded_again(people: ShardSet, tmp_path: Path) -> None:
    short = config(1, network="iresnet18", margin_warmup=0, validated=4)
    short = replace(short, trainer=replace(short.trainer, batch=2, ema_decay=None))
    found, result, facts = run(short, tmp_path / "run", samples=people)
    export_weights(found, facts, tmp_path / "net.safetensors", command="test")
    kind, again = load_recognition(tmp_path / "net.safetensors")
    assert (kind, result.steps) == ("arcface", 1)
    assert isinstance(again, IResNet)
    assert again.config.layers == LAYERS[18]
    torch.testing.assert_close(again.fc.bias, found.fc.bias)


def test_random_mobilefacenet_keeps_the_size_of_its_signal() -> None:
    torch.manual_seed(0)
    net = MobileFaceNet()
    net.randomize()
    with torch.no_grad():
        found = net(torch.randn(4, 3, 112, 112))
    assert 0.1 < float(found.std()) < 10
    different = (found - found.mean(0)).norm() / found.norm()
    assert float(different) > 0.05, "embeddings of different pictures are not one and the same"


def refusal(**fields: object) -> str:
    with pytest.raises(HeadformError) as caught:
        run(**fields)  # type: ignore[arg-type]
    return caught.value.code


def test_what_is_refused(people: ShardSet, tmp_path: Path) -> None:
    assert refusal(config=config(1, held_out=5), out=tmp_path, samples=people) == "dataset_small"
    single = ShardSet.open(write_people(tmp_path / "single", 6, 1))
    assert refusal(config=config(1), out=tmp_path / "a", samples=single) == "dataset_small"
    start = IResNet((1, 1, 1, 1))
    assert refusal(config=config(1), out=tmp_path / "b", samples=people, start=start) == "backbone_unsupported"
    assert (
        refusal(config=config(1, network="iresnet18"), out=tmp_path, samples=people, start=MobileFaceNet())
        == "start_mismatch"
    )
    unknown = ShardSet.open(write_people(tmp_path / "unknown", 6, 2, points=np.full((68, 2), np.nan, np.float32)))
    assert refusal(config=config(1), out=tmp_path / "c", samples=unknown) == "sample_unusable"
