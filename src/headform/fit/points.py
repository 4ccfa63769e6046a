"""Fit a linear head to predicted image points by damped Gauss-Newton, in float64 on the CPU.

N points, I identity and E expression coefficients, P = I + E + 7 unknowns.

The minimized function is the negative log posterior of head and camera

    sum_n  c^2/2 log(1 + |r_n|^2 / (c^2 s_n^2))  +  1/2 |(a - a0)/s_a|^2  +  1/2 |(e - e0)/s_e|^2
    + 1/2 ((log f - log f0)/s_f)^2      subject to   |a| <= 3,  0 <= e <= 1,

where r is the pixel residual of a point, s its standard deviation, and c the width of the Cauchy robustifier.
Errors of the points of one network are correlated, so every variance is inflated. Pairs of points with a
gap, such as those of lips, add further terms (`headform.fit.gaps`).
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from headform.errors import InputError
from headform.fit._point_problem import PointState, jacobian, project_points
from headform.fit.gaps import Gaps
from headform.fit.head_points import PointModel, point_model
from headform.geometry.bounded_quadratic import bounded_minimum
from headform.geometry.camera import FRONTAL, PerspectiveCamera
from headform.heads.linear import LinearHead

ExpressionBound = float | Float[np.ndarray, " E"]
"""One bound for all expression coefficients, or one for each."""


@dataclass(frozen=True)
class PointPriors:
    """Widths of the priors on the unknowns, and trust in the points.

    Attributes:
        identity_sigma: Standard deviation of identity about its prior, in the head's own units.
        expression_sigma: Standard deviation of an expression weight about its prior.
        expression_precision: Inverse covariance of the expression weights about their prior; if given, it replaces
            `expression_sigma`.
        inflation: Factor on the variance of every point, for correlated errors.
        outlier_sigma: Width c of the robustifier, in standard deviations, beyond which points lose weight.
        floor: Smallest standard deviation of a point, as a fraction of the points' extent.
        log_focal_sigma: Standard deviation of the log focal length, if that is estimated.
        identity_bound: Largest magnitude of an identity coefficient.
        expression_bounds: Least and greatest expression coefficient; weights of shapes lie in [0, 1].
    """

    identity_sigma: float = 0.7
    expression_sigma: float = 0.25
    expression_precision: Float[np.ndarray, "E E"] | None = None
    inflation: float = 4.0
    outlier_sigma: float = 3.0
    floor: float = 0.003
    log_focal_sigma: float = 0.35
    identity_bound: float = 3.0
    expression_bounds: tuple[ExpressionBound, ExpressionBound] = (0.0, 1.0)


@dataclass(frozen=True)
class PointFit:
    """Fitted head and camera.

    Attributes:
        identity: Identity coefficients, standard deviations.
        expression: Expression weights in [0, 1], in the order of the head's `expression_names`.
        camera: cam_from_head perspective camera; pixels with the origin at the top-left corner.
        points: Projected points of the fitted head, pixels.
        rms_sigma: Root mean square of |residual| / standard deviation over the points.
        iterations: Number of accepted Gauss-Newton steps.
        cost: Final value of the minimized function.
    """

    identity: Float[np.ndarray, " I"]
    expression: Float[np.ndarray, " E"]
    camera: PerspectiveCamera
    points: Float[np.ndarray, "N 2"]
    rms_sigma: float
    iterations: int
    cost: float


def default_focal(image_size: tuple[int, int]) -> float:
    """Return the focal length in pixels assumed for an unknown camera: 1.2 times the longer side."""
    return 1.2 * max(image_size)


def fit_points(
    model: PointModel | LinearHead,
    points_px: Float[np.ndarray, "N 2"],
    sigma_px: Float[np.ndarray, " N"],
    *,
    image_size: tuple[int, int],
    gaps: Gaps | None = None,
    identity_prior: Float[np.ndarray, " I"] | None = None,
    expression_prior: Float[np.ndarray, " E"] | None = None,
    rotation_init: Float[np.ndarray, "3 3"] | None = None,
    focal_px: float | None = None,
    estimate_focal: bool = False,
    priors: PointPriors | None = None,
    max_iterations: int = 12,
) -> PointFit:
    """Fit identity, expression and camera to image points.

    Args:
        model: Head, or its rows from `point_model` (to gather them once for many photos).
        points_px: Observed points in the head's dense order, pixels, origin at the corner.
        sigma_px: Standard deviation of each point along either axis, pixels; infinity drops it.
        image_size: Width and height, pixels; the principal point is the image center.
        gaps: Pairs of the model's points with measured gaps.
        identity_prior: Prior mean of the identity; the mean head if absent.
        expression_prior: Prior mean of the expression; neutral if absent.
        rotation_init: Initial cam_from_head rotation; from an affine camera if absent.
        focal_px: Known focal length or center of its prior, pixels; `default_focal` if absent.
        estimate_focal: True to estimate the focal length with a log-normal prior.
        priors: Widths of the priors.
        max_iterations: Largest number of accepted steps.

    Raises:
        InputError: `points_invalid` when shapes disagree or fewer than 6 points are finite,
            `prior_invalid` when a prior, the focal length or the initial rotation is not finite.
    """
    if isinstance(model, LinearHead):
        model = point_model(model)
    priors = priors or PointPriors()
    num_expression = model.basis.shape[2] - model.num_identity
    a0 = np.zeros(model.num_identity) if identity_prior is None else identity_prior
    low, high = (np.broadcast_to(np.asarray(b, float), num_expression) for b in priors.expression_bounds)
    e0 = np.clip(np.zeros(num_expression) if expression_prior is None else expression_prior, low, high)
    points, sigma = _checked(model, points_px, sigma_px, priors)
    focal = default_focal(image_size) if focal_px is None else focal_px
    given = [a0, e0, focal, 0.0 if rotation_init is None else rotation_init]
    if not all(np.isfinite(value).all() for value in given) or focal <= 0:
        raise InputError("prior_invalid", "a prior, the focal length or the rotation is not finite")
    problem = _Problem(
        model=model,
        points=points,
        sigma=sigma,
        center=np.asarray(image_size, dtype=np.float64) / 2,
        prior=np.concatenate([a0, e0]).astype(np.float64),
        weight=_precision(priors, model.num_identity, num_expression),
        lower=np.concatenate([np.full(model.num_identity, -priors.identity_bound), low]),
        upper=np.concatenate([np.full(model.num_identity, priors.identity_bound), high]),
        log_focal=float(np.log(focal)),
        focal_weight=priors.log_focal_sigma**-2 if estimate_focal else np.inf,
        outlier=priors.outlier_sigma,
        gaps=gaps,
    )
    if rotation_init is None:
        starts = [problem.start(FRONTAL), problem.start(problem.affine_rotation())]
    else:
        starts = [problem.start(np.asarray(rotation_init, dtype=np.float64))]
    start = min(starts, key=problem.cost)
    state, cost, iterations = _minimize(problem, start, max_iterations)
    projected = project_points(model, state, problem.center)
    used = np.isfinite(sigma)
    white = (projected - points)[used] / sigma[used, None]
    f = state.focal
    camera = PerspectiveCamera(
        K=np.array([[f, 0, problem.center[0]], [0, f, problem.center[1]], [0, 0, 1]]),
        R=state.rotation,
        t=state.translation,
    )
    return PointFit(
        identity=state.coefficients[: model.num_identity],
        expression=state.coefficients[model.num_identity :],
        camera=camera,
        points=projected,
        rms_sigma=float(np.sqrt(np.mean(np.sum(white**2, axis=1)) * priors.inflation)),
        iterations=iterations,
        cost=cost,
    )


def _precision(priors: PointPriors, identity: int, expression: int) -> Float[np.ndarray, "K K"]:
    """Compute the inverse covariance of the coefficients about their prior."""
    weight = np.diag(np.repeat([priors.identity_sigma**-2, 0.0], [identity, expression]))
    own = priors.expression_precision
    weight[identity:, identity:] = np.eye(expression) / priors.expression_sigma**2 if own is None else own
    return weight


def _checked(
    model: PointModel,
    points_px: Float[np.ndarray, "M 2"],
    sigma_px: Float[np.ndarray, " K"],
    priors: PointPriors,
) -> tuple[Float[np.ndarray, "M 2"], Float[np.ndarray, " M"]]:
    """Return points and inflated standard deviations in float64; points that are not finite get infinite sigma."""
    points = np.asarray(points_px, dtype=np.float64)
    sigma = np.asarray(sigma_px, dtype=np.float64)
    if len(points) != len(model.mean) or len(sigma) != len(points):
        raise InputError(
            "points_invalid",
            f"expected {len(model.mean)} points with a sigma each, got {len(points)} and {len(sigma)}",
        )
    good = np.isfinite(points).all(axis=1) & np.isfinite(sigma) & (sigma > 0)
    if good.sum() < 6:
        raise InputError(
            "points_invalid", f"only {good.sum()} points are finite with a positive sigma; at least 6 are needed"
        )
    extent = float(np.sqrt(np.prod(np.maximum(np.ptp(points[good], axis=0), 1e-3))))
    inflated = np.maximum(sigma, priors.floor * extent) * np.sqrt(priors.inflation)
    return np.where(good[:, None], points, 0.0), np.where(good, inflated, np.inf)


@dataclass(frozen=True)
class _Problem:
    """Function to minimize; see the module docstring."""

    model: PointModel
    points: Float[np.ndarray, "N 2"]
    sigma: Float[np.ndarray, " N"]
    center: Float[np.ndarray, " 2"]
    prior: Float[np.ndarray, " K"]
    weight: Float[np.ndarray, "K K"]
    lower: Float[np.ndarray, " K"]
    upper: Float[np.ndarray, " K"]
    log_focal: float
    focal_weight: float
    outlier: float
    gaps: Gaps | None

    def start(self, rotation: Float[np.ndarray, "3 3"]) -> PointState:
        """Place the prior head by weak perspective: the scale gives the depth, the mean the translation."""
        coefficients = np.clip(self.prior, self.lower, self.upper)
        rotated = self.model.positions(coefficients) @ rotation.T
        w = np.where(np.isfinite(self.sigma), self.sigma**-2.0, 0.0)
        w /= w.sum()
        mean_px, mean_m = w @ self.points, w @ rotated
        spread_px = w @ ((self.points - mean_px) ** 2).sum(axis=1)
        spread_m = w @ ((rotated - mean_m)[:, :2] ** 2).sum(axis=1)
        focal = float(np.exp(self.log_focal))
        depth = focal * np.sqrt(spread_m / max(spread_px, 1e-9))
        offset = (mean_px - self.center) * depth / focal
        translation = np.array([*offset, depth]) - mean_m
        # keep all points in front of the camera
        translation[2] = max(translation[2], 0.05 - rotated[:, 2].min())
        return PointState(coefficients, rotation, translation, focal)

    def affine_rotation(self) -> Float[np.ndarray, "3 3"]:
        """Estimate cam_from_head by an affine camera fitted to the prior head, for any roll.

        Least squares of the 2 x 3 affine map, with Huber weights against outliers; then the nearest
        scaled rotation (the first two rows' polar factor).
        """
        head = self.model.positions(np.clip(self.prior, self.lower, self.upper))
        rows = np.concatenate([head, np.ones((len(head), 1))], axis=1)
        base = np.where(np.isfinite(self.sigma), 1 / self.sigma, 0.0)
        weight = base
        for _ in range(6):
            # the ridge matters only if the points do not determine the depth
            system = (rows * weight[:, None] ** 2).T @ rows
            system[np.diag_indices(3)] += 1e-6 * np.trace(system[:3, :3])
            affine = np.linalg.solve(system, (rows * weight[:, None] ** 2).T @ self.points)
            distance = np.linalg.norm(rows @ affine - self.points, axis=1) * base
            scale = max(1.5 * float(np.median(distance[base > 0])), 1e-9)
            weight = base * np.sqrt(np.minimum(1.0, scale / np.maximum(distance, 1e-12)))
        u, _, vt = np.linalg.svd(affine[:3].T, full_matrices=False)
        top = u @ vt
        return np.vstack([top, np.cross(top[0], top[1])])

    def cost(self, state: PointState) -> float:
        """Compute the negative log posterior, up to a constant."""
        pixels = project_points(self.model, state, self.center)
        if not np.isfinite(pixels).all():
            return np.inf
        c2 = self.outlier**2
        square = ((pixels - self.points) ** 2).sum(axis=1) / self.sigma**2
        away = state.coefficients - self.prior
        prior = float(away @ self.weight @ away)
        if np.isfinite(self.focal_weight):
            prior += self.focal_weight * (np.log(state.focal) - self.log_focal) ** 2
        if self.gaps is not None:
            gap, contact = self.gaps.residuals(self.model, state, pixels)
            prior += gap @ gap + (np.minimum(contact, 0.0) ** 2).sum()
        return float(0.5 * c2 * np.log1p(square / c2).sum() + 0.5 * prior)

    def quadratic(self, state: PointState) -> "_Quadratic":
        """Compute the Gauss-Newton model about a state, with the points weighted by the robustifier."""
        pixels = project_points(self.model, state, self.center)
        residual = (pixels - self.points).T  # (2, N)
        square = (residual**2).sum(axis=0) / self.sigma**2
        root = np.sqrt(1.0 / (1.0 + square / self.outlier**2)) / self.sigma
        rows = jacobian(self.model, state)
        contact, contact_rows = np.zeros(0), np.zeros((0, rows.shape[2]))
        if self.gaps is not None:
            gap, contact = self.gaps.residuals(self.model, state, pixels)
            gap_rows, contact_rows = self.gaps.rows(self.model, state, rows)
        rows *= root[:, None]
        flat = rows.reshape(-1, rows.shape[2])
        hessian = flat.T @ flat
        gradient = flat.T @ (residual * root).reshape(-1)
        if self.gaps is not None:
            hessian += gap_rows.T @ gap_rows
            gradient += gap_rows.T @ gap
        num = len(self.prior)
        gradient[:num] += self.weight @ (state.coefficients - self.prior)
        hessian[:num, :num] += self.weight
        if np.isfinite(self.focal_weight):
            hessian[-1, -1] += self.focal_weight
            gradient[-1] += self.focal_weight * (np.log(state.focal) - self.log_focal)
        lower, upper = np.full(len(gradient), -np.inf), np.full(len(gradient), np.inf)
        lower[:num], upper[:num] = self.lower - state.coefficients, self.upper - state.coefficients
        if not np.isfinite(self.focal_weight):
            lower[-1] = upper[-1] = 0.0
        return _Quadratic(hessian, gradient, contact_rows, contact, lower, upper)

    def clipped(self, state: PointState) -> PointState:
        """Return the state with its coefficients clipped to their bounds."""
        return replace(state, coefficients=np.clip(state.coefficients, self.lower, self.upper))


@dataclass(frozen=True)
class _Quadratic:
    """Function 1/2 s.H s + g.s + 1/2 |min(0, C s + v)|^2 of a step s within bounds."""

    hessian: Float[np.ndarray, "P P"]
    gradient: Float[np.ndarray, " P"]
    contact_rows: Float[np.ndarray, "G P"]
    contact: Float[np.ndarray, " G"]
    lower: Float[np.ndarray, " P"]
    upper: Float[np.ndarray, " P"]

    def step(self, damping: float) -> Float[np.ndarray, " P"]:
        """Minimize with a damped diagonal; the set of active contacts settles within a few rounds."""
        active = self.contact < 0
        step = np.zeros(len(self.gradient))
        for _ in range(_CONTACT_ROUNDS):
            rows = self.contact_rows[active]
            matrix = self.hessian + rows.T @ rows
            matrix[np.diag_indices_from(matrix)] *= 1.0 + damping
            right = -self.gradient - rows.T @ self.contact[active]
            step = bounded_minimum(
                matrix,
                right,
                self.lower,
                self.upper,
                start=step,
                tolerance=_STEP_TOLERANCE,
                max_iterations=_STEP_ROUNDS,
            )
            after = self.contact + self.contact_rows @ step < 0
            if np.array_equal(after, active):
                break
            active = after
        return step


_CONTACT_ROUNDS, _STEP_ROUNDS, _STEP_TOLERANCE = 6, 12, 1e-5
"""Limits of the inner solvers; a step need not be exact, since the model is linearized again after it."""


def _minimize(problem: _Problem, state: PointState, max_iterations: int) -> tuple[PointState, float, int]:
    """Minimize by Levenberg-Marquardt with bounds; the damping is adapted to the success of the steps."""
    cost = problem.cost(state)
    damping, accepted = 1e-3, 0
    while accepted < max_iterations and damping < 1e8:
        quadratic = problem.quadratic(state)
        improved = False
        while damping < 1e8:
            trial = problem.clipped(state.moved(quadratic.step(damping)))
            trial_cost = problem.cost(trial)
            if trial_cost < cost:
                improved = True
                break
            damping *= 8.0
        if not improved:
            break
        gain, state, cost = cost - trial_cost, trial, trial_cost
        accepted += 1
        damping = max(damping / 8.0, 1e-9)
        if gain < 1e-5 * max(cost, 1.0):
            break
    return state, cost, accepted
