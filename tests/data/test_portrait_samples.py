"""Prepared portraits become samples of photos alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headform import images
from headform.data.portrait_samples import portrait_sample, write_portrait_samples
from headform.data.portraits import Portrait
from headform.data.shards import ShardSet
from headform.geometry.face_classes import UNKNOWN
from headform.images.warp import apply, warp
from headform.nets.parsing_predictor import ParsingPredictor
from headform.nets.shipped import load_parsing
from headform.pipeline.reconstructor import Reconstructor

SIDE = 384


@pytest.fixture(scope="module")
def parser() -> ParsingPredictor:
    return ParsingPredictor(load_parsing()[0], mirror=False)


@pytest.fixture(scope="module")
def portrait(repository: Path) -> Portrait:
    """The example photo as a prepared portrait, its labels those of the networks."""
    photo = images.read(repository / "examples" / "astronaut.jpg")
    points = Reconstructor.load(texture_size=0).find(photo)[0].prediction.points[:68]
    low, high = points.min(0), points.max(0)
    scale = SIDE / (2 * float((high - low).max()))
    frame = np.column_stack([scale * np.eye(2), SIDE / 2 - scale * (low + high) / 2])
    marks = apply(frame, points).astype(np.float32)
    nothing = np.zeros((4, 2), np.float32)
    yes = np.ones(68, bool)
    return Portrait(
        rgb=warp(photo.rgb, frame, SIDE), points68=marks, trusted68=yes, annotated68=~yes, dense=nothing,
        trusted=yes[:4], visible=yes[:4], classes=np.full((SIDE, SIDE), UNKNOWN, np.uint8),
        expression=np.zeros(51, np.float32), gaze=np.zeros(2, np.float32), identity=np.zeros(100, np.float32),
        rotation=np.eye(3, dtype=np.float32), distance=1.0, turn=(0.0, 0.0), person="congress/anna", fold=-1,
    )  # fmt: skip


def test_photo_points_and_skin(portrait: Portrait, parser: ParsingPredictor) -> None:
    trusted = portrait.trusted68.copy()
    trusted[:3] = False
    sample = portrait_sample(replace(portrait, trusted68=trusted), parser, "anna", 224)
    assert sample is not None
    assert sample.image.shape == (224, 224, 3)
    assert np.isnan(sample.points68[:3]).all()
    assert np.isfinite(sample.points68[3:]).all()
    # the points lie on the face, hair and backdrop do not
    assert sample.skin is not None
    columns, rows = sample.points68[27:48].astype(int).T
    assert (sample.skin[rows, columns] == 255).mean() > 0.9
    assert sample.skin[:8, :8].max() == 0
    assert (sample.subject, sample.source) == ("congress/anna", "congress")
    assert sample.vertices is None
    assert not sample.coefficients


def test_portraits_without_eyes_are_left_out(portrait: Portrait, parser: ParsingPredictor, tmp_path: Path) -> None:
    blind = portrait.trusted68.copy()
    blind[36:42] = False
    portraits = [portrait, replace(portrait, trusted68=blind, person="congress/blind"), portrait]
    assert write_portrait_samples(portraits, parser, tmp_path) == (2, 1)
    found = ShardSet.open(tmp_path)
    assert [len(numbers) for numbers in found.subjects] == [2]
    # a second run keeps what is there
    assert write_portrait_samples(portraits, parser, tmp_path) == (0, 1)
    assert len(ShardSet.open(tmp_path)) == 2
