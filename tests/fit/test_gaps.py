"""Gaps: residuals by hand, derivatives by differences, and fits in which lips touch or stand apart."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from headform.fit._point_problem import PointState, jacobian, project_points
from headform.fit.gaps import Gaps
from headform.fit.head_points import PointModel
from headform.fit.points import PointPriors, fit_points

CENTER = np.array([320.0, 240.0])
FRONTAL = np.diag([1.0, -1.0, -1.0])


def lips(seed: int = 0) -> PointModel:
    """40 points about a face of 15 cm, four pairs among them, and five shapes; the last opens the pairs."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(-0.07, 0.07, (40, 3))
    mean[4:8] = mean[:4] - [0, 0.001, 0]  # a millimeter below
    basis = rng.normal(0, 0.002, (3, 40, 5))
    basis[..., 4] = 0
    basis[1, 4:8, 4] = -0.02
    return PointModel(mean, np.ascontiguousarray(basis), 2)


def pairs(seen: float, sigma: float = 0.3) -> Gaps:
    return Gaps(np.arange(4), np.arange(4, 8), np.full(4, seen), np.full(4, sigma))


def state(turn: tuple[float, float, float] = (0.2, -0.1, 0.3)) -> PointState:
    rotation = Rotation.from_rotvec(turn).as_matrix() @ FRONTAL
    return PointState(np.array([0.3, -0.2, 0.1, 0.4, 0.25]), rotation, np.array([0, 0, 0.6]), 800.0)


def test_residuals_by_hand_without_roll() -> None:
    model, here = lips(), state((0.0, 0.0, 0.0))
    pixels = project_points(model, here, CENTER)
    gap, contact = pairs(3.0).residuals(model, here, pixels)
    for k in range(4):
        assert gap[k] == pytest.approx((pixels[k + 4, 1] - pixels[k, 1] - 3.0) / 0.3)
        places = model.positions(here.coefficients)
        above = places[k, 1] - places[k + 4, 1]
        assert contact[k] == pytest.approx((above - 1.5e-4) / 5e-5)


def test_derivatives_equal_differences() -> None:
    model, here, gaps = lips(), state(), pairs(3.0)
    up = here.rotation[:2, 1] / np.linalg.norm(here.rotation[:2, 1])
    gap_rows, contact_rows = gaps.rows(model, here, jacobian(model, here))

    def values(step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved = here.moved(step)
        pixels = project_points(model, moved, CENTER)
        # the direction is held, as documented
        gap = ((pixels[:4] - pixels[4:8]) @ up - 3.0) / 0.3
        return gap, gaps.residuals(model, moved, pixels)[1]

    for k in range(len(here.coefficients) + 7):
        step = np.zeros(len(here.coefficients) + 7)
        step[k] = 1e-6
        plus, minus = values(step), values(-step)
        np.testing.assert_allclose(gap_rows[:, k], (plus[0] - minus[0]) / 2e-6, rtol=2e-5, atol=1e-4)
        np.testing.assert_allclose(contact_rows[:, k], (plus[1] - minus[1]) / 2e-6, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("opening", [0.0, 0.3, 0.9])
def test_a_gap_is_followed_where_the_points_do_not_tell(opening: float) -> None:
    model = lips()
    true = replace(state(), coefficients=np.array([0.3, -0.2, 0.1, 0.4, opening]))
    observed = project_points(model, true, CENTER)
    sigma = np.ones(len(observed))
    sigma[:8] = np.inf  # nothing is known about the pairs but their gap
    up = true.rotation[:2, 1] / np.linalg.norm(true.rotation[:2, 1])
    gap = (observed[:4] - observed[4:8]) @ up
    gaps = Gaps(np.arange(4), np.arange(4, 8), gap, np.full(4, 0.05))
    fit = fit_points(
        model, observed, sigma, image_size=(640, 480), gaps=gaps, focal_px=800.0,
        rotation_init=true.rotation, priors=PointPriors(identity_sigma=1.0, expression_sigma=1.0, inflation=1.0),
    )  # fmt: skip
    assert fit.expression[2] == pytest.approx(opening, abs=0.03)
    blind = fit_points(
        model, observed, sigma, image_size=(640, 480), focal_px=800.0, rotation_init=true.rotation,
        priors=PointPriors(identity_sigma=1.0, expression_sigma=1.0, inflation=1.0),
    )  # fmt: skip
    assert abs(blind.expression[2]) < 1e-3  # without the gap nothing moves it


def test_points_that_would_cross_are_held_apart() -> None:
    model = lips()
    true = replace(state(), coefficients=np.zeros(5))
    observed = project_points(model, true, CENTER)
    up = true.rotation[:2, 1] / np.linalg.norm(true.rotation[:2, 1])
    observed[:4] -= 4.0 * up  # upper points far below the lower ones
    loose = PointModel(model.mean, model.basis.copy(), 2)
    loose.basis[1, :4, 3] = -0.01  # a shape that lowers the upper points
    arguments = {
        "image_size": (640, 480), "focal_px": 800.0, "rotation_init": true.rotation,
        "priors": PointPriors(identity_sigma=0.1, expression_sigma=1.0, inflation=1.0, outlier_sigma=50.0),
    }  # fmt: skip
    sigma = np.full(len(observed), 0.3)
    crossed = fit_points(loose, observed, sigma, **arguments)
    code = np.concatenate([crossed.identity, crossed.expression])
    height = loose.positions(code)[:, 1]
    assert (height[:4] - height[4:8]).min() < -0.0005
    contact = Gaps(np.arange(4), np.arange(4, 8), np.zeros(4), np.full(4, np.inf))
    held = fit_points(loose, observed, sigma, gaps=contact, **arguments)
    code = np.concatenate([held.identity, held.expression])
    height = loose.positions(code)[:, 1]
    assert (height[:4] - height[4:8]).min() > -0.0001
