"""Covers of the face: masks on mouth and ears, hands of human shape, things where they belong."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.face_classes import CLOTHES, HAIR, OCCLUDER
from headform.synth.randomization import OccluderRandomization
from headform.synth.wear.gestures import gesture
from headform.synth.wear.hands import POSES, hand
from headform.synth.wear.masks import mask
from headform.synth.wear.objects import cup, microphone, toward_camera
from headform.synth.wear.occluders import occluders
from headform.synth.wear.skull import Skull, SkullPlaces
from headform.synth.wear.strands import strands
from headform.synth.wear.torso import Torso
from tests.synth.wear.people import check_pieces, fitting, places, same, torso_places, wearer

CONFIG = OccluderRandomization()
SKULL = SkullPlaces(places())
PLAIN = replace(CONFIG, nose_free_rate=0.0, chin_rate=0.0)


def skull(seed, **more):
    return Skull(SKULL, fitting(seed, **more))


def torso(person):
    return Torso(torso_places(), person.fitting.vertices, 1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("kind", [name for name, _ in CONFIG.kinds])
def test_every_kind_is_sound(kind):
    only = replace(CONFIG, kinds=((kind, 1.0),), second_rate=0.0)
    for seed in range(3):
        person = skull(seed, yaw=0.3 * seed)
        pieces = occluders(np.random.default_rng(seed), person, torso(person), only)
        check_pieces(pieces, {OCCLUDER, CLOTHES})
        assert OCCLUDER in {piece.label for piece in pieces}
        assert sum(len(piece.vertices) for piece in pieces) < 2500


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_covers_nose_and_mouth_and_not_the_eyes(seed):
    person = skull(seed, jaw=0.25 * seed)
    sheet, straps = mask(np.random.default_rng(seed), person, PLAIN)
    marks = person.fitting.marks.astype(float)
    for point in marks[[30, 33, 48, 51, 54, 57, 8]]:
        gap = sheet.vertices - point
        aside = np.linalg.norm(gap[:, :2], axis=1)
        assert gap[np.argmin(aside), 2] > -0.002, "the mask lies before the point"
        assert aside.min() < 0.012
    assert sheet.vertices[:, 1].max() < marks[36:48, 1].min() + 0.004
    for ear in person.fitting.ear_tops:
        assert np.linalg.norm(straps.vertices - ear, axis=1).min() < 0.02


def test_a_mask_on_the_chin_leaves_the_lips_free():
    person = skull(0)
    sheet = mask(np.random.default_rng(0), person, replace(CONFIG, chin_rate=1.0))[0]
    lips = person.fitting.marks[48:68, 1].min()
    front = np.abs(sheet.vertices[:, 0]) < 0.02
    assert sheet.vertices[front, 1].max() < lips


@pytest.mark.parametrize("name", list(POSES))
def test_hands_are_of_human_size(name):
    made = hand(np.random.default_rng(0), POSES[name], 1.0, 0.0, sleeve=False)
    tips = made.mesh[0][made.kind == 1]
    assert len(tips) == 5 * 40
    reach = made.mesh[0][:, 1].max()
    assert (0.16 < reach < 0.21) == (name in ("flat", "open", "peace", "point"))
    assert reach > 0.09


def test_curled_fingers_end_at_the_palm_and_straight_ones_do_not():
    fist = hand(np.random.default_rng(0), POSES["fist"], 1.0, 0.0, sleeve=False)
    flat = hand(np.random.default_rng(0), POSES["flat"], 1.0, 0.0, sleeve=False)
    tips = fist.joints[3:16:4]
    assert (tips[:, 1] < 0.085).all()
    assert (tips[:, 2] > 0.0).all(), "they bend to the palm's side"
    assert (flat.joints[3:16:4, 1] > 0.13).all()


def test_the_second_hand_mirrors_the_first():
    both = replace(CONFIG, both_rate=1.0, gestures=(("eyes", 1.0),))
    person = skull(0)
    right, left = gesture(np.random.default_rng(1), person, both)
    assert right.vertices[:, 0].mean() * left.vertices[:, 0].mean() < 0
    assert np.allclose(right.vertices * [-1, 1, 1], left.vertices, atol=1e-6)


def test_hands_on_the_face_touch_it_without_going_through():
    for seed in range(8):
        person = skull(seed % 4)
        piece = gesture(
            np.random.default_rng(seed), person, replace(CONFIG, gestures=(("cheek", 1.0),), both_rate=0.0)
        )[0]
        turn, polar, radius = person.angles(piece.vertices.astype(float))
        skin = np.linalg.norm(person.at(turn, polar) - person.center, axis=1)
        near = polar < np.radians(120)
        assert (radius - skin)[near].min() < 0.02
        assert np.mean((radius - skin)[near] < -0.012) < 0.12


def test_cups_and_microphones_are_at_the_mouth():
    person = skull(1)
    lips = person.fitting.marks[[51, 57]].mean(0)
    for make in (cup, microphone):
        for seed in range(4):
            near = make(np.random.default_rng(seed), person, CONFIG)[0].vertices - lips
            assert np.linalg.norm(near, axis=1).min() < 0.07
            assert near[:, 2].max() > 0.01


def test_the_camera_sees_along_its_axis():
    turned = wearer(0, 0.7, 0.3)
    frame = toward_camera(turned)
    assert frame @ frame.T == pytest.approx(np.eye(3))
    assert toward_camera(wearer(0)) == pytest.approx(np.eye(3))
    # a head turned to its left shows the camera its right side; a head that bows shows its crown
    assert frame[2, 0] < 0 < frame[2, 1]


def test_strands_hang_over_the_face():
    person = skull(2)
    pieces = strands(np.random.default_rng(0), person, np.array([0.1, 0.05, 0.02]), CONFIG)
    check_pieces(pieces, {HAIR})
    assert all(piece.blended and piece.strands for piece in pieces)
    points = np.concatenate([piece.vertices for piece in pieces]).astype(float)
    turn, polar, radius = person.angles(points)
    skin = np.linalg.norm(person.at(turn, polar) - person.center, axis=1)
    assert (radius > skin - 0.004).mean() > 0.9


def test_the_same_seed_makes_the_same_covers():
    person = skull(0)
    first, second, other = (occluders(np.random.default_rng(s), person, torso(person), CONFIG) for s in (2, 2, 3))
    assert same(first, second)
    assert not same(first, other)
