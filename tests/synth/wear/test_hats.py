"""Hats: outside of the skull, over the right part of the head; what they do to hair and ears."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import HAT
from headform.synth.randomization import HatRandomization
from headform.synth.wear.skull import Skull, SkullPlaces
from headform.synth.wear.torso import Torso
from headform.synth.wear.wardrobe import hat
from tests.synth.wear.people import check_pieces, fitting, places, same, torso_places

CONFIG = HatRandomization()
KINDS = [name for name, _ in CONFIG.kinds]
SKULL = SkullPlaces(places())


def worn(kind, seed, person=None):
    person = person or fitting(seed)
    skull = Skull(SKULL, person)
    torso = Torso(torso_places(), person.vertices, 1.0, 0.0, 0.0, 0.0)
    return hat(np.random.default_rng(seed), skull, torso, replace(CONFIG, kinds=((kind, 1.0),))), skull


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_a_hat_lies_inside_the_skull(kind, seed):
    made, skull = worn(kind, seed)
    check_pieces(made.pieces, {HAT})
    assert sum(len(p.vertices) for p in made.pieces) < 2600
    for piece in made.pieces:
        turn, polar, radius = skull.angles(piece.vertices.astype(float))
        upper = polar < np.radians(75)
        skin = np.linalg.norm(skull.at(turn[upper], polar[upper]) - skull.center, axis=1)
        assert (radius[upper] > skin - 0.0025).all()


@pytest.mark.parametrize("kind", ["cap", "beanie", "brim", "helmet", "turban", "scarf"])
def test_hats_cover_the_crown_and_leave_the_eyes_free(kind):
    made, skull = worn(kind, 1)
    points = np.concatenate([p.vertices for p in made.pieces]).astype(float)
    _, polar, _ = skull.angles(points)
    assert polar.min() < 0.1
    eyes = skull.fitting.pupils
    near = np.hypot(points[:, 0] - eyes[0, 0], points[:, 1] - eyes[0, 1]) < 0.008
    assert not (near & (points[:, 2] > eyes[0, 2])).any()
    crown = skull.at(np.zeros(1), np.full(1, 0.3))
    face = skull.fitting.marks[30:31].astype(float)
    assert made.cover.covered(crown)[0] == 1
    assert kind == "scarf" or made.cover.covered(face)[0] == 0


def test_hair_below_a_hat_is_pressed_and_the_rest_left_alone():
    made, skull = worn("beanie", 2)
    crown = skull.at(np.linspace(-3, 3, 9), np.full(9, 0.4), 0.05).astype(np.float32)
    pressed = made.cover.press(crown)
    assert np.linalg.norm(pressed - crown, axis=1) == pytest.approx(0.05 - 0.5 * made.cover.room, abs=1e-3)
    low = np.array([[0.12, -0.15, 0.0]], np.float32)
    assert made.cover.press(low) == pytest.approx(low)


def test_ears_are_pressed_and_nothing_else():
    _, skull = worn("scarf", 0)
    pressed = skull.flat_ears(skull.fitting.vertices)
    moved = np.linalg.norm(pressed - skull.fitting.vertices, axis=1)
    assert not moved[~places().ears].any()
    assert moved[places().ears].max() > 0.004
    assert np.abs(pressed[places().ears, 0]).max() < np.abs(skull.fitting.vertices[places().ears, 0]).max()


def test_the_surface_passes_through_the_head():
    skull = Skull(SKULL, fitting(3))
    vertices = skull.fitting.vertices.astype(float)
    usable = np.flatnonzero(places().skin & ~places().ears & (vertices[:, 1] > 0.03))[::7]
    turn, polar, radius = skull.angles(vertices[usable])
    found = np.linalg.norm(skull.at(turn, polar) - skull.center, axis=1)
    assert np.median(np.abs(found - radius)) < 0.001
    assert np.quantile(np.abs(found - radius), 0.9) < 0.006


def test_the_same_seed_makes_the_same_hat():
    for kind in ("cap", "hood"):
        assert same(worn(kind, 4)[0].pieces, worn(kind, 4)[0].pieces)
    assert not same(worn("cap", 4)[0].pieces, worn("cap", 5)[0].pieces)
