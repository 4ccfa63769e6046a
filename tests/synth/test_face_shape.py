"""Shapes of synthetic people: lips and lids that meet exactly or stay apart, teeth inside."""

from dataclasses import replace

import numpy as np
import pytest

from headform.geometry.landmarks68 import EYE_CLOSURE_PAIRS, INNER_LIP_PAIRS
from headform.heads.linear import PARTS, LinearHead
from headform.synth._teeth import Teeth
from headform.synth.face_shape import FaceShaper
from headform.synth.people import Person, sample_person
from headform.synth.randomization import FULL

STILL = replace(
    FULL,
    expression=replace(FULL.expression, rate=0.0, closed_mouth_rate=0.0, lid_height=0.0, lid_height_sd=0.0,
                       lid_height_side_sd=0.0, drooping_rate=0.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def shaper(open_head: LinearHead) -> FaceShaper:
    return FaceShaper(open_head, FULL.expression)


@pytest.fixture(scope="module")
def people(open_head: LinearHead) -> list[Person]:
    rng = np.random.default_rng(3)
    modes = len(open_head.identity)
    return [sample_person(rng, FULL, open_head.expression_names, modes) for _ in range(160)]


@pytest.fixture(scope="module")
def shapes(shaper: FaceShaper, people: list[Person]) -> np.ndarray:
    return shaper.shape(people)


def of_pairs(open_head: LinearHead, shapes: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> np.ndarray:
    marks = shapes[:, open_head.dense.numpy()[:68]]
    upper, lower = np.array(pairs).T
    return marks[:, upper] - marks[:, lower]


def test_lips_meet_exactly_where_they_are_closed_and_nowhere_else(open_head, people, shapes) -> None:
    closed = np.array([p.face.mouth_closed for p in people])
    apart = of_pairs(open_head, shapes, INNER_LIP_PAIRS)
    assert 0.35 < closed.mean() < 0.65
    assert not apart[closed].any()
    middle = apart[~closed, 1, 1]
    assert middle.min() >= FULL.expression.parted[0] - 1e-6
    assert (middle < 0.0035).mean() > 0.3, "many mouths are only a little open"
    assert middle.max() > 0.02


def test_closed_lips_leave_no_slit_and_do_not_cross(shaper, people, shapes) -> None:
    for person, verts in zip(people, shapes, strict=True):
        gap = shaper.lips.gap(verts)
        if person.face.mouth_closed:
            upper, lower = shaper.lips.lines(verts)
            assert np.linalg.norm(upper - lower, axis=1).max() < 6e-4, (
                "vertices of one rim lie beside edges of the other"
            )
            assert np.abs(gap).max() < 3e-4
        else:
            middle = slice(len(gap) // 4, -len(gap) // 4)
            assert gap[middle].min() > -1e-4, "the upper rim is not below the lower one"


def test_lids_meet_exactly_where_they_are_closed_and_nowhere_else(open_head, people, shapes) -> None:
    apart = of_pairs(open_head, shapes, EYE_CLOSURE_PAIRS).reshape(len(people), 2, 2, 3)
    closed = np.array([p.face.eyes_closed for p in people])
    assert closed.any()
    assert not apart[closed].any()
    assert apart[~closed][..., 1].min() > 0


def test_lids_lie_on_the_eyeball(open_head, shaper, people, shapes) -> None:
    part = open_head.part.numpy()
    ball = np.flatnonzero(part == PARTS.index("eye_left"))
    for person, verts in zip(people, shapes, strict=True):
        if person.face.eyes_closed[1]:
            center = verts[ball].mean(0)
            eye = verts[ball] - center
            front = eye[eye[:, 2] > 0.8 * eye[:, 2].max()]
            rim = verts[shaper.lids[1].upper.ids[4:-4]] - center
            direction = rim / np.linalg.norm(rim, axis=1, keepdims=True)
            reach = (direction @ front.T).max(1)
            assert (np.linalg.norm(rim, axis=1) > reach - 1e-5).all()


def test_a_smile_can_have_closed_lips(open_head, people) -> None:
    smile = open_head.expression_names.index("mouthSmileLeft")
    assert sum(p.face.mouth_closed and p.expression[smile] > 0.3 for p in people) > 5


def test_teeth_stay_behind_closed_lips(open_head, shaper, people, shapes) -> None:
    teeth = np.flatnonzero(open_head.part.numpy() == PARTS.index("teeth"))
    for person, verts in zip(people, shapes, strict=True):
        if person.face.mouth_closed:
            line = sum(shaper.lips.lines(verts)) / 2
            order = line[:, 0].argsort()
            x, y, z = verts[teeth].T
            beside = (np.abs(x) < 0.015) & (np.abs(y - np.interp(x, line[order, 0], line[order, 1])) < 0.006)
            assert (z < np.interp(x, line[order, 0], line[order, 2]) - 0.001)[beside].all()


def test_teeth_that_come_through_go_back(open_head, shaper) -> None:
    mean = open_head.mean.numpy()
    teeth = open_head.part.numpy() == PARTS.index("teeth")
    roots = teeth & (mean[:, 1] < -0.05) & (np.abs(mean[:, 0]) < 0.01)
    chin = np.flatnonzero(open_head.regions["chin"].numpy())
    near = chin[np.linalg.norm(mean[roots][:, None, :2] - mean[chin][None, :, :2], axis=2).argmin(1)]
    verts = mean.copy()
    lowered = open_head.mean.numpy()[:, 1] < -0.032
    verts[teeth & lowered, 2] += 0.015
    assert (verts[roots, 2] > mean[near, 2]).any()
    Teeth(open_head, shaper.lips).keep_inside(verts, mouth_closed=False)
    assert (verts[roots, 2] < mean[near, 2]).all()
    untouched = mean.copy()
    Teeth(open_head, shaper.lips).keep_inside(untouched, mouth_closed=True)
    np.testing.assert_array_equal(untouched, mean)


def test_low_lids_leave_the_expression_alone(open_head, shaper) -> None:
    rng = np.random.default_rng(0)
    person = sample_person(rng, STILL, open_head.expression_names, len(open_head.identity))
    drooping = replace(person, lid_height=np.array([0.3, 0.0], np.float32))
    right, left = (
        of_pairs(open_head, shaper.shape([p]), EYE_CLOSURE_PAIRS)[0, :, 1].reshape(2, 2).mean(1)
        for p in (person, drooping)
    )
    assert left[0] < right[0] - 0.001
    assert left[1] == pytest.approx(right[1], abs=1e-5)
