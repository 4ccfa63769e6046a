"""Synthetic people: poses, lids and asymmetry as configured."""

from dataclasses import replace

import numpy as np
import pytest

from headform.heads.linear import LinearHead
from headform.synth.people import Person, sample_person
from headform.synth.randomization import EASY, FULL, RandomizationConfig


@pytest.fixture(scope="module")
def names(open_head: LinearHead) -> tuple[str, ...]:
    return open_head.expression_names


def drawn(names: tuple[str, ...], config: RandomizationConfig, count: int) -> list[Person]:
    rng = np.random.default_rng(0)
    return [sample_person(rng, config, names, 100) for _ in range(count)]


def test_easy_people_are_neutral_and_nearly_frontal(names: tuple[str, ...]) -> None:
    people = drawn(names, EASY, 100)
    assert not any(p.expression.any() for p in people)
    assert np.degrees(np.abs([p.angles for p in people])).mean() < 12


def test_heads_turn_from_frontal_to_profile(names: tuple[str, ...]) -> None:
    angles = np.degrees(np.abs([p.angles for p in drawn(names, FULL, 600)]))
    most = np.array([FULL.pose.wide_yaw, FULL.pose.most_pitch, FULL.pose.most_roll])
    assert (angles <= most + 1e-3).all()
    assert (angles[:, 0] < 15).mean() > 0.4
    assert angles[:, 0].max() > 80
    distance = [p.distance for p in drawn(names, FULL, 300)]
    assert FULL.camera.distance[0] <= min(distance) < 0.3 < 2.5 < max(distance) <= FULL.camera.distance[1]


def test_lids_droop_as_often_as_configured(names: tuple[str, ...]) -> None:
    level = replace(
        FULL, expression=replace(FULL.expression, lid_height=0.0, lid_height_sd=0.0, lid_height_side_sd=0.0)
    )
    height = np.array([p.lid_height for p in drawn(names, level, 500)])
    assert (height.max(1) > 0).mean() == pytest.approx(FULL.expression.drooping_rate, abs=0.03)
    assert set(np.unique((height > 0).sum(1))) == {0, 1, 2}
    assert np.abs([p.lid_height for p in drawn(names, FULL, 200)]).mean() > 0.03
