"""Whole outfits: rates, reproducibility, and heads that stay their own."""

import numpy as np

from headform.geometry.face_classes import CLOTHES, GLASSES, HAT, OCCLUDER
from headform.synth.randomization import EASY, FULL
from headform.synth.wear import Wardrobe
from tests.synth.wear.people import head, places, same, wearer

WARDROBE = Wardrobe(head())
ALL = FULL.with_changes(clothes={"rate": 1.0}, hats={"rate": 1.0}, glasses={"rate": 1.0}, occluders={"rate": 1.0})
NONE = FULL.with_changes(clothes={"rate": 0.0}, hats={"rate": 0.0}, glasses={"rate": 0.0}, occluders={"rate": 0.0})


def dress(seed, config, **more):
    return WARDROBE.dress(np.random.default_rng(seed), wearer(seed % 4, **more), config)


def test_everything_can_be_worn_at_once():
    labels = set()
    for seed in range(6):
        outfit = dress(seed, ALL, yaw=0.6, pitch=0.2)
        labels |= {piece.label for piece in outfit.pieces}
        assert sum(len(piece.vertices) for piece in outfit.pieces) < 9000
        assert outfit.cover is not None
    assert {CLOTHES, GLASSES, HAT, OCCLUDER} <= labels


def test_nothing_may_be_worn():
    outfit = dress(0, NONE)
    assert outfit.pieces == []
    assert outfit.cover is None
    assert np.allclose(outfit.vertices, wearer(0).vertices, atol=1e-6)


def test_the_face_is_never_moved():
    face = (places().neck_weight == 1) & ~places().ears
    for seed in range(4):
        given = wearer(seed, yaw=0.5, pitch=0.2)
        outfit = WARDROBE.dress(np.random.default_rng(seed), given, ALL)
        assert np.array_equal(outfit.vertices[face], given.vertices[face])


def test_the_same_seed_makes_the_same_outfit():
    first, second = dress(3, FULL), dress(3, FULL)
    assert same(first.pieces, second.pieces)
    assert np.array_equal(first.vertices, second.vertices)


def test_easy_faces_have_nothing_before_them():
    for seed in range(12):
        labels = {piece.label for piece in dress(seed, EASY).pieces}
        assert not labels & {GLASSES, OCCLUDER}


def test_loose_hair_has_the_color_of_the_hair():
    config = FULL.with_changes(occluders={"strands_rate": 1.0})
    pieces = WARDROBE.loose_hair(np.random.default_rng(0), wearer(0), np.array([0.4, 0.1, 0.02]), config)
    assert all((p.albedo[:, 0] > p.albedo[:, 2]).all() for p in pieces)
    none = FULL.with_changes(occluders={"strands_rate": 0.0})
    assert WARDROBE.loose_hair(np.random.default_rng(0), wearer(0), np.array([0.4, 0.1, 0.02]), none) == []
