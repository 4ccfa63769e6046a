"""The student's training: rows, mirrored labels, masked losses, presets, and a run that resumes to the bit."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from headform.data.portraits import FORMAT, Portrait
from headform.errors import InputError, UsageError
from headform.geometry.face_classes import HAIR, SKIN, UNKNOWN
from headform.geometry.landmarks68 import MIRROR68
from headform.heads import LinearHead, load_open
from headform.io.image_bytes import jpeg
from headform.nets.landmarks.student_net import OPENING_MIRROR, StudentNet, StudentOutput
from headform.synth.generator import Generator
from headform.synth.randomization import EASY
from headform.train.checkpoint import load_checkpoint
from headform.train.config import ScheduleConfig, TrainerConfig
from headform.train.loss_weights import StudentLossWeights
from headform.train.pool import PoolConfig, rows_of
from headform.train.student import run, student_errors
from headform.train.student_batches import StudentBatches, StudentTargets
from headform.train.student_config import SourceConfig, StudentConfig, VariationConfig, student_preset
from headform.train.student_losses import StudentLosses, openings_between, wing
from headform.train.student_rows import Rows, SyntheticRows, face_axis, openings_of, portrait_row, stack_rows, tensor_of
from headform.train.student_sources import PortraitSource, left_out
from tests.nets.landmarks.test_student_net import SMALL

CONSTANT = ScheduleConfig("constant", warmup=2)  # a longer run begins with the very steps of a shorter one
TOY = StudentConfig(
    trainer=TrainerConfig(steps=5, batch=4, schedule=CONSTANT, log_every=1, save_every=2, save_seconds=None),
    pool=PoolConfig("loose", 72, EASY, workers=0),
    net=SMALL,
    first_faces=6,
    validation=3,
)


@pytest.fixture(scope="module")
def faces() -> Rows:
    maker = Generator(load_open(), size=72, randomization=EASY, bank_size=2)
    return rows_of(maker.batch(np.random.default_rng(0), 3))


def a_portrait(head: LinearHead, *, turned: bool = False, fold: int = 1) -> Portrait:
    """A portrait of colored squares with the labels of the mean head."""
    rng = np.random.default_rng(2)
    points = (head.mean[head.dense][:, :2].numpy() * [1400.0, -1400.0] + [190.0, 200.0]).astype(np.float32)
    annotated = np.zeros(68, bool)
    annotated[60:68] = True
    trusted = np.ones(len(points), bool)
    trusted[37] = trusted[200] = False
    marks = points[:68] + np.float32(0.5)
    marks[[61, 62, 63]] -= np.array([0.0, 4.0], np.float32)
    classes = np.full((384, 384), UNKNOWN, np.uint8)
    classes[150:250, 150:250], classes[60:100] = SKIN, HAIR
    return Portrait(
        rgb=rng.integers(0, 256, (24, 24, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1),
        points68=marks,
        trusted68=np.arange(68) != 5,
        annotated68=annotated,
        dense=points,
        trusted=trusted,
        visible=rng.random(len(points)) < 0.8,
        classes=classes,
        expression=rng.random(len(head.expression)).astype(np.float32),
        gaze=np.array([0.1, 0.2], np.float32),
        identity=np.zeros(len(head.identity), np.float32),
        rotation=np.diag([1.0, -1.0, -1.0]).astype(np.float32),
        distance=1.0,
        turn=(20.0, 0.0) if turned else (0.0, 0.0),
        person="london/001",
        fold=fold,
    )


def write_folder(folder: Path, head: LinearHead, people: int = 3, copies: int = 2) -> Path:
    """Prepared portraits as `headform data portraits` lays them out."""
    folder.mkdir()
    entries = []
    for k in range(people):
        p = a_portrait(head, fold=k % 4)
        picture = np.frombuffer(jpeg(p.rgb, quality=90), np.uint8)
        both = [
            np.stack([getattr(p, name)] * copies) for name in ("classes", "points68", "dense", "visible", "rotation")
        ]
        named = dict(zip(("classes", "points68", "dense", "visible", "rotation"), both, strict=True))
        same = {
            name: getattr(p, name) for name in ("trusted68", "annotated68", "trusted", "expression", "gaze", "identity")
        }
        np.savez(
            folder / f"london-{k:03d}.npz", jpeg=np.concatenate([picture] * copies), distance=np.ones(copies),
            jpeg_ends=np.arange(1, copies + 1) * len(picture), turn=np.arange(copies)[:, None] * [20.0, 0.0],
            **named, **same,
        )  # fmt: skip
        entries.append({"file": f"london-{k:03d}.npz", "person": f"london/{k:03d}", "fold": k % 4, "copies": copies})
    facts = {"sources": {"london": "CC BY 4.0"}, "plan": {}}
    (folder / "dataset.json").write_text(json.dumps({"format": FORMAT, "facts": facts, "photos": entries}))
    return folder


def test_synthetic_rows_label_everything_but_the_jaw_of_turned_heads(head: LinearHead, faces: Rows) -> None:
    turned = dict(faces)
    turned["rotation"] = faces["rotation"].copy()
    turned["rotation"][0] = np.diag([1.0, -1.0, -1.0])
    turned["rotation"][1] = [[0.7, 0, 0.71], [0, -1, 0], [0.71, 0, -0.7]]
    rows = SyntheticRows(head, SourceConfig(synthetic_weight=0.5, synthetic68=0.4))(turned)
    np.testing.assert_allclose(rows["weight68"][0], 0.2)
    np.testing.assert_allclose(rows["weight68"][1], [0.0] * 17 + [0.2] * 51)
    np.testing.assert_array_equal(rows["points68"][:, 17:], rows["points"][:, 17:68])
    # annotators mark the chin below the surface's point
    face = np.ptp(rows["points"][0, :68, 1])
    assert 0.0 < rows["points68"][0, 8, 1] - rows["points"][0, 8, 1] < 0.1 * face
    for k in range(3):
        down, size = face_axis(rows["points"][k, :68])
        gap = (rows["points"][k, 66] - rows["points"][k, 62]) @ down / size
        assert rows["openings"][k, 5] == pytest.approx(gap)


def test_portraits_weigh_what_is_known(head: LinearHead) -> None:
    portrait = a_portrait(head).cut(72)
    row = portrait_row(portrait, SourceConfig(annotated68=3.0, portrait_weight=0.5))
    assert row["weight68"][5] == 0
    np.testing.assert_allclose(row["weight68"][[0, 62]], [0.5, 1.5])
    assert row["points_weight"][200] == 0
    # lips by hand, lids by the fit: the first pair has a point that is not trusted
    np.testing.assert_allclose(row["openings_weight"], [0, 0.15, 0.15, 0.15, 1.5, 1.5, 1.5], rtol=1e-6)
    down, size = row["down"], float(row["size"])
    np.testing.assert_allclose(row["openings"][4:], openings_of(portrait.points68, down, size)[4:], rtol=1e-5)
    np.testing.assert_allclose(row["openings"][:4], openings_of(portrait.dense[:68], down, size)[:4], rtol=1e-5)
    assert set(np.unique(row["skin_weight"])) == {0.0, 0.5}
    assert row["skin"].max() == 1
    assert (row["skin"][row["skin_weight"] > 0] == 0).any()  # hair is known not to be skin
    copy = portrait_row(a_portrait(head, turned=True).cut(72), SourceConfig(turned_weight=0.25))
    assert copy["fit_weight"] == 0.25


def test_a_point_is_seen_or_hidden_only_where_somebody_knows(head: LinearHead) -> None:
    count = len(head.dense)
    points = np.full((count, 2), 300.5, np.float32)  # nothing is known there
    points[[100, 101]] = (200.5, 200.5)  # skin
    points[[102, 103]] = (200.5, 80.5)  # hair
    points[104] = (-5.0, 200.5)
    visible = np.ones(count, bool)
    visible[[101, 103, 105, 37]] = False
    portrait = replace(a_portrait(head), dense=points, visible=visible)
    row = portrait_row(portrait, SourceConfig(portrait_weight=0.5))
    given = [100, 101, 102, 103, 104, 105, 106, 0, 5, 37]  # 5 is the landmark that is not trusted
    np.testing.assert_allclose(row["visible_weight"][given], [0.5, 0.5, 0.5, 0.5, 0, 0.5, 0, 0.5, 0, 0.5])
    known = row["visible_weight"] > 0
    assert (np.flatnonzero(known & (row["visible"] == 1)) == [*(k for k in range(68) if k not in (5, 37)), 100]).all()


def test_cells_at_the_border_of_the_known_are_not_half_skin(head: LinearHead, faces: Rows) -> None:
    rows = SyntheticRows(head, SourceConfig())(faces)
    rows["skin"] = np.zeros_like(rows["skin"])
    rows["skin"][:, :, 10:19], rows["skin"][:, :, 19:] = 1, 0
    rows["skin_weight"] = np.zeros_like(rows["skin"])
    rows["skin_weight"][:, :, 11:19] = 1
    small = replace(SMALL, first_side=32)
    targets = StudentBatches(head, small, VariationConfig())(rows, None)[1]
    known = targets.mask_weight > 0
    assert known.any()
    assert ((targets.mask_weight > 0) & (targets.mask_weight < 1)).any()
    torch.testing.assert_close(targets.mask[known], torch.ones(int(known.sum())))
    assert not targets.mask[~known].any()


def test_labels_follow_windows_and_mirror_images(head: LinearHead, faces: Rows) -> None:
    batches = StudentBatches(head, SMALL, VariationConfig(patch_rate=0.0, gray_rate=0.0))
    rows = SyntheticRows(head, SourceConfig())(faces)
    plain, targets = batches(rows, None)
    assert plain.shape == (3, 3, 64, 64)
    np.testing.assert_array_equal(plain[1].permute(1, 2, 0).numpy(), faces["images"][1, 4:68, 4:68])
    np.testing.assert_allclose(targets.points.numpy(), (faces["points"] - 4) / 32 - 1, atol=1e-5)
    assert targets.mask.shape == targets.mask_weight.shape == (3, 16, 16)
    # openings between the targets themselves are the targets' openings, mirrored or not
    torch.testing.assert_close(
        openings_between(targets.points, targets.down, targets.size), targets.openings, atol=1e-4, rtol=0
    )
    local = {name: getattr(targets, name).numpy() for name in (f.name for f in fields(targets)) if "mask" not in name}
    local |= {"images": plain.permute(0, 2, 3, 1).numpy(), "skin": rows["skin"], "skin_weight": rows["skin_weight"]}
    other = batches.mirrored(local)
    found = openings_between(*(tensor_of(other[name]) for name in ("points", "down", "size")))
    torch.testing.assert_close(found, torch.from_numpy(other["openings"].copy()), atol=1e-4, rtol=0)
    np.testing.assert_allclose(other["openings"][:, 0], local["openings"][:, OPENING_MIRROR[0]])
    np.testing.assert_allclose(other["points68"][:, 36, 0], -local["points68"][:, 45, 0])
    np.testing.assert_allclose(other["weight68"], local["weight68"][:, MIRROR68])
    np.testing.assert_allclose(np.linalg.det(other["rotation"]), 1, atol=1e-4)
    back = batches.mirrored(other)
    for name, value in local.items():
        np.testing.assert_allclose(back[name], value, atol=1e-6)
    varied, moved = batches(rows, np.random.default_rng(4))
    assert not torch.equal(varied, plain)
    torch.testing.assert_close(
        openings_between(moved.points, moved.down, moved.size), moved.openings, atol=1e-4, rtol=0
    )


@pytest.fixture
def targets(head: LinearHead, faces: Rows) -> StudentTargets:
    return StudentBatches(head, SMALL, VariationConfig())(SyntheticRows(head, SourceConfig())(faces), None)[1]


def perfect(t: StudentTargets) -> StudentOutput:
    """The outputs that are right everywhere."""
    return StudentOutput(
        points=t.points.clone(), log_variance=torch.full_like(t.visible, -6.0), expression=t.expression.clone(),
        rotation6=torch.cat([t.rotation[..., 0], t.rotation[..., 1]], 1), gaze=t.gaze.clone(),
        mask_logits=(t.mask * 2 - 1) * 8, points68=t.points68.clone(), log_variance68=torch.full_like(t.weight68, -6.0),
        first68=t.points68.clone(), openings=t.openings.clone(), log_variance_openings=torch.full_like(t.openings, -6.0),
        visible_logits=(t.visible * 2 - 1) * 8,
    )  # fmt: skip


def test_losses_are_least_at_the_truth(head: LinearHead, targets: StudentTargets) -> None:
    losses = StudentLosses(head, StudentLossWeights())
    right = perfect(targets)
    best = losses.of(right, targets)
    for name in ("l1", "wing68", "first68", "openings", "openings_dense", "gaze", "expression_cm2", "expression_mse"):
        assert float(best[name]) == pytest.approx(0, abs=1e-4), name
    wrong = {
        name: value + 0.05 * (-1 if "logits" in name else 1)
        for name, value in vars(right).items()
        if "variance" not in name
    }
    wrong["mask_logits"], wrong["visible_logits"] = -right.mask_logits, -right.visible_logits
    wrong["points"] = right.points + 0.05 * targets.down[:, None] * torch.linspace(0, 1, 336)[:, None]
    wrong["points68"] = right.points68 + 0.05 * targets.down[:, None] * torch.linspace(0, 1, 68)[:, None]
    bad = losses.of(replace(right, **wrong), targets)
    assert set(bad) == {*asdict(StudentLossWeights()), "total"}
    for name, value in bad.items():
        assert float(value) > float(best[name]), name
    student = _Told(right)
    measured = student_errors(student, torch.zeros(3, 3, 64, 64), targets)
    assert measured["nme68"] == measured["lips"] == 0
    assert measured["mean_points_nme68"] > 1
    assert measured["visible"] == 1
    worse = student_errors(_Told(replace(right, openings=right.openings + 0.02)), torch.zeros(3, 3, 64, 64), targets)
    assert worse["lids"] == pytest.approx(2, rel=1e-3)


class _Told(torch.nn.Module):
    def __init__(self, out: StudentOutput) -> None:
        super().__init__()
        self.out = out

    def forward(self, images: Tensor) -> StudentOutput:
        return self.out


@pytest.mark.parametrize(
    ("weight", "names"),
    [
        ("points_weight", {"nll", "l1"}),
        ("weight68", {"nll68", "wing68", "first68"}),
        ("openings_weight", {"nll_openings", "openings", "openings68", "openings_dense"}),
        ("visible_weight", {"visible"}),
        ("fit_weight", {"expression_cm2", "expression_mse", "rotation", "gaze"}),
        ("mask_weight", {"mask"}),
    ],
)
def test_labels_without_a_weight_teach_nothing(
    head: LinearHead, targets: StudentTargets, weight: str, names: set[str]
) -> None:
    losses = StudentLosses(head, StudentLossWeights())
    masked = replace(targets, **{weight: torch.zeros_like(getattr(targets, weight))})
    wrong = replace(perfect(targets), **{
        name: (value + 0.1 + 0.1 * torch.rand_like(value)).requires_grad_() for name, value in vars(perfect(targets)).items()
    })  # fmt: skip
    found = losses.of(wrong, masked)
    for name, value in found.items():
        assert (float(value.detach()) == 0) == (name in names), name
    sum(found[name] for name in names).backward()  # type: ignore[union-attr]
    assert all(value.grad is None or not value.grad.any() for value in vars(wrong).values())
    # one sample without labels leaves the mean of the others as it is
    part = getattr(targets, weight).clone()
    part[1:] = 0
    first = losses.of(wrong, replace(targets, **{weight: part}))
    alone = losses.of(
        StudentOutput(**{name: value[:1] for name, value in vars(wrong).items()}),
        StudentTargets(*(getattr(targets, each.name)[:1] for each in fields(targets))),
    )
    for name in names:
        assert float(first[name].detach()) == pytest.approx(float(alone[name].detach()), rel=1e-4), name


def test_openings_have_a_sign_and_pull_points_apart_or_together(head: LinearHead, targets: StudentTargets) -> None:
    losses = StudentLosses(head, StudentLossWeights())
    for direction in (1.0, -1.0):  # lower lip too low, and above the upper one
        points = targets.points68.clone()
        points[:, 66] += direction * 0.2 * targets.down
        points.requires_grad_()
        out = replace(perfect(targets), points68=points)
        gap = openings_between(out.points68, targets.down, targets.size)[:, 5]
        assert ((gap > targets.openings[:, 5]) == (direction > 0)).all()
        losses.of(out, targets)["openings68"].backward()
        assert points.grad is not None
        step = -(points.grad * targets.down[:, None]).sum(2)  # the way down the face of a descent
        assert (direction * step[:, 66] < 0).all()
        assert (direction * step[:, 62] > 0).all()
        assert not points.grad[:, 30].any()


def test_wing_loss() -> None:
    error = torch.tensor([-0.1, 0.04, 0.039999, 0.0], dtype=torch.float64, requires_grad=True)
    value = wing(error)
    torch.testing.assert_close(value, torch.tensor([0.1, 0.04, 0.04, 0.0], dtype=torch.float64), atol=1e-5, rtol=0)
    value.sum().backward()
    assert error.grad is not None
    assert error.grad[0] == -1
    small = torch.tensor(1e-4, requires_grad=True)
    wing(small).backward()
    assert small.grad is not None
    assert float(small.grad) > 2  # steeper than L1 near the truth


def test_a_run_in_parts_is_the_whole_run_to_the_bit(tmp_path: Path, head: LinearHead) -> None:
    folder = write_folder(tmp_path / "portraits", head)
    sources = SourceConfig(synthetic=0.5, portraits=0.3, turned=0.2)
    config = replace(TOY, sources=sources, fold=1)
    net, _, facts = run(config, tmp_path / "whole", portraits=folder)
    assert isinstance(net, StudentNet)
    assert not net.training
    assert facts["faces_rendered"] == 6
    assert "london: CC BY 4.0" in facts["data"]
    assert {"nme68", "portraits_nme68", "portraits_lips"} <= facts["validation"].keys()
    run(replace(config, trainer=replace(config.trainer, steps=2)), tmp_path / "p", portraits=folder)
    run(config, tmp_path / "p", portraits=folder, resume=True)
    one, other = (load_checkpoint(tmp_path / name) for name in ("whole", "p"))
    assert one is not None
    assert other is not None
    assert one.tensors.keys() == other.tensors.keys()
    assert not [name for name, value in one.tensors.items() if not torch.equal(value, other.tensors[name])]


def test_a_fold_is_left_out(tmp_path: Path, head: LinearHead) -> None:
    folder = write_folder(tmp_path / "portraits", head, people=5)
    sources = SourceConfig(synthetic=0.0, portraits=0.5, turned=0.5)
    given = folder, 72, sources, VariationConfig(), EASY
    assert len(PortraitSource(*given, None)) == 5
    source = PortraitSource(*given, 0)
    assert len(source) == 3
    assert all(portrait.fold != 0 for portrait in source._photos)
    assert [portrait.fold for portrait in left_out(folder, 0)] == [0, 0]
    rows = source.draw(np.random.default_rng(0), 2, 3)
    assert rows["images"].shape == (5, 72, 72, 3)
    np.testing.assert_allclose(rows["fit_weight"], [1, 1, 0.6, 0.6, 0.6])
    again = source.draw(np.random.default_rng(0), 2, 3)
    assert all(np.array_equal(rows[name], again[name]) for name in rows)
    assert source.row(source._photos[0], None).keys() == stack_rows([source.row(source._photos[0], None)]).keys()


def test_presets_and_what_they_refuse(tmp_path: Path, head: LinearHead) -> None:
    opened, alone = student_preset("open", fold=2), student_preset("synthetic-only")
    assert opened.sources.real
    assert not alone.sources.real
    assert opened.pool.size == 288

    def code(error: type[Exception], call: object) -> str:
        with pytest.raises(error) as caught:
            call()  # type: ignore[operator]
        return caught.value.code  # type: ignore[attr-defined, no-any-return]

    assert code(UsageError, lambda: student_preset("synthetic-only", fold=0)) == "option_unused"
    assert code(UsageError, lambda: student_preset("open", fold=4)) == "fold_invalid"
    assert code(UsageError, lambda: SourceConfig(synthetic=0.5)) == "config_invalid"
    assert code(UsageError, lambda: replace(TOY, pool=replace(TOY.pool, size=64))) == "config_invalid"
    assert code(UsageError, lambda: run(opened, tmp_path / "a")) == "portraits_not_given"
    assert code(UsageError, lambda: run(alone, tmp_path / "a", portraits=tmp_path)) == "option_unused"
    assert code(InputError, lambda: run(opened, tmp_path / "a", portraits=tmp_path)) == "dataset_missing"
    bare = write_folder(tmp_path / "bare", head, people=1, copies=1)
    assert code(InputError, lambda: run(replace(opened, fold=None), tmp_path / "a", portraits=bare)) == "dataset_empty"
    assert not (tmp_path / "a").exists()
