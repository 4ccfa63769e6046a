"""Quadratics with bounds on their unknowns.

P unknowns. Everything is float64.
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve


def bounded_minimum(
    matrix: Float[np.ndarray, "P P"],
    right: Float[np.ndarray, " P"],
    lower: Float[np.ndarray, " P"],
    upper: Float[np.ndarray, " P"],
    *,
    start: Float[np.ndarray, " P"] | None = None,
    tolerance: float = 1e-12,
    max_iterations: int = 100,
) -> Float[np.ndarray, " P"]:
    """The x that minimizes 1/2 x.A x - b.x with lower <= x <= upper.

    Projected Newton (Bertsekas 1982, "Projected Newton methods for optimization problems with simple constraints"):
    unknowns at a bound whose gradient pushes them outwards are held, the others take the Newton step, which is cut short
    along the bounds until the function falls (Armijo). The active set settles after a few steps.

    Args:
        matrix: A, symmetric and positive definite.
        right: b.
        lower: May be -inf.
        upper: May be inf; not below `lower`.
        start: Initial point; 0 if absent.
        tolerance: Largest entry of the gradient at which the search ends, relative to the largest of b.
        max_iterations: Largest number of Newton steps.

    Raises:
        numpy.linalg.LinAlgError: A is not positive definite.
        ValueError: A or b is not finite.
    """
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        raise ValueError("the quadratic is not finite")
    x = np.clip(np.zeros(len(right)) if start is None else start, lower, upper)
    if np.isinf(lower).all() and np.isinf(upper).all():
        return np.asarray(cho_solve(cho_factor(matrix), right))
    least = tolerance * max(float(np.abs(right).max(initial=0.0)), 1e-300)
    for _ in range(max_iterations):
        gradient = matrix @ x - right
        held = ((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0))
        free = ~held
        if float(np.abs(gradient[free]).max(initial=0.0)) <= least:
            break
        step = np.zeros_like(x)
        factor = cho_factor(matrix[np.ix_(free, free)], overwrite_a=True, check_finite=False)
        step[free] = -cho_solve(factor, gradient[free], check_finite=False)
        length, moved = 1.0, x
        while length > 1e-10:
            moved = np.clip(x + length * step, lower, upper)
            way = moved - x
            if gradient @ way + 0.5 * way @ (matrix @ way) <= 1e-4 * (gradient @ way):
                break
            length /= 2
        if length <= 1e-10 or np.array_equal(moved, x):
            break
        x = moved
    return x
