"""The coarse stage: read back as it was written, kept beside true labels; photos that do not fit are dropped by reason."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headform import images
from headform.data.coarse_stage import (
    PREFIX,
    CoarseFitter,
    coarse_coefficients,
    photo_sample,
    read_coarse_stage,
    with_coarse_stage,
    write_coarse_stage,
)
from headform.data.sample import Sample
from headform.data.shards import ShardSet
from headform.errors import FaceError, InputError
from headform.geometry.camera import PerspectiveCamera
from headform.heads.linear import LinearHead
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor
from tests.data.coarse_samples import SIDE, coarse_sample


def fitted(head: LinearHead, sample: Sample, **changed: Any) -> Reconstruction:
    """What a reconstruction of the sample's photo has, as far as the coarse stage reads it."""
    rng = np.random.default_rng(0)
    plain = {
        "head": head, "identity": rng.normal(size=100), "expression": rng.random(51), "gaze": np.array([0.1, -0.05]),
        "albedo_code": rng.normal(size=50), "light": rng.normal(size=(9, 3)), "status": "ok",
        "camera": PerspectiveCamera.frontal(300.0, (SIDE, SIDE), 0.9), "points68": sample.points68, "parsed": None,
        "image_size": (SIDE, SIDE),
    }  # fmt: skip
    face = object.__new__(Reconstruction)
    for name, value in (plain | changed).items():
        object.__setattr__(face, name, value)
    return face


def test_it_is_read_back_as_it_was_found(head: LinearHead) -> None:
    sample = coarse_sample(head)
    face = fitted(head, sample)
    stage = read_coarse_stage(with_coarse_stage(sample, face), head)
    code = torch.from_numpy(face.identity).float(), torch.from_numpy(face.expression).float()
    posed = head.vertices(*code).numpy()
    skin = head.part.numpy() < 2
    np.testing.assert_allclose(stage.vertices[skin], posed[skin], atol=1e-6)
    turned = head.part_vertices("eye_left").numpy()
    assert np.abs(stage.vertices[turned] - posed[turned]).max() > 1e-4, "the eyes look elsewhere"
    albedo = head.albedo_of(torch.from_numpy(face.albedo_code).float()).clamp(0, 1)
    np.testing.assert_allclose(stage.albedo, albedo, atol=1e-6)
    np.testing.assert_allclose(stage.light, face.light, atol=1e-6)
    np.testing.assert_allclose(stage.camera.K, face.camera.K, rtol=1e-6)
    np.testing.assert_allclose(stage.camera.t, face.camera.t, rtol=1e-6)


def test_true_labels_of_this_head_stay_those_of_others_go(head: LinearHead) -> None:
    sample = replace(coarse_sample(head, truth=True), coefficients={"identity": np.ones(3, np.float32)})
    kept = with_coarse_stage(sample, fitted(head, sample))
    assert np.array_equal(kept.coefficients["identity"], np.ones(3))
    assert kept.albedo is sample.albedo
    other = replace(sample, head="0" * 64, vertices=np.zeros((7, 3), np.float32), albedo=None)
    moved = with_coarse_stage(other, fitted(head, sample))
    assert set(moved.coefficients) == set(coarse_coefficients(fitted(head, sample)))
    assert (moved.head, moved.vertices) == (head.sha256, None)


@pytest.mark.parametrize("fault", ["none", "head", "shape", "length"])
def test_samples_without_it_are_named(head: LinearHead, fault: str) -> None:
    sample = coarse_sample(head)
    code = dict(sample.coefficients)
    if fault == "none":
        code = {}
    elif fault == "shape":
        code[PREFIX + "light"] = np.zeros(27, np.float32)
    elif fault == "length":
        code[PREFIX + "identity"] = np.zeros(1000, np.float32)
    wrong = replace(sample, coefficients=code, head="0" * 64 if fault == "head" else sample.head)
    with pytest.raises(InputError) as caught:
        read_coarse_stage(wrong, head)
    assert caught.value.code == "sample_unusable"
    assert sample.name in str(caught.value)


def test_what_cannot_be_fitted_is_dropped_by_its_reason(head: LinearHead, tmp_path: Path) -> None:
    samples = [coarse_sample(head, k) for k in range(5)]
    samples[4] = replace(samples[4], points68=np.full((68, 2), np.nan, np.float32))

    class Stub(Reconstructor):
        def __init__(self) -> None:
            self.number = -1

        def reconstruct(self, image: Any, **_: Any) -> list[Any]:  # type: ignore[override]
            self.number += 1
            if self.number == 1:
                raise FaceError("no_face", "there is none")
            far = {2: {"points68": samples[2].points68 + 30}, 3: {"status": "low_confidence"}}
            return [fitted(head, samples[self.number], **far.get(self.number, {}))]

    fitter = CoarseFitter(Stub())
    told: list[str] = []
    counts = write_coarse_stage(samples, tmp_path, SIDE, fitter.fit, head=head.sha256, done=told.append)
    assert counts == {"written": 1, "no_face": 1, "other_face": 1, "low_confidence": 1, "points_unknown": 1}
    assert told[1] == "drawn-001: no_face"
    assert read_coarse_stage(ShardSet.open(tmp_path)[0], head).light.shape == (9, 3)
    again = write_coarse_stage(samples[:1], tmp_path, SIDE, lambda sample: pytest.fail("it is there"), head=head.sha256)
    assert again == {"there": 1}
    with pytest.raises(InputError, match="another head") as caught:
        write_coarse_stage(samples[:1], tmp_path, SIDE, fitter.fit, head="0" * 64)
    assert caught.value.code == "dataset_exists"


def test_a_photo_and_its_head_fall_together(head: LinearHead, data_root: Path) -> None:
    photo = images.read(data_root / "photos" / "skimage" / "astronaut.png")
    (face,) = Reconstructor.load(texture_size=0, landmarks_net="own").reconstruct(photo)
    sample = photo_sample(face, 96, "astronaut")
    stage = read_coarse_stage(sample, head)
    points = stage.camera.project(stage.vertices[head.dense[:68]].astype(np.float64))[:, :2]
    off = np.linalg.norm(points - sample.points68, axis=1)[17:]
    assert np.nanmedian(off) < 2.5, "pixels of the crop of 96"
    assert sample.skin is not None
    assert 0.1 < (sample.skin > 0).mean() < 0.9
