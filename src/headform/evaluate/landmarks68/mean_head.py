"""Baseline of every method: the mean head, posed by five points alone."""

import numpy as np
from jaxtyping import Float, Float64
from scipy.optimize import least_squares

from headform.geometry.camera import FRONTAL
from headform.geometry.landmarks68 import five_points
from headform.geometry.rotation import rotation_from_rotvec
from headform.heads.linear import LinearHead

START_YAWS = np.radians([0.0, -50.0, 50.0])
"""Five points have a mirrored solution in depth; the best of several starts is taken."""


def fit_weak_perspective(
    shape: Float[np.ndarray, "N 3"], pixels: Float[np.ndarray, "N 2"]
) -> tuple[float, Float64[np.ndarray, "3 3"], Float64[np.ndarray, "2"]]:
    """Weak-perspective pose, `pixels = scale * (R @ shape)[:2] + t`, by nonlinear least squares.

    Args:
        shape: (N, 3) points of the head frame, meters; N >= 4, not all on a line.
        pixels: (N, 2) where they are seen.

    Returns:
        Scale (pixels per meter, positive), rotation (3, 3) camera from head, and t (2,) pixels.

    Raises:
        ValueError: when all pixels are one point, or a number is not finite.
    """
    if not (np.isfinite(shape).all() and np.isfinite(pixels).all()):
        raise ValueError("shape and pixels must be finite")
    center, middle = shape.mean(axis=0), pixels.mean(axis=0)
    centered, seen = shape - center, pixels - middle
    spread = float(np.sqrt((seen**2).sum()))
    if not spread > 0:
        raise ValueError("all pixels are one point")
    extent = float(np.sqrt((centered**2).sum()))

    def rotation(turn: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
        return np.asarray(rotation_from_rotvec(turn) @ FRONTAL, np.float64)

    def residual(unknown: Float64[np.ndarray, "6"]) -> Float64[np.ndarray, " R"]:
        flat = np.exp(unknown[0]) * (centered / extent) @ rotation(unknown[1:4])[:2].T
        return np.asarray((flat + unknown[4:] - seen / spread).ravel(), np.float64)

    starts = [np.array([0.0, 0.0, yaw, 0.0, 0.0, 0.0]) for yaw in START_YAWS]
    fits = [least_squares(residual, start, xtol=1e-12, ftol=1e-12) for start in starts]
    best = min(fits, key=lambda fit: fit.cost).x
    scale = float(np.exp(best[0])) * spread / extent
    R = rotation(best[1:4])
    return scale, R, middle + best[4:] * spread - scale * (R @ center)[:2]


def posed_mean_head(head: LinearHead, points5: Float[np.ndarray, "5 2"]) -> Float64[np.ndarray, "68 2"]:
    """Pose the 68 points of the mean head to five detected points by weak perspective.

    Args:
        head: Any head; its offset to the annotators' convention is included.
        points5: Right eye, left eye, nose tip, right and left mouth corner (the subject's right
            first), pixels.

    Returns:
        (68, 2) float64 pixels.
    """
    points = head.landmarks(head.mean).double().numpy()
    scale, R, t = fit_weak_perspective(five_points(points), points5)
    return np.asarray(scale * points @ R[:2].T + t, np.float64)
