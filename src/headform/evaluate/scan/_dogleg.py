"""Powell's dogleg for least squares, with the stopping criteria of the NoW protocol.

K parameters.

Madsen, Nielsen, Tingleff, Methods for Non-Linear Least Squares Problems (2004), algorithm 3.21, with the criteria of
`Rules`. The errors of the protocol depend on where the descent stops: at full convergence its medians change by a
micrometer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np
from jaxtyping import Float64

Vector = Float64[np.ndarray, " K"]
Stop = Literal["gradient", "step", "improvement", "iterations"]


@dataclass(frozen=True)
class Linearized:
    """A sum of squared residuals r at some parameters, with its derivatives J.

    Attributes:
        energy: r·r.
        descent: (K,) float64, -Jᵀr, half the steepest descent.
        curvature: (K, K) float64, JᵀJ.
    """

    energy: float
    descent: Float64[np.ndarray, " K"]
    curvature: Float64[np.ndarray, "K K"]


At = TypeVar("At", bound=Linearized)


@dataclass(frozen=True)
class Rules:
    """Stopping criteria and first trust radius.

    Attributes:
        radius: First trust radius, in the norm of all parameters together.
        gradient: Stop when no component of the descent is larger.
        step: Stop when a step is shorter than this share of the parameters' length, or of `radius` where that is longer.
        improvement: Stop after an accepted step that lowers the energy by less than this share.
        iterations: Largest number of linearizations.
    """

    radius: float = 0.1
    gradient: float = 1e-15
    step: float = 1e-15
    improvement: float = 1e-4
    iterations: int = 200


@dataclass(frozen=True)
class Minimum(Generic[At]):
    """Result of the descent.

    Attributes:
        parameters: (K,) float64, parameters at the minimum.
        at: Function and derivatives at `parameters`.
        iterations: Number of linearizations, including that of the last accepted step.
        evaluations: Number of function evaluations.
        stop: Criterion that ended the descent.
    """

    parameters: Float64[np.ndarray, " K"]
    at: At
    iterations: int
    evaluations: int
    stop: Stop


def minimize(function: Callable[[Vector], At], start: Float64[np.ndarray, " K"], rules: Rules) -> Minimum[At]:
    """Minimize a sum of squares from `start`.

    The radius grows to 2.5 step lengths when the energy falls by more than 0.9 of the prediction of the linear model, and
    shrinks to a quarter below 0.05. Gauss-Newton steps are solved directly, by the pseudo-inverse where JᵀJ is singular.

    Args:
        function: Energy, descent and curvature at parameters (K,).
        start: (K,) initial parameters.
        rules: Stopping criteria.

    Raises:
        ValueError: the energy or its derivatives are not finite at `start`.
    """
    x, at = start.copy(), function(start)
    if not (np.isfinite(at.energy) and np.isfinite(at.descent).all() and np.isfinite(at.curvature).all()):
        raise ValueError("the energy is not finite at the start")
    radius, evaluations = rules.radius, 1
    for iteration in range(1, rules.iterations + 1):
        if np.abs(at.descent).max() < rules.gradient:
            return Minimum(x, at, iteration - 1, evaluations, "gradient")
        accepted = False
        legs = _legs(at)
        while not accepted:
            step = _within(radius, *legs)
            length = float(np.linalg.norm(step))
            if not np.isfinite(step).all():
                return Minimum(x, at, iteration, evaluations, "step")
            # at parameters of zero the share alone would let the radius shrink for ever
            if length <= rules.step * max(float(np.linalg.norm(x)), rules.radius):
                return Minimum(x, at, iteration, evaluations, "step")
            there = function(x + step)
            evaluations += 1
            predicted = float(2.0 * at.descent @ step - step @ at.curvature @ step)
            decrease = at.energy - there.energy
            gain = decrease / predicted if predicted > 0 else -1.0
            if not (np.isfinite(gain) and np.isfinite(there.descent).all() and np.isfinite(there.curvature).all()):
                gain = -1.0  # neither better nor worse: NaN passes no comparison, and the radius must shrink
            if gain > 0.9:
                radius = max(radius, 2.5 * length)
            elif gain < 0.05:
                radius *= 0.25
            accepted = gain > 0
        share = decrease / at.energy
        x, at = x + step, there
        if share < rules.improvement:
            return Minimum(x, at, iteration, evaluations, "improvement")
    return Minimum(x, at, rules.iterations, evaluations, "iterations")


def _legs(at: Linearized) -> tuple[Vector, Vector]:
    """Return the Cauchy step (the minimum along the gradient) and the Gauss-Newton step."""
    g, A = at.descent, at.curvature
    steep = float(g @ A @ g)
    down = g * (float(g @ g) / steep) if steep > 0 else g
    down = down if np.isfinite(down).all() else g
    try:
        newton = np.linalg.solve(A, g)
    except np.linalg.LinAlgError:
        newton = np.linalg.pinv(A, hermitian=True) @ g
    # a curvature that is singular but for rounding may solve to infinity
    return down, newton if np.isfinite(newton).all() else down


def _within(radius: float, down: Vector, newton: Vector) -> Vector:
    """Return the dogleg step: Gauss-Newton within the radius, else interpolated, else steepest descent to the radius."""
    if np.linalg.norm(newton) <= radius:
        return newton
    short = float(np.linalg.norm(down))
    if short >= radius:
        return down * (radius / short)
    way = newton - down
    a, b, c = float(way @ way), float(down @ way), short**2 - radius**2
    root = float(np.sqrt(b * b - a * c))
    # positive root, in the form without cancellation
    share = (root - b) / a if b <= 0 else -c / (b + root)
    return down + share * way
