"""Stray hair: along the hairline of this person, and off the outline of the hair."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import HAIR
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.synth.groom.cards import card_faces, card_uv
from headform.synth.groom.stray import StrayHair
from headform.synth.randomization import StrayHairRandomization
from headform.synth.skin_fields import skin_fields

BROWN = np.array([0.1, 0.05, 0.02])
CONFIG = StrayHairRandomization()


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return load_open()


@pytest.fixture(scope="module")
def stray(head: LinearHead) -> StrayHair:
    return StrayHair(head, skin_fields(head))


def test_cards_share_no_vertex() -> None:
    faces = card_faces(3, 4).reshape(3, -1)
    assert [(f.min(), f.max()) for f in faces] == [(0, 7), (8, 15), (16, 23)]
    assert card_uv(3, 4).shape == (24, 2)
    assert card_uv(1, 4)[:2, 1].tolist() == [1, 1]


def test_strands_grow_at_the_hairline(stray: StrayHair, head: LinearHead) -> None:
    still = np.zeros(head.mean.shape, np.float32)
    piece = stray.hairline(np.random.default_rng(0), still, BROWN, 0.0, CONFIG)
    marks = head.landmarks(head.mean, offset=False).numpy()
    assert piece.label == HAIR
    front = np.abs(piece.vertices[:, 0]) < 0.03
    assert piece.vertices[front & (piece.vertices[:, 2] > 0.05), 1].min() > marks[17:27, 1].max() + 0.01


def test_a_receding_hairline_takes_them_along(stray: StrayHair, head: LinearHead) -> None:
    still = np.zeros(head.mean.shape, np.float32)
    usual, back = (
        stray.hairline(np.random.default_rng(0), still, BROWN, shift, CONFIG).vertices for shift in (0.0, 0.04)
    )
    forward = [v[(np.abs(v[:, 0]) < 0.06) & (v[:, 1] > 0.05)] for v in (usual, back)]
    assert np.quantile(forward[1][:, 2], 0.95) < np.quantile(forward[0][:, 2], 0.95) - 0.005


def test_single_strands_start_on_the_hair_and_leave_it(stray: StrayHair) -> None:
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(500, 3))
    hair = (0.1 * ball / np.linalg.norm(ball, axis=1, keepdims=True) + [0, 0.04, 0]).astype(np.float32)
    piece = stray.standing(rng, hair, BROWN, replace(CONFIG, standing=(50, 51)))
    assert piece is not None
    radius = np.linalg.norm(piece.vertices - [0, 0.04, 0], axis=1).reshape(50, -1)
    assert radius[:, 0] == pytest.approx(np.full(50, 0.1), abs=1e-3)
    assert (radius[:, -1] > radius[:, 0]).all()
    assert stray.standing(rng, hair, BROWN, replace(CONFIG, standing=(0, 1))) is None
