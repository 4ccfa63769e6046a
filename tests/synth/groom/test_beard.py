"""Beards of cards: rooted on the skin of jaw and lip, as long as drawn."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import SKIN
from headform.heads import load_open
from headform.heads.linear import LinearHead
from headform.synth.groom import Groomer
from headform.synth.groom.beard import Barber
from headform.synth.randomization import FULL, BeardRandomization
from headform.synth.skin import SkinAttributes, clean, sample_skin
from headform.synth.skin_fields import skin_fields

ALWAYS = BeardRandomization(rate=1.0, long_rate=0.0)
BROWN = np.array([0.1, 0.05, 0.02])


@pytest.fixture(scope="module")
def head() -> LinearHead:
    return load_open()


@pytest.fixture(scope="module")
def barber(head: LinearHead) -> Barber:
    return Barber(head, skin_fields(head))


@pytest.fixture(scope="module")
def bearded() -> SkinAttributes:
    return replace(sample_skin(np.random.default_rng(0)), beard=1.0, moustache=1.0, beard_low=0.0)


def test_strands_grow_on_jaw_and_lip(barber: Barber, head: LinearHead, bearded: SkinAttributes) -> None:
    (piece,) = barber.beard(np.random.default_rng(0), np.zeros(head.mean.shape, np.float32), BROWN, bearded, ALWAYS)
    marks = head.landmarks(head.mean, offset=False).numpy()
    assert piece.label == SKIN
    assert piece.vertices[:, 1].max() < marks[27, 1]
    middle = np.abs(piece.vertices[:, 0]) < 0.02
    assert ((piece.vertices[:, 1] > marks[51, 1]) & middle).any(), "a moustache"
    assert ((piece.vertices[:, 1] < marks[57, 1]) & middle).any(), "a chin"
    assert piece.blended


def test_longer_beards_reach_farther(barber: Barber, head: LinearHead, bearded: SkinAttributes) -> None:
    still = np.zeros(head.mean.shape, np.float32)

    def lowest(length: float) -> float:
        config = replace(ALWAYS, short=(length, length))
        return float(barber.beard(np.random.default_rng(0), still, BROWN, bearded, config)[0].vertices[:, 1].min())

    assert lowest(0.05) < lowest(0.01) - 0.01


def test_beards_move_with_the_face(barber: Barber, head: LinearHead, bearded: SkinAttributes) -> None:
    still = np.zeros(head.mean.shape, np.float32)
    one, two = (
        barber.beard(np.random.default_rng(0), still + shift, BROWN, bearded, ALWAYS)[0].vertices
        for shift in (np.float32(0), np.float32(0.01))
    )
    assert two - one == pytest.approx(np.full_like(one, 0.01), abs=1e-5)


def test_thin_growth_is_left_to_the_paint(barber: Barber, head: LinearHead, bearded: SkinAttributes) -> None:
    still = np.zeros(head.mean.shape, np.float32)
    assert barber.beard(np.random.default_rng(0), still, BROWN, clean(bearded), ALWAYS) == []


def test_the_groomer_gives_the_same_for_the_same_seed(head: LinearHead, bearded: SkinAttributes) -> None:
    groomer = Groomer(head, skin_fields(head))
    still = np.zeros(head.mean.shape, np.float32)
    config = FULL.with_changes(hair={"bald_rate": 0.0, "shaved_rate": 0.0})
    one, two = (groomer.groom(np.random.default_rng(4), still, BROWN, bearded, config) for _ in range(2))
    assert one.hair is not None
    assert two.hair is not None
    assert np.array_equal(one.hair.vertices, two.hair.vertices)
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(one.others, two.others, strict=True))
    assert np.array_equal(one.roots, two.roots)
