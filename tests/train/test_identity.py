"""The identity stage: its metric against explicit alignment, its batches, a short run."""

from pathlib import Path

import numpy as np
import pytest
import torch

from headform.geometry.similarity import fit_similarity
from headform.heads import load_open
from headform.nets.identity_net import IdentityNetConfig
from headform.train.config import ScheduleConfig, TrainerConfig
from headform.train.identity import IdentityBatches, IdentityConfig, run, shape_metric
from tests.train.pool_at_once import render_at_once


def test_metric_equals_the_aligned_distance_for_small_differences() -> None:
    head = load_open()
    metric = shape_metric(head, points=10_000).double()
    ids = head.regions["face"].numpy().nonzero()[0]
    rng = np.random.default_rng(0)
    for _ in range(5):
        code = torch.from_numpy(0.05 * rng.normal(size=100)).float()
        mean = head.mean.numpy()[ids].astype(np.float64) * 100
        moved = head.vertices(code).numpy()[ids].astype(np.float64) * 100
        back = fit_similarity(moved, mean).apply(moved)
        aligned = np.square(back - mean).sum(1).mean()
        ours = float(code.double() @ metric @ code.double())
        assert ours == pytest.approx(aligned, rel=0.03)


def test_metric_is_symmetric_and_not_negative() -> None:
    metric = shape_metric(load_open())
    torch.testing.assert_close(metric, metric.T)
    assert float(torch.linalg.eigvalsh(metric.double()).min()) > -1e-9


def test_a_mirrored_reading_carries_mirrored_coefficients() -> None:
    head = load_open()
    rng = np.random.default_rng(0)
    rows = {
        "images": rng.integers(0, 256, (64, 132, 132, 3), dtype=np.uint8),
        "identity": rng.normal(size=(64, 100)).astype(np.float32),
    }
    images, code = IdentityBatches(head)(rows, None)
    assert images.shape == (64, 1, 128, 128)
    np.testing.assert_array_equal(code.numpy(), rows["identity"])
    _, varied = IdentityBatches(head)(rows, np.random.default_rng(1))
    same = (varied.numpy() == rows["identity"]).all(1)
    assert 0.25 < same.mean() < 0.75, "about half of the readings are mirrored"


def test_a_run_from_easy_to_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render_at_once(monkeypatch, 8)
    config = IdentityConfig(
        trainer=TrainerConfig(minutes=0.02, batch=8, log_every=5, schedule=ScheduleConfig(warmup=1)),
        net=IdentityNetConfig(channels=(8, 8, 8, 8), hidden=16),
        easy_share=0.5,
        capacity=8,
        first_faces=8,
        validation=4,
    )
    net, result, facts = run(config, tmp_path)
    assert facts["faces_rendered"] == {"easy": 8, "full": 8}
    assert facts["samples_seen"] == 8 * result.steps
    assert not net.training
