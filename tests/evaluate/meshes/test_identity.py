"""Identity error: what a similarity removes is free, what is left is counted in millimeters."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from headform.evaluate.meshes.identity import evaluate_identity, identity_error
from headform.heads.linear import LinearHead
from headform.synth import SyntheticBatch

RNG = np.random.default_rng(11)
FACE = np.ones(40, bool)


def test_a_similarity_costs_nothing():
    true = RNG.normal(0, 0.05, (40, 3))
    R = Rotation.from_rotvec([0.3, -0.4, 0.2]).as_matrix()
    assert identity_error(1.3 * true @ R.T + [1.0, 2.0, 3.0], true, FACE) < 1e-9


def test_only_the_region_counts():
    true = RNG.normal(0, 0.05, (40, 3))
    region = np.arange(40) < 30
    other = true.copy()
    other[30:] += 5.0
    assert identity_error(other, true, region) < 1e-9


def test_opposite_bumps_by_hand():
    """Points of a cube's corners, each pair of opposite ones moved apart along x by turns.

    Moving the corners by e * x * y * z (a pattern orthogonal to every translation, rotation and
    scaling) leaves the identity as best similarity, up to a scale of order e squared.
    """
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    bump = np.zeros_like(corners)
    bump[:, 0] = corners.prod(axis=1) * 0.001
    error = identity_error(corners + bump, corners, np.ones(8, bool))
    assert error == pytest.approx(1.0, rel=1e-5)  # 0.001 m at every corner


def test_the_alignment_is_the_least_squares_one():
    true, predicted = RNG.normal(0, 1, (2, 12, 3))
    predicted = true + 0.2 * predicted

    def moved(u: np.ndarray) -> np.ndarray:
        R = Rotation.from_rotvec(u[:3]).as_matrix()
        return np.exp(u[3]) * predicted @ R.T + u[4:]

    found = minimize(lambda u: ((moved(u) - true) ** 2).sum(), np.zeros(7), tol=1e-12).x
    oracle = np.linalg.norm(moved(found) - true, axis=1).mean() * 1000
    assert identity_error(predicted, true, np.ones(12, bool)) == pytest.approx(oracle, rel=1e-4)


@dataclass
class Maker:
    head: LinearHead
    size: int = 4

    def batch(self, rng: np.random.Generator, count: int) -> SyntheticBatch:
        E = len(self.head.expression)
        return SyntheticBatch(
            images=np.zeros((count, 4, 4, 3), np.uint8),
            points=np.zeros((count, 68, 2), np.float32),
            visible=np.ones((count, 68), np.uint8),
            skin=np.zeros((count, 4, 4), np.uint8),
            classes=np.zeros((count, 4, 4), np.uint8),
            identity=rng.normal(0, 1, (count, 3)).astype(np.float32),
            expression=np.zeros((count, E), np.float32),
            gaze=np.zeros((count, 2), np.float32),
            rotation=np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
            distance=np.ones(count, np.float32),
        )


def test_truth_growth_and_failures(sheet):
    def knows(people: SyntheticBatch) -> np.ndarray:
        return people.identity

    def knows_but_for_size(people: SyntheticBatch) -> np.ndarray:
        return people.identity * np.array([0, 1, 1], np.float32)

    def fails_on_the_first(people: SyntheticBatch) -> np.ndarray:
        codes = people.identity.copy()
        codes[0] = np.nan
        return codes

    predictors = {"truth": knows, "no size": knows_but_for_size, "fails": fails_on_the_first}
    table = evaluate_identity(Maker(sheet), predictors, count=7, batch=3, seed=1)
    mean, truth, no_size, fails = table.rows
    assert (mean.method, mean.people, mean.percent_of_mean_head) == ("mean head", 7, 100)
    assert 0.01 < mean.mean_mm < 4
    assert truth.mean_mm < 1e-4
    assert truth.percent_of_mean_head < 0.1
    # growing and then bumping differs from bumping alone by 5 % of a bump at one sigma
    assert no_size.percent_of_mean_head < 15
    assert (fails.people, fails.failed) == (4, 3)  # batches of 3, 3 and 1
    assert "| truth | 7 | 0 | 0.000 | 0.000 | 0.0 |" in table.to_markdown()
    assert json.loads(table.to_json())["seed"] == 1


def test_the_same_seed_is_the_same_people(sheet):
    first, second = (evaluate_identity(Maker(sheet), {}, count=5, seed=2) for _ in range(2))
    other = evaluate_identity(Maker(sheet), {}, count=5, seed=3)
    assert first == second
    assert first.rows != other.rows


def test_mistakes_of_a_predictor_are_named(sheet):
    with pytest.raises(ValueError, match="short gave 1 heads for 2 pictures"):
        evaluate_identity(Maker(sheet), {"short": lambda p: p.identity[:1]}, count=2)
    with pytest.raises(ValueError, match="another name"):
        evaluate_identity(Maker(sheet), {"mean head": lambda p: p.identity}, count=2)
    with pytest.raises(ValueError, match="no head at all"):
        evaluate_identity(Maker(sheet), {"none": lambda p: p.identity * np.nan}, count=2)
