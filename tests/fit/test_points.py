"""The fit to points: against scipy on the same cost, and on sampled heads with noise and outliers."""

import numpy as np
import pytest
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from headform.errors import InputError
from headform.fit._point_problem import PointState, jacobian, project_points
from headform.fit.head_points import PointModel
from headform.fit.points import PointPriors, default_focal, fit_points

SIZE = (640, 480)
NUM_IDENTITY, NUM_EXPRESSION = 8, 5


def made_model(rng: np.random.Generator, points: int = 120) -> PointModel:
    """A bumpy half shell of head size with smooth random modes."""
    around, up = rng.uniform(-1.3, 1.3, points), rng.uniform(-1, 1, points)
    radius = 0.09 + 0.02 * np.exp(-8 * (around**2 + (up + 0.1) ** 2))
    mean = np.stack([radius * np.sin(around) * 0.8, 0.1 * up, radius * np.cos(around) * np.cos(up)], axis=1)
    count = NUM_IDENTITY + NUM_EXPRESSION
    waves = rng.normal(0, 14, (count, 3, 3))
    phase = rng.uniform(0, 6, (count, 3))
    basis = 0.004 * np.sin(np.einsum("kcd,nd->cnk", waves, mean) + phase.T[:, None])
    return PointModel(mean, np.ascontiguousarray(basis), NUM_IDENTITY)


def made_state(rng: np.random.Generator, yaw: float = 0.0, roll: float = 0.0, focal: float = 768.0) -> PointState:
    coefficients = np.concatenate([rng.normal(0, 0.7, NUM_IDENTITY), rng.uniform(0, 0.8, NUM_EXPRESSION)])
    turn = Rotation.from_euler("zyx", [roll, yaw, rng.normal(0, 8)], degrees=True).as_matrix()
    rotation = np.diag([1.0, -1, -1]) @ turn
    return PointState(coefficients, rotation, np.array([0.03, -0.02, 0.8]), focal)


def by_hand(model: PointModel, state: PointState) -> Float[np.ndarray, "N 2"]:
    """Pixels, point by point, straight from the convention."""
    out = []
    for n in range(len(model.mean)):
        point = model.mean[n].copy()
        for k, c in enumerate(state.coefficients):
            point += c * model.basis[:, n, k]
        x, y, z = state.rotation @ point + state.translation
        out.append([state.focal * x / z + SIZE[0] / 2, state.focal * y / z + SIZE[1] / 2])
    return np.array(out)


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(Rotation.from_matrix(a @ b.T).magnitude()))


