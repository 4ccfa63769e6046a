"""The texture stage: presets, losses against plain formulas, the critic's guard, a short run, resumption to the bit."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from headform.data.shards import ShardSet, ShardWriter
from headform.errors import InputError, ResourceError, UsageError
from headform.heads.linear import LinearHead
from headform.images.transfer import linear_from_srgb
from headform.losses.image_identity import IdentityLoss
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.shipped import load_mobilefacenet
from headform.nets.texture_net import TextureNet, signal_from_linear
from headform.train import critic_guard
from headform.train.critic_guard import CriticGuard, score_quotient
from headform.train.texture import PICTURES, head_hierarchy, run
from headform.train.texture_batches import TextureBatch, TextureBatches, leveled
from headform.train.texture_config import TextureConfig, TextureLossWeights, from_preset, with_critic
from headform.train.texture_losses import TextureLosses, critic_losses, render_texture
from headform.train.texture_validation import masked_psnr
from tests.data.coarse_samples import SIDE, coarse_sample, write_coarse_samples

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def embedder() -> FaceEmbedder:
    return FaceEmbedder("recognizer", load_mobilefacenet()[0], IMAGENET_112)


@pytest.fixture(scope="module")
def photos(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    return write_coarse_samples(tmp_path_factory.mktemp("photos") / "set", head, 3)


@pytest.fixture(scope="module")
def batch(head: LinearHead, embedder: FaceEmbedder, photos: ShardSet) -> TextureBatch:
    return TextureBatches(head, embedder, SIDE).read(photos, [0, 1])


def short(steps: int, **changed: Any) -> TextureConfig:
    config = from_preset("open", 2, steps=steps)
    trainer = replace(config.trainer, batch=1, log_every=1, save_every=1, validate_every=1000, ema_decay=0.5)
    return replace(config, trainer=trainer, **({"side": 32, "held_out": 1, "ramp": 2, "pictures": 1} | changed))


def test_the_papers_settings() -> None:
    paper = from_preset("paper", 4000)
    assert (paper.weights.identity, paper.weights.adversarial) == (0.2, 0.001)
    assert [paper.sigmas(k) for k in (0, 2500, 5000, 9000)] == [(0, 1), (0.5, 0.5), (1, 0), (1, 0)]
    assert (paper.net.form, paper.net.channels, paper.net.embedding_size) == ("residual", 3, 1792)
    assert (paper.critic_norm, paper.side, paper.trainer.batch, paper.trainer.steps) == ("batch", 224, 4, 50_000)
    assert [(phase.name, phase.repeats) for phase in paper.trainer.phases] == [("critic", 5), ("texture", 1)]
    assert (paper.trainer.optimizer.lr, paper.trainer.schedule.gamma, paper.trainer.schedule.every) == (
        1e-4,
        0.98,
        1000,
    )
    code = from_preset("released-code", 4000)
    assert [code.sigmas(k) for k in (0, 1000, 5000)] == [(0, 1), (0.2, 0.8), (1, 0.2)]
    assert (code.net.form, code.net.channels, code.net.embedding_size) == ("normal", 7, 3840)
    assert not code.has_critic
    assert with_critic(code, 5).has_critic
    assert not with_critic(paper, 0).has_critic
    assert from_preset("open", 10, steps=40).ramp == 20, "a shortened run still has both parts"
    with pytest.raises(ValueError, match="multiple of 32"):
        replace(paper, side=100)


def test_rows_show_the_photos_colors_where_it_shows_the_head(batch: TextureBatch, head: LinearHead) -> None:
    seen = batch.seen[0] > 0.9
    assert 500 < int(seen.sum()) < len(head.mean) / 2
    # the photo was drawn with the true albedo in even light of 1.5
    lit = 1.5 * batch.truth[0, seen]
    assert (batch.projected[0, seen] - lit.clamp(max=1)).abs().median() < 0.03  # edges mix with what lies beyond
    assert (batch.projected[0, batch.seen[0] == 0] == 0).all()
    back = head.mean[:, 2] < head.mean[:, 2].min() + 0.03
    assert not bool((batch.seen[0, back] > 0).any())
    torch.testing.assert_close(batch.shading, torch.full_like(batch.shading, 1.5), rtol=1e-4, atol=1e-4)
    assert batch.known.tolist() == [True, False]


def test_the_true_texture_has_no_pixel_loss(batch: TextureBatch, head: LinearHead) -> None:
    one = TextureBatch(*(value[:1] for value in vars(batch).values()))
    drawn = render_texture(head.faces, one.truth, one)
    assert float(masked_psnr(drawn, one)[0]) > 40
    assert float(masked_psnr(render_texture(head.faces, one.coarse, one), one)[0]) < 30
    apart = (drawn.overlay - one.images).abs()
    assert float(apart.max()) < 0.05
    outside = (one.mask == 0).expand_as(apart)
    assert (apart[outside] == 0).all()


def test_losses_are_the_papers_sum(batch: TextureBatch, head: LinearHead, embedder: FaceEmbedder) -> None:
    config = replace(short(10), ramp=4, least_vertices=0.0, weights=TextureLossWeights(truth=2.0))
    losses = TextureLosses(config, head, IdentityLoss(embedder.network, embedder.crop), CPU)
    torch.manual_seed(1)
    refined = (signal_from_linear(batch.coarse) + 0.2 * torch.randn_like(batch.coarse)).clamp(-1, 1)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 1))
    found = losses(refined, batch, 1, critic)
    drawn = render_texture(head.faces, linear_from_srgb((refined + 1) / 2), batch)
    mask = drawn.mask[:, 0]
    pixel = (mask * 2 * (drawn.rendering - batch.images).norm(dim=1)).sum() / mask.sum()
    coarse = (refined - signal_from_linear(batch.coarse)).norm(dim=-1).mean()
    light = linear_from_srgb((refined + 1) / 2) * batch.shading
    lit = signal_from_linear(light) + 2 * 1.055 / 2.4 * (light - 1).clamp(min=0)  # in a straight line above 1
    apart = (lit - signal_from_linear(batch.projected)).norm(dim=-1)
    torch.testing.assert_close(found["pixel"], pixel)
    torch.testing.assert_close(found["coarse"], coarse)
    torch.testing.assert_close(found["adversarial"], -critic(2 * drawn.overlay - 1).mean())
    torch.testing.assert_close(found["projected"], (batch.seen * apart).sum() / batch.seen.sum())
    truth = (refined[0] - signal_from_linear(batch.truth[0])).norm(dim=-1).mean()
    torch.testing.assert_close(found["truth"], truth)
    total = 0.25 * (pixel + 0.2 * found["identity"] + 0.001 * found["adversarial"])
    total = total + 0.75 * (coarse + found["projected"]) + 2 * truth
    torch.testing.assert_close(found["total"], total)
    assert "adversarial" not in losses(refined, batch, 1, None)


def test_albedo_is_compared_with_the_truth_alone(batch: TextureBatch, head: LinearHead) -> None:
    config = from_preset("albedo", 10)
    losses = TextureLosses(config, head, None, CPU)
    one = TextureBatch(*(value[:1] for value in vars(batch).values()))
    found = losses(signal_from_linear(one.coarse), one, 0)
    assert set(found) == {"truth", "symmetry", "coarse", "total"}
    truth = (signal_from_linear(one.coarse) - signal_from_linear(one.truth)).norm(dim=-1).mean()
    torch.testing.assert_close(found["total"], truth + 0.02 * found["symmetry"])
    assert not config.has_critic
    assert config.net.base == "coarse"
    with pytest.raises(UsageError) as caught:  # the second photo has no true albedo
        losses(signal_from_linear(batch.coarse), batch, 0)
    assert caught.value.code == "albedo_missing"


def test_the_truth_is_brought_to_another_level() -> None:
    truth = np.array([[0.1, 0.2, 0.4], [0.2, 0.2, 0.8], [0.3, 0.1, 0.6], [0.9, 0.9, 0.9]])
    coarse = np.array([[0.4, 0.2, 0.3], [0.4, 0.1, 0.3], [0.5, 0.1, 0.3], [0.0, 0.0, 0.0]])
    skin = np.array([True, True, True, False])
    found = leveled(truth, coarse, skin)
    np.testing.assert_allclose(np.median(found[skin], axis=0), [0.4, 0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(found, np.clip(truth * [2, 0.5, 0.5], 0, 1), rtol=1e-6)


def test_the_published_objective(batch: TextureBatch, head: LinearHead) -> None:
    weights = TextureLossWeights(identity=0.0, adversarial=0.0, symmetry=0.5, variance=0.01)
    config = replace(short(10), objective="released", ramp=5, least_vertices=0.2, weights=weights)
    losses = TextureLosses(config, head, None, CPU)
    refined = signal_from_linear(batch.coarse * 0.8)
    found = losses(refined, batch, 1)
    seen = (batch.seen > 0).float()[..., None]
    lit, before = signal_from_linear(0.8 * batch.coarse * 1.5), signal_from_linear(batch.coarse * batch.shading)
    projected = (seen * (lit - signal_from_linear(batch.projected))).abs().mean()
    projected = projected + 0.3 * ((1 - seen) * (lit - before)).abs().mean()
    torch.testing.assert_close(found["projected"], projected, rtol=1e-4, atol=1e-5)
    flat = (refined - signal_from_linear(batch.coarse)).abs().mean()
    rest = 0.5 * found["symmetry"] + 0.01 * found["variance"]
    torch.testing.assert_close(found["total"], 0.8 * flat + 0.2 * (projected + rest), rtol=1e-4, atol=1e-5)


def test_what_is_too_bright_has_a_gradient(batch: TextureBatch, head: LinearHead) -> None:
    albedo = torch.full_like(batch.coarse, 0.99).requires_grad_()
    bright = replace(batch, light=2 * batch.light, shading=2 * batch.shading)
    drawn = render_texture(head.faces, albedo, bright)
    assert float(drawn.rendering.detach().max()) > 1
    assert float(drawn.overlay.detach().max()) <= 1
    drawn.rendering.sum().backward()
    assert albedo.grad is not None
    assert float((albedo.grad[batch.seen > 0.9] > 0).float().mean()) > 0.3, "of those that are a corner of a seen face"


def test_losses_need_their_networks(head: LinearHead) -> None:
    with pytest.raises(UsageError, match="recognition"):
        TextureLosses(short(2), head, None, CPU)
    without = replace(head, mirror=torch.zeros(0, dtype=torch.int64))
    config = replace(short(2), weights=TextureLossWeights(identity=0.0, symmetry=1.0))
    with pytest.raises(UsageError, match="mirror"):
        TextureLosses(config, without, None, CPU)


def test_the_quotient_of_a_critic_of_slope_one_is_at_most_one() -> None:
    torch.manual_seed(0)
    real, fake = torch.rand(3, 3, 32, 32), torch.rand(3, 3, 32, 32)
    direction = torch.randn(3 * 32 * 32)
    direction /= direction.norm()
    for slope in (0.5, 30.0):
        scores = [slope * (pictures.flatten(1) @ direction) for pictures in (real, fake)]
        assert abs(float(score_quotient(real, fake, *scores))) <= slope
    apart = real[0] - fake[0]
    along = [30 * (pictures[:1].flatten(1) @ (apart / apart.norm()).flatten()) for pictures in (real, fake)]
    assert float(score_quotient(real[:1], fake[:1], *along)) == pytest.approx(30, rel=1e-4)


def test_a_diverging_critic_pauses_and_then_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(critic_guard, "PATIENCE", 3)
    guard = CriticGuard()
    guard.check(2.0, "run")
    assert not guard.paused
    guard.check(-11.0, "run")
    assert guard.paused
    again = CriticGuard()
    again.load_state_dict(guard.state_dict())
    assert again.paused, "a resumed run goes on with it"
    guard.check(1.0, "run")
    assert not guard.paused
    for quotient in (11.0, float("nan"), float("inf")):
        guard.check(quotient, "run")
    with pytest.raises(ResourceError) as caught:
        guard.check(12.0, "run")
    assert caught.value.code == "critic_diverged"


def test_a_critic_learns_to_tell_pictures_apart() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2, betas=(0.5, 0.9))
    real, fake = torch.rand(6, 3, 8, 8) * 0.5 + 0.5, torch.rand(6, 3, 8, 8) * 0.5
    for _ in range(60):
        optimizer.zero_grad()
        found = critic_losses(critic, real, fake, 0.001)
        found["total"].backward()
        optimizer.step()
    assert 0.3 < float(found["quotient"]) < 3
    torch.testing.assert_close(found["total"], 0.001 * (found["wasserstein"] + found["penalty"]))


def test_resumed_is_the_same_to_the_bit(
    head: LinearHead, photos: ShardSet, embedder: FaceEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short(2)

    def go(folder: str, resume: bool = False) -> tuple[TextureNet, dict[str, Any]]:
        net, _, facts = run(config, tmp_path / folder, head=head, samples=photos, embedder=embedder, resume=resume)
        return net, facts

    whole, facts = go("whole")
    config_file = tmp_path / "whole" / "config.json"
    old = json.loads(config_file.read_text())
    del old["run_format"]
    config_file.write_text(json.dumps(old))
    with pytest.raises(UsageError) as caught:
        go("whole", resume=True)
    assert caught.value.code == "run_outdated"
    assert facts["license"] == "that of the photos it was taught with"
    reads, read = [], TextureBatches.read

    def interrupted(self: TextureBatches, samples: ShardSet, numbers: Any) -> TextureBatch:
        reads.append(len(numbers))
        if len(reads) > 3:  # two of each step
            raise KeyError("power cut")
        return read(self, samples, numbers)

    with monkeypatch.context() as patch:
        patch.setattr(TextureBatches, "read", interrupted)
        with pytest.raises(KeyError):
            go("cut")
    resumed, _ = go("cut", resume=True)
    for name, value in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], value), name
    line = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])
    assert {"critic/wasserstein", "critic/penalty", "texture/pixel", "texture/adversarial", "texture/truth"} <= set(
        line
    )
    assert {"val_psnr_coarse", "val_psnr_refined", "val_identity_refined"} <= set(line)
    assert (tmp_path / "whole" / PICTURES / "step-000002.png").is_file()
    assert (facts["steps"], facts["photos"], facts["head"]) == (2, 2, head.sha256)
    assert facts["data"] == "3 photos of drawn"


def test_one_photo_is_learned(head: LinearHead, embedder: FaceEmbedder, tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "photo", size=SIDE, lossless=True) as writer:
        writer.add(coarse_sample(head))
    config = replace(from_preset("overfit", 1, steps=8), side=SIDE)
    weights = replace(config.weights, identity=0.0)
    trainer = replace(config.trainer, schedule=replace(config.trainer.schedule, warmup=2))
    config = replace(config, weights=weights, trainer=trainer)
    samples = ShardSet.open(tmp_path / "photo")
    _, _, facts = run(config, tmp_path / "run", head=head, samples=samples, embedder=embedder)
    found = facts["validation"]
    assert found["psnr_refined"] > found["psnr_coarse"] + 0.8


def test_what_does_not_fit_is_refused(
    head: LinearHead, photos: ShardSet, embedder: FaceEmbedder, tmp_path: Path
) -> None:
    def refused(config: TextureConfig, **given: Any) -> str:
        with pytest.raises((UsageError, InputError)) as caught:
            run(config, tmp_path / "run", **({"head": head, "samples": photos, "embedder": embedder} | given))
        return caught.value.code

    assert refused(short(1, held_out=3)) == "dataset_small"
    assert refused(replace(short(1), net=replace(short(1).net, embedding_size=64))) == "embedder_kind"
    other = TextureNet(replace(short(1).net, num_terms=2), head_hierarchy(head))
    assert refused(short(1), start=other) == "start_mismatch"
    assert not (tmp_path / "run").exists()


def test_left_and_right_are_alike_in_the_hierarchy(head: LinearHead) -> None:
    hierarchy = head_hierarchy(head)
    assert hierarchy.counts == (10_639, 2_660, 665, 167, 42)
    kept, mirror = hierarchy.kept[0], head.mirror.numpy()
    assert set(mirror[kept].tolist()) == set(kept.tolist())
