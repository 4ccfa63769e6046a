"""Clothes: around the neck, outside of the skin that stays in sight, turned with the torso."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import CLOTHES, NECK
from headform.synth.randomization import ClothesRandomization
from headform.synth.wear.clothes import clothes
from headform.synth.wear.torso import ROWS, Torso
from tests.synth.wear.people import check_pieces, same, torso_places, wearer

CONFIG = ClothesRandomization()
KINDS = [name for name, _ in CONFIG.kinds]


def torso(seed, yaw=0.0, pitch=0.0):
    return Torso(torso_places(), wearer(seed).vertices, 1.0, 0.0, yaw, pitch)


def only(kind):
    return replace(CONFIG, kinds=((kind, 1.0),))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_sound(kind):
    for seed in range(2):
        dressed = clothes(np.random.default_rng(seed), torso(seed, 0.4, -0.2), (0.4, 0.3, 0.2), only(kind))
        check_pieces(dressed.pieces, {CLOTHES, NECK})
        assert sum(len(piece.vertices) for piece in dressed.pieces) < 4500
        shown = {piece.label for piece in dressed.pieces}
        assert (shown == {NECK}) == (kind == "bare")


def test_the_common_surface_lies_on_the_neck_of_the_mean_head():
    common = torso_places()
    upper = common.grid[:16]
    gap = np.linalg.norm(upper - common.places.mean[common.vertex[:16]], axis=-1)
    assert np.median(gap) < 0.006
    assert gap.max() < 0.02


def test_the_surface_follows_a_wider_neck():
    common = torso_places()
    thick = common.places.mean.copy()
    thick[:, 0] *= 1.2
    sides = np.array([np.pi / 2, -np.pi / 2]), np.array([1.0, 1.0])
    usual = Torso(common, common.places.mean, 1.0, 0.0, 0.0, 0.0).at(*sides)
    wide = Torso(common, thick.astype(np.float32), 1.0, 0.0, 0.0, 0.0).at(*sides)
    assert np.ptp(wide[:, 0]) == pytest.approx(1.2 * np.ptp(usual[:, 0]), rel=0.03)


def test_offsets_move_outward():
    body = torso(1)
    turn, row = np.meshgrid(np.linspace(-3, 3, 20), np.linspace(0.2, ROWS - 0.2, 20))
    inner, outer = body.at(turn, row), body.at(turn, row, 0.01)
    assert np.linalg.norm(outer - inner, axis=-1) == pytest.approx(0.01, abs=2e-3)
    radial = (outer - inner)[..., [0, 2]] * np.stack([np.sin(turn), np.cos(turn)], -1)
    assert (radial.sum(-1)[row < 8] > -0.004).all()


def test_skin_below_a_shirt_is_hidden_and_the_face_stays():
    person = torso(0)
    dressed = clothes(np.random.default_rng(0), person, (0.4, 0.3, 0.2), only("suit"))
    bust = person.bust(dressed.edge)
    moved = np.linalg.norm(bust - person.vertices, axis=1)
    assert moved[person.common.places.mean[:, 1] > -0.06].max() == 0
    low = person.common.bust[person.common.bust_row > 3.2]
    assert moved[low].min() > 0.01


def test_the_torso_turns_and_the_head_does_not():
    still, turned = torso(0), torso(0, yaw=0.5)
    face = still.common.places.neck_weight == 1
    assert np.array_equal(turned.bust(None)[face], still.vertices[face])
    assert np.allclose(still.bust(None), still.vertices, atol=1e-6)
    point = np.array([[0.0, -0.2, 0.08]])
    assert turned.turned(point)[0, 0] == pytest.approx(np.sin(0.5) * 0.1, abs=1e-6)


def test_the_same_seed_makes_the_same_clothes():
    first, second, other = (clothes(np.random.default_rng(s), torso(0), (0.4, 0.3, 0.2), CONFIG) for s in (5, 5, 6))
    assert same(first.pieces, second.pieces)
    assert not same(first.pieces, other.pieces)
