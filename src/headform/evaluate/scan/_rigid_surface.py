"""The sum of squared distances from points to a surface that is scaled, turned and shifted.

P points, F triangles, K free parameters (7: scale, rotation vector, translation; or 6 without the scale).

The surface stays where its tree was grown; the points are carried into its frame instead.
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from headform.evaluate.scan._dogleg import Linearized
from headform.geometry.rotation import rotation_derivative, rotation_from_rotvec
from headform.geometry.similarity import Similarity
from headform.kernels.jit import njit
from headform.mesh.closest_point import ClosestPointTree

_AGAINST_MIRROR = 100.0  # weight of |s| - s, which keeps the scale positive
UNMOVED = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True)
class SurfaceDistances(Linearized):
    """Distances and what a least-squares descent needs of them; the residuals are the distances and 100 (|s| - s).

    Attributes:
        distances: (P,) float64, in the unit of the points.
        triangle: (P,) int64 closest triangle.
        weights: (P, 3) float64 barycentric, of the closest point in it.
    """

    distances: Float64[np.ndarray, " P"]
    triangle: Int[np.ndarray, " P"]
    weights: Float64[np.ndarray, "P 3"]


@dataclass(frozen=True, eq=False)
class RigidSurface:
    """Points, and a surface that moves to them.

    The derivative of a distance is -n · dp/dθ, with n the direction from the closest point p to the point; where the
    distance is 0 it counts as 0.

    Attributes:
        points: (P, 3) float64.
        tree: The surface, in the unit and roughly the place of the points.
        scaled: The scale is free; else it stays 1.
    """

    points: Float64[np.ndarray, "P 3"]
    tree: ClosestPointTree
    scaled: bool

    def start(self) -> Float64[np.ndarray, " K"]:
        """The parameters that leave the surface where it is."""
        return UNMOVED[0 if self.scaled else 1 :].copy()

    def all_parameters(self, free: Float64[np.ndarray, " K"]) -> Float64[np.ndarray, "7"]:
        """Scale, rotation vector and translation."""
        return free if self.scaled else np.concatenate([UNMOVED[:1], free])

    def alignment(self, free: Float64[np.ndarray, " K"]) -> Similarity:
        """Similarity of the parameters."""
        full = self.all_parameters(free)
        return Similarity(float(full[0]), rotation_from_rotvec(full[1:4]), full[4:])

    def __call__(self, free: Float64[np.ndarray, " K"]) -> SurfaceDistances:
        """Distances and derivatives at parameters (K,); infinite energy where the scale is 0."""
        full = self.all_parameters(free)
        scale, turn = float(full[0]), rotation_from_rotvec(full[1:4])
        count = len(self.points)
        if abs(scale) < 1e-12:
            nothing = np.zeros(len(free)), np.zeros((len(free), len(free)))
            far = np.full(count, np.inf)
            return SurfaceDistances(float("inf"), *nothing, far, np.zeros(count, np.int64), np.zeros((count, 3)))
        found = self.tree.query((self.points - full[4:]) @ turn / scale)
        turns = rotation_derivative(full[1:4])
        distances, energy, descent, curvature = _terms(
            self.points,
            self.tree.corners,
            found.triangle,
            found.weights,
            scale,
            turn,
            turns,
            full[4:],
        )
        negative = _AGAINST_MIRROR * (abs(scale) - scale)
        slope = _AGAINST_MIRROR * (np.sign(scale) - 1.0)
        descent[0] -= slope * negative
        curvature[0, 0] += slope * slope
        part = slice(0 if self.scaled else 1, 7)
        return SurfaceDistances(
            float(energy + negative**2),
            descent[part],
            curvature[part, part],
            distances,
            found.triangle,
            found.weights,
        )


@njit(cache=True, nogil=True)
@typing.no_type_check
def _terms(points, corners, triangle, weights, scale, turn, turns, shift):
    """Distances (P,), their sum of squares, -Jᵀr (7,) and JᵀJ (7, 7) over scale, rotation vector, translation."""
    count = len(points)
    distances = np.empty(count)
    descent, curvature = np.zeros(7), np.zeros((7, 7))
    energy = 0.0
    own, way, row = np.empty(3), np.empty(3), np.empty(7)
    for i in range(count):
        f = triangle[i]
        for k in range(3):
            own[k] = (
                weights[i, 0] * corners[f, 0, k] + weights[i, 1] * corners[f, 1, k] + weights[i, 2] * corners[f, 2, k]
            )
        squared = 0.0
        for k in range(3):
            turned = turn[k, 0] * own[0] + turn[k, 1] * own[1] + turn[k, 2] * own[2]
            way[k] = points[i, k] - scale * turned - shift[k]
            squared += way[k] * way[k]
        distance = np.sqrt(squared)
        distances[i] = distance
        energy += squared
        if distance == 0.0:
            continue
        row[0] = 0.0
        for k in range(3):
            n = way[k] / distance
            row[4 + k] = -n
            way[k] = n
        for k in range(3):
            turned = turn[k, 0] * own[0] + turn[k, 1] * own[1] + turn[k, 2] * own[2]
            row[0] -= way[k] * turned
        for j in range(3):
            row[1 + j] = 0.0
            for k in range(3):
                moved = turns[j, k, 0] * own[0] + turns[j, k, 1] * own[1] + turns[j, k, 2] * own[2]
                row[1 + j] -= scale * way[k] * moved
        for j in range(7):
            descent[j] -= row[j] * distance
            for k in range(j + 1):
                curvature[j, k] += row[j] * row[k]
    for j in range(7):
        for k in range(j):
            curvature[k, j] = curvature[j, k]
    return distances, energy, descent, curvature
