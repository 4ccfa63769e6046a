"""Glasses: before the eyes, on the ears, clear of the skin."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import GLASSES
from headform.synth.randomization import GlassesRandomization
from headform.synth.wear.glasses import glasses
from tests.synth.wear.people import SEEDS, check_pieces, fitting, same

CONFIG = GlassesRandomization()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pair_fits(seed):
    person = fitting(seed)
    frame, lenses = pieces = glasses(np.random.default_rng(seed), person, CONFIG)
    check_pieces(pieces, {GLASSES})
    assert sum(len(p.vertices) for p in pieces) < 2000
    for pupil in person.pupils:
        near = np.linalg.norm(lenses.vertices[:, :2] - pupil[:2], axis=1) < 0.012
        assert near.any(), "a lens before each pupil"
        assert lenses.vertices[near, 2].min() > pupil[2] + 0.004
        rim = frame.vertices[np.linalg.norm(frame.vertices[:, :2] - pupil[:2], axis=1) < 0.03]
        assert rim[rim[:, 2] > pupil[2] - 0.02, 2].min() > pupil[2] - 0.012
    for ear in person.ear_tops:
        assert np.linalg.norm(frame.vertices - ear, axis=1).min() < 0.008, "temples rest on the ears"


def test_half_rims_and_no_rims_have_lenses_with_an_edge():
    for name in ("half_rim_rate", "rimless_rate"):
        others = {"half_rim_rate": 0.0, "browline_rate": 0.0, "rimless_rate": 0.0, name: 1.0}
        shapes = tuple(replace(shape, **others) for shape in CONFIG.shapes)
        config = replace(CONFIG, shapes=shapes, sunglasses_rate=0.0, tint_rate=0.0, glare_rate=0.0)
        lens = glasses(np.random.default_rng(0), fitting(0), config)[1]
        alpha = lens.texture[..., 3]
        assert alpha[32, 1:4].max() > alpha[32, 32] + 20


def test_sunglasses_hide_the_eyes_and_clear_lenses_do_not():
    person = fitting(1)
    dark = replace(CONFIG, sunglasses_rate=1.0, gradient_rate=0.0, glare_rate=0.0)
    clear = replace(CONFIG, sunglasses_rate=0.0, tint_rate=0.0, glare_rate=0.0)
    assert glasses(np.random.default_rng(0), person, dark)[1].texture[32, 32, 3] > 127
    lens = glasses(np.random.default_rng(0), person, clear)[1]
    assert lens.texture[32, 32, 3] < 30
    assert lens.blended


def test_the_same_seed_makes_the_same_pair():
    first, second, other = (glasses(np.random.default_rng(s), fitting(2), CONFIG) for s in (3, 3, 4))
    assert same(first, second)
    assert not same(first, other)
