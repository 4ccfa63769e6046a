"""Training batches and losses of the landmark network, and the loop that runs them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from headform.heads import load_open
from headform.nets.landmarks.dense_net import DenseNetConfig, DenseOutput
from headform.synth.generator import Generator
from headform.synth.randomization import EASY
from headform.train.augment import cut_windows, paste_patches
from headform.train.config import ScheduleConfig, TrainerConfig
from headform.train.landmarks import LandmarkBatches, LandmarkConfig, LandmarkLosses, LandmarkLossWeights, run
from headform.train.pool import PoolConfig, rows_of
from tests.train.pool_at_once import render_at_once


@pytest.fixture(scope="module")
def rows() -> dict[str, np.ndarray]:
    maker = Generator(load_open(), size=144, randomization=EASY, bank_size=2)
    return rows_of(maker.batch(np.random.default_rng(0), 4))


def test_labels_stay_on_the_picture_when_it_is_varied(rows: dict[str, np.ndarray]) -> None:
    head = load_open()
    batches = LandmarkBatches(head, 0.12)
    plain, targets = batches(rows, None)
    expected = (rows["points"] - 8) / 64 - 1
    np.testing.assert_allclose(targets.points.numpy(), expected, atol=1e-5)
    assert plain.shape == (4, 3, 128, 128)
    np.testing.assert_array_equal(plain[0].permute(1, 2, 0).numpy(), rows["images"][0, 8:136, 8:136])
    varied, moved = batches(rows, np.random.default_rng(1))
    # the nose tip keeps its color neighborhood: where the label goes, the picture goes
    for k in range(4):
        shift = moved.points[k, 8] - moved.points[k, 27]
        before = targets.points[k, 8] - targets.points[k, 27]
        torch.testing.assert_close(shift.abs(), before.abs(), atol=2e-2, rtol=0)
        det = torch.linalg.det(moved.rotation[k])
        assert float(det) == pytest.approx(1, abs=1e-4)
    assert varied.shape == plain.shape


def test_the_loss_is_least_at_the_truth(rows: dict[str, np.ndarray]) -> None:
    head = load_open()
    images, targets = LandmarkBatches(head)(rows, None)
    losses = LandmarkLosses(head, LandmarkLossWeights())

    class Oracle(nn.Module):
        def __init__(self, wrong: float) -> None:
            super().__init__()
            self.wrong = wrong

        def forward(self, x: torch.Tensor) -> DenseOutput:
            return DenseOutput(
                points=targets.points + self.wrong,
                log_variance=torch.full_like(targets.points[..., 0], -6.0),
                expression=targets.expression + self.wrong,
                rotation6=torch.cat([targets.rotation[..., 0], targets.rotation[..., 1] + self.wrong], 1),
                gaze=targets.gaze + self.wrong,
                mask_logits=(targets.mask * 2 - 1) * (4 - 80 * self.wrong),
            )

    true = losses(Oracle(0.0), images, targets)
    assert float(true["l1"]) == 0
    assert float(true["expression_cm2"]) == pytest.approx(0, abs=1e-9)
    assert float(true["rotation"]) == pytest.approx(0, abs=1e-6)
    false = losses(Oracle(0.05), images, targets)
    for name in ("total", "nll", "l1", "expression_cm2", "rotation", "gaze", "mask"):
        assert float(false[name]) > float(true[name]), name
    parts = {name: value for name, value in false.items() if name != "total"}
    heavier = LandmarkLosses(head, LandmarkLossWeights(gaze=1.5))(Oracle(0.05), images, targets)
    assert float(heavier["total"] - false["total"]) == pytest.approx(float(parts["gaze"]), rel=1e-3)
    # the L1 part against its closed form
    assert float(false["l1"]) == pytest.approx(0.05, rel=1e-4)


def test_windows_and_patches() -> None:
    images = np.arange(2 * 6 * 6 * 1).reshape(2, 6, 6, 1).astype(np.uint8)
    cut = cut_windows(images, np.array([[0, 1], [2, 0]]), 4)
    np.testing.assert_array_equal(cut[0], images[0, 1:5, 0:4])
    np.testing.assert_array_equal(cut[1], images[1, 0:4, 2:6])
    pixels = np.zeros((6, 32, 32, 1))
    pixels[3:] = 1
    paste_patches(np.random.default_rng(0), pixels, 1.0)
    assert 0 < pixels[:3].mean() < 0.5


def test_a_run_from_made_people_to_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faces are rendered by a process of its own; after the resumption by this one."""
    config = LandmarkConfig(
        trainer=TrainerConfig(minutes=0.04, batch=8, log_every=5, schedule=ScheduleConfig(warmup=1)),
        pool=PoolConfig("loose", 144, EASY, capacity=32, workers=1),
        net=DenseNetConfig(channels=(8, 8, 8, 8), depths=(1, 1, 1, 1), hidden=16),
        first_faces=32,
        validation=4,
    )
    net, result, facts = run(config, tmp_path)
    assert result.steps > 0
    assert facts["faces_rendered"] >= 32
    assert facts["samples_seen"] == 8 * result.steps
    assert not any(tmp_path.glob("pool*"))
    assert not net.training
    assert np.isfinite(facts["validation"]["nme68"])
    render_at_once(monkeypatch, 8)
    small = replace(config, trainer=replace(config.trainer, minutes=0.06), first_faces=8)
    _, longer, _ = run(small, tmp_path, resume=True)
    assert longer.steps > result.steps