def test_projection_and_jacobian_agree_with_finite_differences() -> None:
    rng = np.random.default_rng(1)
    model, state = made_model(rng, 9), made_state(rng, yaw=30)
    center = np.array(SIZE) / 2
    np.testing.assert_allclose(project_points(model, state, center), by_hand(model, state))
    analytic = jacobian(model, state)
    for p in range(analytic.shape[2]):
        step = np.zeros(analytic.shape[2])
        step[p] = 1e-6
        ahead, behind = by_hand(model, state.moved(step)), by_hand(model, state.moved(-step))
        np.testing.assert_allclose(analytic[:, :, p].T, (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("estimate_focal", [False, True])
def test_finds_the_minimum_that_scipy_finds(estimate_focal: bool) -> None:
    rng = np.random.default_rng(2)
    model, truth = made_model(rng), made_state(rng, yaw=25)
    observed = by_hand(model, truth) + rng.normal(0, 1.0, (len(model.mean), 2))
    observed[:6] += 40
    sigma = rng.uniform(0.8, 1.5, len(observed))
    priors = PointPriors(floor=0.0)
    a0, e0 = rng.normal(0, 0.3, NUM_IDENTITY), rng.uniform(0, 1, NUM_EXPRESSION)
    fit = fit_points(
        model, observed, sigma, image_size=SIZE, identity_prior=a0, expression_prior=e0,
        rotation_init=truth.rotation, estimate_focal=estimate_focal, priors=priors,
        max_iterations=60,
    )  # fmt: skip
    log_f0 = np.log(1.2 * 640)
    base = fit.camera.R

    def residuals(x: np.ndarray) -> np.ndarray:
        num = NUM_IDENTITY + NUM_EXPRESSION
        turn = Rotation.from_rotvec(x[num : num + 3]).as_matrix() @ base
        cam = (model.mean + np.einsum("cnk,k->nc", model.basis, x[:num])) @ turn.T + x[num + 3 : -1]
        log_f = x[-1] if estimate_focal else log_f0
        px = np.exp(log_f) * cam[:, :2] / cam[:, 2:] + [320, 240]
        square = ((px - observed) ** 2).sum(1) / (priors.inflation * sigma**2)
        robust = priors.outlier_sigma * np.sqrt(np.log1p(square / priors.outlier_sigma**2))
        return np.concatenate([
            robust, (x[:NUM_IDENTITY] - a0) / priors.identity_sigma,
            (x[NUM_IDENTITY:num] - e0) / priors.expression_sigma,
            [(log_f - log_f0) / priors.log_focal_sigma, 0 if estimate_focal else x[-1] - log_f0],
        ])  # fmt: skip

    count = NUM_IDENTITY + NUM_EXPRESSION
    start = np.concatenate([truth.coefficients, np.zeros(3), fit.camera.t, [np.log(768.0)]])
    low = np.repeat([-3.0, 0.0, -np.inf], [NUM_IDENTITY, NUM_EXPRESSION, 7])
    high = np.repeat([3.0, 1.0, np.inf], [NUM_IDENTITY, NUM_EXPRESSION, 7])
    start[NUM_IDENTITY:count] = start[NUM_IDENTITY:count].clip(0.01, 0.99)
    oracle = least_squares(residuals, start, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-10)
    assert fit.cost == pytest.approx(oracle.cost, rel=1e-4)
    found = np.concatenate([fit.identity, fit.expression])
    np.testing.assert_allclose(found, oracle.x[:count], atol=0.02)
    assert np.degrees(np.linalg.norm(oracle.x[count : count + 3])) < 0.1
    if estimate_focal:
        assert fit.camera.K[0, 0] == pytest.approx(np.exp(oracle.x[-1]), rel=0.01)


@pytest.mark.parametrize("yaw", [0, -45, 80])
@pytest.mark.parametrize("roll", [0, 30, 180])
@pytest.mark.parametrize("outliers", [0.0, 0.2])
def test_recovers_pose_and_points_from_nothing(yaw: float, roll: float, outliers: float) -> None:
    rng = np.random.default_rng([abs(yaw), roll, int(10 * outliers)])
    model, truth = made_model(rng, 300), made_state(rng, yaw, roll)
    clean = by_hand(model, truth)
    observed = clean + rng.normal(0, 1.0, clean.shape)
    gross = rng.random(len(clean)) < outliers
    observed[gross] += rng.normal(0, 40, (gross.sum(), 2))
    fit = fit_points(model, observed, np.ones(len(clean)), image_size=SIZE)
    assert np.sqrt(((fit.points - clean) ** 2).mean()) < 0.6  # the noise is 1
    assert angle_between(fit.camera.R, truth.rotation) < 2.5
    np.testing.assert_allclose(fit.camera.project(
        model.positions(np.concatenate([fit.identity, fit.expression])))[:, :2], fit.points)  # fmt: skip
    assert fit.iterations <= 12


def test_a_point_with_infinite_sigma_or_not_finite_says_nothing() -> None:
    rng = np.random.default_rng(5)
    model, truth = made_model(rng), made_state(rng)
    observed, sigma = by_hand(model, truth), np.ones(len(model.mean))
    keep = np.ones(len(sigma), dtype=bool)
    keep[:20] = False
    subset = PointModel(model.mean[keep], model.basis[:, keep].copy(), NUM_IDENTITY)
    # The floor depends on the extent of the points that are used, equal in both.
    expected = fit_points(subset, observed[keep], sigma[keep], image_size=SIZE)
    broken, muted = observed.copy(), sigma.copy()
    broken[:10], muted[10:20] = np.nan, np.inf
    broken[10:20] += 1000
    fit = fit_points(model, broken, muted, image_size=SIZE)
    np.testing.assert_allclose(fit.identity, expected.identity, atol=1e-6)
    assert fit.rms_sigma == pytest.approx(expected.rms_sigma)


def test_bounds_hold_and_priors_rule_without_information() -> None:
    rng = np.random.default_rng(6)
    model, truth = made_model(rng), made_state(rng)
    observed = by_hand(model, truth)
    prior = np.full(NUM_IDENTITY, 0.4)
    vague = fit_points(
        model, observed, np.full(len(observed), 1e6), image_size=SIZE, identity_prior=prior,
        rotation_init=truth.rotation,
    )  # fmt: skip
    np.testing.assert_allclose(vague.identity, prior, atol=1e-3)
    far = PointState(truth.coefficients * 6, truth.rotation, truth.translation, truth.focal)
    loose = PointPriors(identity_sigma=50.0, expression_sigma=50.0)
    fit = fit_points(model, by_hand(model, far), np.ones(len(observed)), image_size=SIZE,
                     priors=loose)  # fmt: skip
    assert np.abs(fit.identity).max() == 3
    assert (fit.expression >= 0).all()
    assert fit.expression.max() == 1


def test_refusals() -> None:
    rng = np.random.default_rng(7)
    model = made_model(rng)
    points, sigma = np.zeros((len(model.mean), 2)), np.ones(len(model.mean))
    with pytest.raises(InputError, match="expected 120 points") as short:
        fit_points(model, points[1:], sigma[1:], image_size=SIZE)
    assert short.value.code == "points_invalid"
    with pytest.raises(InputError, match="only 0 points"):
        fit_points(model, points * np.nan, sigma, image_size=SIZE)
    with pytest.raises(InputError, match="not finite") as nan:
        fit_points(model, points, sigma, image_size=SIZE, rotation_init=np.full((3, 3), np.nan))
    assert nan.value.code == "prior_invalid"


def test_default_focal_is_of_the_longer_side() -> None:
    assert default_focal((300, 400)) == default_focal((400, 300)) == 480
