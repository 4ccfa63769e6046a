"""The parsing stage: crops and labels move together, unknown classes teach nothing, runs resume to the same bits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.data.open_portraits import Portrait
from headform.errors import UsageError
from headform.geometry.face_classes import BACKGROUND, FACE_CLASSES, HAIR, OUTSIDE, SKIN, UNKNOWN
from headform.io.model_file import load_model
from headform.nets.parsing_net import INPUT_SIDE, MAP_SIDE, ParsingNet, ParsingNetConfig
from headform.nets.shipped import load_parsing
from headform.train import parsing
from headform.train.config import OptimizerConfig, ScheduleConfig, TrainerConfig
from headform.train.export_weights import export_weights
from headform.train.parsing import (
    ParsingConfig,
    ParsingSources,
    batch_counts,
    class_overlap,
    describe_data,
    run,
    train_on,
)
from headform.train.parsing_augment import ParsingAugmentation, random_crop, vary_picture
from headform.train.parsing_losses import class_weights, confident_labels, parsing_losses
from headform.train.parsing_sources import LabeledPicture, PortraitSource, centered_batch, random_batch
from headform.train.pool import RenderPool
from headform.train.step import TrainResult
from tests.nets.test_parsing_predictor import face_points

STILL = ParsingAugmentation(
    color_sd=0.0,
    lift_sd=0.0,
    gamma_sd=0.0,
    gray_rate=0.0,
    blur_rate=0.0,
    coarse_rate=0.0,
    noise_rate=0.0,
    jpeg_rate=0.0,
)
TINY = ParsingNetConfig(widths=(16, 16, 16, 16), depths=(1, 1, 1))


def drawn(seed: int, *, labeled: bool = True) -> Portrait:
    """A face as a red ellipse below green hair, on blue."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:160, :160]
    points = face_points() * 60 + [80, 90] + rng.normal(0, 3, 2)
    cx, cy = points.mean(0)
    classes = np.full((160, 160), BACKGROUND, np.uint8)
    classes[((x - cx) / 42) ** 2 + ((y - cy + 20) / 52) ** 2 < 1] = HAIR
    classes[((x - cx) / 30) ** 2 + ((y - cy) / 42) ** 2 < 1] = SKIN
    colors = np.zeros((len(FACE_CLASSES), 3))
    colors[[BACKGROUND, SKIN, HAIR]] = [[20, 40, 220], [220, 60, 40], [30, 200, 50]]
    image = np.clip(colors[classes] + rng.normal(0, 4, (160, 160, 3)), 0, 255).astype(np.uint8)
    return Portrait(f"london/{seed:03d}.png", image, points, classes if labeled else None)


def test_labels_follow_the_picture() -> None:
    rng = np.random.default_rng(3)
    face = drawn(0)
    for _ in range(12):
        crop = random_crop(rng, face.image, face.points, face.classes, STILL)
        assert crop.labels is not None
        pixels = crop.inside.reshape(MAP_SIDE, 2, MAP_SIDE, 2)
        inside, beyond = pixels.all((1, 3)), ~pixels.any((1, 3))
        cells = crop.image.reshape(MAP_SIDE, 2, MAP_SIDE, 2, 3).mean((1, 3)).argmax(-1)
        shown = np.array([SKIN, HAIR, BACKGROUND])[cells]
        assert (shown == crop.labels)[inside].mean() > 0.96
        assert (crop.labels[beyond] == OUTSIDE).all()


