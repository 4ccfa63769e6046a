"""MATLAB's `procrustes`: the similarity between matched points, mirrored where that fits better. N points."""

import numpy as np
from jaxtyping import Float

from headform.geometry.similarity import Similarity


def procrustes(target: Float[np.ndarray, "N 3"], source: Float[np.ndarray, "N 3"]) -> Similarity:
    """Least-squares similarity that takes `source` to `target`, reflections included.

    Minimizes `Σ |target - (s Q source + t)|²` over s > 0, orthogonal Q and t: MATLAB's `procrustes(target, source)` with
    `reflection` "best", its default. It keeps MATLAB's arithmetic, which divides both sets by their norms before the
    decomposition: `geometry.similarity.fit_similarity` differs in the last digits, and so would the distances of NoW.

    Args:
        target: (N, 3) destination of the points.
        source: (N, 3) points to be moved.

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
    R = np.asarray(u @ vt, np.float64)
    scale = float(values.sum()) * x_size / y_size
    return Similarity(scale, R, np.asarray(x_mean - scale * (R @ y_mean), np.float64))
