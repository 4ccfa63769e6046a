"""The similarity between two sets of matched points that may also mirror, as MATLAB's `procrustes` finds it.

Letters: N points. Rows are points; maps act on columns.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64


@dataclass(frozen=True)
class Alignment:
    """The map `x -> scale * turn @ x + shift`.

    Attributes:
        scale: positive factor.
        turn: (3, 3) float64 orthogonal; with determinant -1 it also mirrors.
        shift: (3,) float64, in the unit of the target.
    """

    scale: float
    turn: Float64[np.ndarray, "3 3"]
    shift: Float64[np.ndarray, "3"]

    def apply(self, points: Float[np.ndarray, "N 3"]) -> Float64[np.ndarray, "N 3"]:
        """Points of the source frame in the target frame; float64."""
        return np.asarray(self.scale * (points @ self.turn.T) + self.shift, np.float64)

    @property
    def mirrors(self) -> bool:
        """Whether left becomes right."""
        return bool(np.linalg.det(self.turn) < 0)

    def inverse(self) -> "Alignment":
        """The way back."""
        back = np.ascontiguousarray(self.turn.T)
        return Alignment(1.0 / self.scale, back, -(back @ self.shift) / self.scale)

    def after(self, first: "Alignment") -> "Alignment":
        """The map that does `first`, then this one."""
        shift = self.scale * (self.turn @ first.shift) + self.shift
        return Alignment(self.scale * first.scale, self.turn @ first.turn, shift)


def procrustes(target: Float[np.ndarray, "N 3"], source: Float[np.ndarray, "N 3"], *, mirror: bool = True) -> Alignment:
    """Least-squares similarity that takes `source` to `target`.

    Minimizes `Σ |target - (s Q source + t)|²` over s > 0, orthogonal Q and t, in closed form by the singular values of
    the covariance. MATLAB's `procrustes(target, source)` with `reflection` "best" (its default) or, without `mirror`,
    false.

    Args:
        target: (N, 3) where the points should come to lie.
        source: (N, 3) where they lie.
        mirror: Let Q mirror when that fits better.

    Raises:
        ValueError: values that are not finite, or points that all lie in one place.
    """
    x, y = np.asarray(target, np.float64), np.asarray(source, np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("points must be finite")
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x0, y0 = x - x_mean, y - y_mean
    x_size, y_size = float(np.linalg.norm(x0)), float(np.linalg.norm(y0))
    if x_size <= 1e-12 * np.abs(x).max() or y_size <= 1e-12 * np.abs(y).max():
        raise ValueError("points must not all lie in one place")
    u, values, vt = np.linalg.svd((x0 / x_size).T @ (y0 / y_size))
    sign = np.ones(3)
    if not mirror and np.linalg.det(u) * np.linalg.det(vt) < 0:
        sign[2] = -1.0
    turn = np.asarray((u * sign) @ vt, np.float64)
    scale = float((values * sign).sum()) * x_size / y_size
    return Alignment(scale, turn, np.asarray(x_mean - scale * (turn @ y_mean), np.float64))