def test_half_of_the_crops_are_mirror_images() -> None:
    rng = np.random.default_rng(1)
    face = drawn(0)
    image = face.image.copy()
    image[:, :80] = 0
    mirrored = 0
    for _ in range(60):
        crop = random_crop(rng, image, face.points, None, replace(STILL, wide_rate=0.0, turn_sd=0.05))
        left, right = crop.image[:, : INPUT_SIDE // 2].mean(), crop.image[:, INPUT_SIDE // 2 :].mean()
        mirrored += left > right
    assert 15 < mirrored < 45


def test_pictures_are_varied_within_their_range() -> None:
    rng = np.random.default_rng(2)
    image = centered_batch([LabeledPicture(drawn(0).image, drawn(0).points, None)]).images[0].permute(1, 2, 0)
    picture = image.numpy().astype(np.uint8)
    np.testing.assert_array_equal(vary_picture(rng, picture, STILL), picture)
    strong = ParsingAugmentation(gray_rate=1.0, jpeg_rate=1.0, noise_rate=1.0, blur_rate=1.0, coarse_rate=1.0)
    varied = vary_picture(rng, picture, strong)
    assert varied.shape == picture.shape
    assert varied.min() >= 0
    assert varied.max() <= 255
    assert np.abs(varied - varied.mean(-1, keepdims=True)).max() < 12  # gray, up to the compression


def test_unknown_cells_change_no_loss() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 12, 4, 4, generator=generator, requires_grad=True)
    labels = torch.randint(0, 12, (2, 4, 4), generator=generator)
    labels[0, :2] = UNKNOWN
    labels[1, 2:] = OUTSIDE
    entropy, dice = parsing_losses(logits, labels, class_weights())
    (entropy + dice).backward()
    assert logits.grad is not None
    assert (logits.grad[0, :, :2] == 0).all()
    assert (logits.grad[1, :, 2:] == 0).all()
    assert (logits.grad[0, :, 2:] != 0).any()
    nothing = parsing_losses(logits, torch.full_like(labels, UNKNOWN), class_weights())
    assert float(nothing[0].detach()) == 0
    assert float(nothing[1].detach()) == 0


def test_losses_against_loops() -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(1, 12, 3, 3, generator=generator)
    labels = torch.tensor([[[0, 1, 2], [3, UNKNOWN, 6], [6, 6, 0]]])
    weights = class_weights()
    probability = logits.softmax(1)[0]
    total = weight = 0.0
    area, seen, shared = np.zeros(12), np.zeros(12), np.zeros(12)
    for y in range(3):
        for x in range(3):
            k = int(labels[0, y, x])
            if k == UNKNOWN:
                continue
            total -= float(weights[k] * probability[k, y, x].log())
            weight += float(weights[k])
            area[k] += 1
            seen += probability[:, y, x].numpy()
            shared[k] += float(probability[k, y, x])
    entropy, dice = parsing_losses(logits, labels, weights)
    assert float(entropy) == pytest.approx(total / weight, rel=1e-5)
    each = 1 - (2 * shared + 1) / (seen + area + 1)
    assert float(dice) == pytest.approx(each[area > 0].mean(), rel=1e-5)


def test_a_teacher_says_nothing_where_it_is_unsure_or_beyond_the_photo() -> None:
    logits = torch.zeros(1, 12, 2, 2)
    logits[0, HAIR, 0] = 9
    inside = torch.ones(1, 1, 4, 4)
    inside[..., 2:] = 0
    labels = confident_labels(logits, inside, 0.8, UNKNOWN)
    assert labels.tolist() == [[[HAIR, UNKNOWN], [UNKNOWN, UNKNOWN]]]


def test_shares_of_a_batch() -> None:
    config = ParsingConfig(annotated_share=0.25, plain_share=0.375)
    one = PortraitSource([drawn(0)])
    assert batch_counts(config, ParsingSources(one, one, one), 16) == (6, 4, 6)
    assert batch_counts(config, ParsingSources(one), 16) == (16, 0, 0)
    assert batch_counts(config, ParsingSources(None, one, one), 16) == (0, 10, 6)


def toy(folder: Path, steps: int, *, resume: bool = False) -> dict[str, torch.Tensor]:
    config = ParsingConfig(
        trainer=TrainerConfig(
            steps=steps,
            batch=4,
            optimizer=OptimizerConfig(lr=1e-2),
            schedule=ScheduleConfig("constant", 1),
            ema_decay=0.9,
            save_seconds=None,
            validate_every=100,
        ),
        net=TINY,
        plain_share=0.5,
        ramp=(0, 2),
    )
    faces = [drawn(k) for k in range(3)]
    sources = ParsingSources(None, PortraitSource(faces), PortraitSource([drawn(9, labeled=False)]))
    net, _, _ = train_on(config, folder, sources, {}, {}, resume=resume)
    return net.state_dict()


def test_a_resumed_run_has_the_same_bits(tmp_path: Path) -> None:
    whole = toy(tmp_path / "whole", 8)
    toy(tmp_path / "parts", 3)
    resumed = toy(tmp_path / "parts", 8, resume=True)
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name


