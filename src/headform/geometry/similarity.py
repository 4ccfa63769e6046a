"""Best similarity (scale, rotation, translation) between two sets of matched points.

N points, D dimensions (2 or 3).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64


@dataclass(frozen=True)
class Similarity:
    """Similarity transform `x -> scale * R @ x + t`.

    Attributes:
        scale: positive factor.
        R: (D, D) float64 rotation; a reflection if its determinant is -1.
        t: (D,) float64 translation, in the unit of the target points.
    """

    scale: float
    R: Float64[np.ndarray, "D D"]
    t: Float64[np.ndarray, "D"]

    def apply(self, points: Float[np.ndarray, "*N D"]) -> Float64[np.ndarray, "*N D"]:
        """Map points of the source frame, (*N, D), to the target frame; float64."""
        return np.asarray(self.scale * (points @ self.R.T) + self.t, np.float64)

    @property
    def mirrors(self) -> bool:
        """True if R contains a reflection, so that left becomes right."""
        return bool(np.linalg.det(self.R) < 0)

    def after(self, first: "Similarity") -> "Similarity":
        """Compose: return the map that applies `first`, then this one."""
        t = self.scale * (self.R @ first.t) + self.t
        return Similarity(self.scale * first.scale, self.R @ first.R, t)

    def inverse(self) -> "Similarity":
        """Return the map from the target frame back to the source frame."""
        R = np.ascontiguousarray(self.R.T)
        return Similarity(1.0 / self.scale, R, -(R @ self.t) / self.scale)

    def matrix(self) -> Float64[np.ndarray, "D1 D1"]:
        """Return the homogeneous (D + 1, D + 1) matrix of the map."""
        D = len(self.t)
        result = np.eye(D + 1)
        result[:D, :D] = self.scale * self.R
        result[:D, D] = self.t
        return result


def fit_similarity(
    src: Float[np.ndarray, "N D"],
    dst: Float[np.ndarray, "N D"],
    weights: Float[np.ndarray, "N"] | None = None,
    *,
    scale: bool = True,
) -> Similarity:
    """Fit the least-squares similarity that maps `src` to `dst`, without reflections.

    Minimizes `Σ w |dst - (s R src + t)|²` in closed form (Umeyama 1991, equations 38 to 42).

    Args:
        src: (N, D) source points, D = 2 or 3, N >= D.
        dst: (N, D) target points.
        weights: (N,) non-negative; None for equal weights.
        scale: True to fit the scale, False to keep it at 1.

    Returns:
        The similarity, in float64. If the points are collinear (D = 3), the rotation about their
        line is arbitrary.

    Raises:
        ValueError: too few points, non-finite values, invalid weights, or all source points
            coincide.
    """
    count, D = src.shape
    if D not in (2, 3) or count < D:
        raise ValueError(f"src must be (N, D) with D = 2 or 3 and N >= D, got {src.shape}")
    x = np.asarray(src, np.float64)
    y = np.asarray(dst, np.float64)
    w = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(w).all()):
        raise ValueError("src, dst and weights must be finite")
    if (w < 0).any() or w.sum() <= 0:
        raise ValueError("weights must be non-negative with a positive sum")
    w = w / w.sum()
    x_mean, y_mean = w @ x, w @ y
    x0, y0 = x - x_mean, y - y_mean
    variance = float(w @ (x0 * x0).sum(1))
    if variance <= (1e-12 * np.abs(x).max()) ** 2:
        raise ValueError("src points must not all coincide")
    u, d, vt = np.linalg.svd((y0 * w[:, None]).T @ x0)
    sign = np.ones(D)
    if np.linalg.det(u) * np.linalg.det(vt) < 0:
        sign[-1] = -1.0
    R = np.asarray((u * sign) @ vt, np.float64)
    s = float((d * sign).sum()) / variance if scale else 1.0
    if not s > 0:
        raise ValueError("no similarity without reflection fits: dst points coincide")
    return Similarity(s, R, np.asarray(y_mean - s * (R @ x_mean), np.float64))
