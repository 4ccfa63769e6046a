"""Batches of the coefficient stage: what belongs together stays together, also in mirror images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from headform.data.sample import Sample
from headform.errors import InputError
from headform.geometry.landmarks68 import five_points
from headform.geometry.similarity import fit_similarity
from headform.heads.code_decoder import FlameDecoder, OpenDecoder, decoder_of
from headform.heads.linear import LinearHead
from headform.nets.recognition.crops import ARCFACE, IMAGENET_112
from headform.train import face_crops
from headform.train.coefficient_batches import CoefficientBatch, CoefficientBatches
from tests.heads.flame.flame_heads import tiny_flame
from tests.train.coefficient_samples import SIDE, face_sample, write_faces


@pytest.fixture(scope="module")
def decoder(head: LinearHead) -> OpenDecoder:
    found = decoder_of(head)
    assert isinstance(found, OpenDecoder)
    return found


def reader(decoder: OpenDecoder | FlameDecoder, **changed: object) -> CoefficientBatches:
    options = {"photos": 2, "side": SIDE, "jitter": 0.0, "patch_rate": 0.0}
    return CoefficientBatches(decoder, IMAGENET_112, **(options | changed))


def mirroring(batches: CoefficientBatches, rows: list[Sample], monkeypatch: pytest.MonkeyPatch) -> CoefficientBatch:
    """The batch of one subject with both photos mirrored, colors as they are."""
    monkeypatch.setattr(face_crops, "vary_color", lambda _, images: images.astype(np.float32))
    seed = next(s for s in range(20) if np.random.default_rng(s).normal(0, 1, (2, 5, 2)).any() and _flips(s))
    return batches.assemble(rows, np.random.default_rng(seed))


def _flips(seed: int) -> bool:
    rng = np.random.default_rng(seed)
    rng.normal(0, 1, (2, 5, 2))
    return rng.random() < 0.5


def test_a_batch_as_it_is(decoder: OpenDecoder, head: LinearHead) -> None:
    """Everything in the frame of the encoder's crop, aligned by five points."""
    rows = [face_sample(head, k, subject=k // 2, jaw=k == 1) for k in range(4)]
    batch = reader(decoder, side=112).assemble(rows, None)
    assert batch.subjects.tolist() == [0, 0, 1, 1]
    assert batch.labeled.all()
    y, x = np.mgrid[:112, :112] + 0.5
    for k, row in enumerate(rows):
        code = torch.from_numpy(row.coefficients["identity"])
        torch.testing.assert_close(batch.shapes[k], head.vertices(code), atol=1e-6, rtol=0)
        wanted = IMAGENET_112.values(IMAGENET_112.crop(row.image, five_points(row.points68))[None])[0]
        torch.testing.assert_close(batch.crops[k], wanted)
        torch.testing.assert_close(batch.images[k], (wanted * DEVIATION + MEAN) / 255, atol=1e-5, rtol=0)
        fitted = fit_similarity(five_points(row.points68), IMAGENET_112.points)
        np.testing.assert_allclose((batch.points68[k].numpy() + 1) * 56, fitted.apply(row.points68), atol=1e-3)
        np.testing.assert_allclose(batch.points5[k].numpy(), IMAGENET_112.points, atol=1e-4)
        at = np.floor(fitted.inverse().apply(np.stack([x, y], -1).reshape(-1, 2))).astype(int)
        inside = ((at >= 0) & (at < SIDE)).all(1)
        assert row.skin is not None
        own = row.skin[at[inside, 1], at[inside, 0]] > 0
        assert ((batch.skin[k, 0].numpy().ravel()[inside] > 0.5) == own).mean() > 0.97
        assert 0.1 < own.mean() < 0.9


MEAN, DEVIATION = (torch.tensor(v).view(3, 1, 1) for v in (IMAGENET_112.offset, IMAGENET_112.divisor))


def test_other_sides_and_encodings(decoder: OpenDecoder, head: LinearHead) -> None:
    rows = [face_sample(head, k, subject=0) for k in range(2)]
    same, small = (reader(decoder, side=side).assemble(rows, None) for side in (112, 56))
    halves = same.images.unflatten(-1, (-1, 2)).unflatten(-3, (-1, 2)).mean((-1, -3))
    assert float((small.images - halves).abs().mean()) < 0.01
    torch.testing.assert_close(small.points68, same.points68, equal_nan=True)
    torch.testing.assert_close(small.points5, same.points5 / 2)
    assert torch.equal(small.crops, same.crops)
    other = CoefficientBatches(decoder, ARCFACE, photos=2, side=48, jitter=0.0, patch_rate=0.0).assemble(rows, None)
    torch.testing.assert_close(other.crops * 127.5 + 127.5, same.crops * DEVIATION + MEAN, atol=1e-2, rtol=0)


def test_mirror_images_are_consistent(decoder: OpenDecoder, head: LinearHead, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [face_sample(head, k, subject=0, jaw=True) for k in range(2)]
    points = rows[1].points68.copy()
    points[3] = np.nan  # on the subject's right
    rows[1] = replace(rows[1], points68=points)
    plain = reader(decoder).assemble(rows, None)
    batch = mirroring(reader(decoder), rows, monkeypatch)
    # the mean head is symmetric: its mirrored points are its own, point by point
    for k in range(2):
        known = torch.isfinite(batch.points68[k]).all(-1)
        assert torch.nonzero(~known)[:, 0].tolist() == ([] if k == 0 else [13])
        both = known & torch.isfinite(plain.points68[k]).all(-1)
        assert float((batch.points68[k] - plain.points68[k])[both].abs().max()) < 0.04
    # the crop's template is not quite symmetric
    for name in ("crops", "images", "skin"):
        found, before = getattr(batch, name), getattr(plain, name)
        assert float((found - before.flip(-1)).abs().mean()) < 0.25 * float((found - before).abs().mean()), name


def test_a_mirrored_mesh_is_the_true_mirror_image(
    decoder: OpenDecoder, head: LinearHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [face_sample(head, 0, subject=0), face_sample(head, 1, subject=0, vertices=True)]
    plain = reader(decoder).assemble(rows, None).shapes
    torch.testing.assert_close(plain[0], plain[1], atol=1e-6, rtol=0)
    found = mirroring(reader(decoder), rows, monkeypatch).shapes
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=0)
    reflected = plain[0].numpy() * [-1, 1, 1]
    assert cKDTree(reflected).query(found[0].numpy())[0].max() < 1e-6, "the same surface, reflected"
    assert float((found[0] - plain[0]).abs().max()) > 1e-3, "these people are not symmetric"
    middle = (found[0] - torch.from_numpy(reflected).float()[head.mirror]).abs().max()
    assert float(middle) < 1e-6
    nose = head.landmark_vertices[30, 0]
    assert float(found[0, nose, 0]) == pytest.approx(-float(plain[0, head.mirror[nose], 0]), abs=1e-6)


def test_photos_of_a_subject_are_mirrored_together(decoder: OpenDecoder, head: LinearHead) -> None:
    rows = [face_sample(head, k, subject=k // 2) for k in range(40)]
    batch, plain = (reader(decoder).assemble(rows, rng) for rng in (np.random.default_rng(1), None))
    same = (batch.images == plain.images).flatten(1).all(1).view(20, 2)
    assert torch.equal(same[:, 0], same[:, 1])
    assert 4 < int(same[:, 0].sum()) < 16, "about half of the subjects"
    with_map = replace(head, mirror=head.mirror[:0])
    never = reader(decoder_of(with_map)).assemble(rows, np.random.default_rng(0))
    assert torch.equal(never.images, plain.images), "a head without a mirror map has no mirror images"


def test_augmentation_is_a_function_of_the_generator(decoder: OpenDecoder, head: LinearHead) -> None:
    rows = [face_sample(head, k, subject=k // 2) for k in range(6)]
    varied = reader(decoder, jitter=2.0, patch_rate=1.0)
    one, again, other = (varied.assemble(rows, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for name, value in vars(one).items():
        torch.testing.assert_close(getattr(again, name), value, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(one.crops, other.crops)
    plain = varied.assemble(rows, None)
    assert float((one.crops - plain.crops).abs().mean()) > 0.1
    assert not torch.equal(one.points68[:, 30], plain.points68[:, 30]), "the jitter moves the frame of all"


def test_photos_with_and_without_meshes(decoder: OpenDecoder, head: LinearHead) -> None:
    other = replace(face_sample(head, 3, subject=1), head="0" * 64)
    rows = [
        face_sample(head, 0, subject=0), face_sample(head, 1, subject=0, labeled=False), other,
        face_sample(head, 4, subject=1, vertices=True),
    ]  # fmt: skip
    batch = reader(decoder).assemble(rows, np.random.default_rng(0))
    assert batch.labeled.tolist() == [True, False, False, True], "coefficients of another head are no label"
    assert batch.shapes.shape == (2, len(head.mean), 3)
    none = reader(decoder).assemble([rows[1], replace(rows[1], skin=None)], None)
    assert none.shapes.shape == (0, len(head.mean), 3)
    assert not none.labeled.any()
    assert float(none.skin[1].max()) == 0, "nothing is compared where the skin is unknown"


def test_samples_that_cannot_be_used(decoder: OpenDecoder, head: LinearHead) -> None:
    good = face_sample(head, 0, subject=0, vertices=True)
    assert good.vertices is not None
    short = replace(good, vertices=good.vertices[:-1])
    blind = replace(good, points68=np.where(np.arange(68)[:, None] == 48, np.nan, good.points68).astype(np.float32))
    for wrong, said in ((short, f"{len(head.mean) - 1} vertices"), (blind, "mouth")):
        with pytest.raises(InputError, match=said) as caught:
            reader(decoder).assemble([good, wrong], None)
        assert caught.value.code == "sample_unusable"
        assert good.name in caught.value.location


def test_coefficients_of_flame() -> None:
    flame = replace(tiny_flame(), sha256="a" * 64)
    open_like = np.zeros((68, 2), np.float32) + np.random.default_rng(0).uniform(10, 40, (68, 2)).astype(np.float32)
    code = np.array([1.0, -2.0], np.float32)
    row = Sample("a", "b", np.zeros((SIDE, SIDE, 3), np.uint8), open_like, coefficients={"shape": code}, head="a" * 64)
    batch = reader(decoder_of(flame)).assemble([row, row], np.random.default_rng(0))
    torch.testing.assert_close(batch.shapes[1], flame.mean + flame.identity[0] - 2 * flame.identity[1])


def test_drawing_photos(decoder: OpenDecoder, head: LinearHead, tmp_path: Path) -> None:
    samples = write_faces(tmp_path / "four", head, 2, 4)
    batches = reader(decoder, photos=3)
    rng = np.random.default_rng(0)
    seen: set[str] = set()
    for _ in range(12):
        rows = batches.draw(samples, [1, 0], rng)
        assert [row.subject for row in rows] == ["person 1"] * 3 + ["person 0"] * 3
        assert len({row.name for row in rows}) == 6, "no photo twice"
        seen |= {row.name for row in rows}
    assert len(seen) == 8
    names = [[row.name for row in batches.draw(samples, [0], np.random.default_rng(5))] for _ in range(2)]
    assert names[0] == names[1]
    few = reader(decoder, photos=5).draw(samples, [0], rng)
    assert (len(few), len({row.name for row in few})) == (5, 4), "all of them, and one again"