class _Pool(RenderPool):
    """A ring of faces that nobody fills."""

    made = 0  # type: ignore[assignment]

    def __init__(self, folder: Path, *_: object, keep: bool) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=keep)

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None: ...

    def wait_for(self, count: int, *, timeout: float = 0.0) -> None: ...


def test_an_interrupted_run_keeps_its_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ParsingConfig(preset="synthetic-only", net=TINY)
    face = drawn(0)
    monkeypatch.setattr(parsing, "RenderPool", _Pool)
    monkeypatch.setattr(parsing, "_validation_faces", lambda _: [LabeledPicture(face.image, face.points, face.classes)])
    for stopped in (True, False):
        result = TrainResult(1, 12, 0.1, {}, stopped)
        monkeypatch.setattr(parsing, "train_on", lambda *_, outcome=result, **__: (ParsingNet(TINY), outcome, {}))
        run(config, tmp_path, resume=True)
        assert (tmp_path / "pool_0").exists() == stopped
    # the card tells of the photos of an earlier run, too
    start = tmp_path / "start.safetensors"
    export_weights(ParsingNet(TINY), {"config": {"seed": 0}, "minutes": 0, "data": "faces of A"}, start, command="-")
    facts = run(replace(config, start=str(start)), tmp_path, resume=True)[2]
    assert facts["data"].endswith("no photo of anyone; started from weights taught with faces of A")


def test_it_learns_drawn_faces_and_its_weights_come_back(tmp_path: Path) -> None:
    config = ParsingConfig(
        trainer=TrainerConfig(
            steps=24, batch=4, optimizer=OptimizerConfig(lr=1e-2), schedule=ScheduleConfig(warmup=2), ema_decay=0.9
        ),
        net=TINY,
        plain_share=0.25,
    )
    faces = [drawn(k) for k in range(4)]
    sources = ParsingSources(PortraitSource(faces), None, PortraitSource([drawn(9, labeled=False)]))
    held_out = centered_batch([LabeledPicture(drawn(20).image, drawn(20).points, drawn(20).classes)])
    facts = {"stage": "parsing", "config": {"seed": 0}, "minutes": 0.1, "data": describe_data(config, 4, 1)}
    net, result, measured = train_on(config, tmp_path, sources, facts, {"drawn": held_out})
    assert result.samples == 96
    assert measured["drawn_hair"] > 70
    assert measured["drawn_skin"] > 70
    export_weights(net, facts, tmp_path / "parsing.safetensors", command="headform train parsing")
    again, card = load_parsing(tmp_path / "parsing.safetensors")
    assert card["kind"] == "face parsing"
    for source in ("London", "Canadian", "Congress", "CC BY 4.0", "synthetic"):
        assert source in card["data"]
    batch = random_batch(np.random.default_rng(0), sources.synthetic.draw(np.random.default_rng(0), 2), STILL)
    with torch.no_grad():
        found, expected = again(batch.images, batch.inside), net(batch.images, batch.inside)
    torch.testing.assert_close(found, expected, atol=0.05, rtol=0.02)  # half precision
    assert load_model(tmp_path / "parsing.safetensors")[1]["metrics"] == {}


def test_overlap_in_cells_by_hand() -> None:
    face = drawn(0)
    batch = centered_batch([LabeledPicture(face.image, face.points, face.classes)])

    class AllSkin(torch.nn.Module):
        def forward(self, images: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
            logits = torch.zeros(len(images), 12, MAP_SIDE, MAP_SIDE)
            logits[:, SKIN] = 1
            return logits

    known = batch.labels < OUTSIDE
    share = float((batch.labels[known] == SKIN).double().mean())
    measured = class_overlap(AllSkin(), batch)
    assert measured["skin"] == pytest.approx(100 * share)
    assert measured["hair"] == 0
    assert measured["mean"] == pytest.approx(100 * share / 3)


def test_impossible_configurations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        ParsingConfig(folds=3, fold=3)
    assert caught.value.code == "fold_invalid"
    with pytest.raises(UsageError) as caught:
        run(ParsingConfig(), tmp_path)
    assert caught.value.code == "photos_missing"
