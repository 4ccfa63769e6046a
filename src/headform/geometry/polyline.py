"""Distances of points from polylines in a picture. N points, M corners; any unit."""

import numpy as np
from jaxtyping import Float


def nearest_on(point: Float[np.ndarray, "2"], line: Float[np.ndarray, "M 2"]) -> Float[np.ndarray, "2"]:
    """The point of a polyline that is nearest to a point."""
    start, side = line[:-1], line[1:] - line[:-1]
    length = np.maximum((side**2).sum(1), 1e-12)
    along = np.clip(((point - start) * side).sum(1) / length, 0.0, 1.0)
    feet = start + along[:, None] * side
    return np.asarray(feet[((feet - point) ** 2).sum(1).argmin()])


def distances(points: Float[np.ndarray, "N 2"], line: Float[np.ndarray, "M 2"]) -> Float[np.ndarray, " N"]:
    """Distance of each point from a polyline."""
    return np.array([float(np.linalg.norm(p - nearest_on(p, line))) for p in points])


def height_at(line: Float[np.ndarray, "M 2"], x: float) -> float:
    """The second coordinate of a polyline, which runs from one side to the other, at a first one; level beyond its ends."""
    order = np.argsort(line[:, 0], kind="stable")
    return float(np.interp(x, line[order, 0], line[order, 1]))
