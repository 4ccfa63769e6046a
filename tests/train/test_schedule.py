"""Rates at the points where the closed forms are known by heart."""

import math

import pytest

from headform.train.config import ScheduleConfig
from headform.train.schedule import lr_factor


def test_cosine_runs_from_one_to_its_floor() -> None:
    config = ScheduleConfig("cosine", warmup=0, floor=0.2)
    factors = [lr_factor(config, 0, done) for done in (0.0, 1 / 3, 0.5, 2 / 3, 1.0, 1.7)]
    expected = [1.0, 0.2 + 0.8 * 0.75, 0.6, 0.2 + 0.8 * 0.25, 0.2, 0.2]
    assert factors == pytest.approx(expected, abs=1e-12)


def test_exponential_goes_down_in_stairs() -> None:
    config = ScheduleConfig("exponential", warmup=0, gamma=0.99, every=6.25)
    for step in range(100):
        epochs = (step * 16) // 100  # 100 items in batches of 16
        assert lr_factor(config, step, 0.3) == pytest.approx(0.99**epochs, rel=1e-12)
    assert lr_factor(config, 7, 0.0) == lr_factor(config, 12, 0.9)


@pytest.mark.parametrize("kind", ["cosine", "exponential", "constant"])
def test_the_rate_rises_in_a_straight_line_first(kind: str) -> None:
    config = ScheduleConfig(kind, warmup=10, every=100.0)  # type: ignore[arg-type]
    rising = [lr_factor(config, step, 0.0) for step in range(10)]
    assert rising == pytest.approx([(k + 1) / 10 for k in range(10)])
    assert lr_factor(config, 50, 0.0) == 1.0


def test_constant_is_constant() -> None:
    config = ScheduleConfig("constant", warmup=0)
    assert {lr_factor(config, s, s / 9) for s in range(10)} == {1.0}


def test_the_old_recipe_of_minutes() -> None:
    config = ScheduleConfig(warmup=200)
    for step, done in ((0, 0.0), (150, 0.1), (5000, 0.7), (9000, 1.0)):
        by_hand = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
        by_hand *= min(1.0, (step + 1) / 200)
        assert lr_factor(config, step, done) == pytest.approx(by_hand, rel=1e-12)
