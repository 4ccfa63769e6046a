"""One Gauss-Newton step of a head toward planes: shape, turn, shift and scale at once.

N planes, R vertices, K coefficients, P = K + 7 unknowns.

A point y = s R x(c) + t of the placed head, x a barycentric mixture of vertices, is to lie on a plane with unit normal n
through p. With a pivot g among the points, a small turn w, shift d and change of scale e (logarithm),

    n.(y - p) + (s R^T n).B dc + w.((y - g) x n) + n.d + e n.(y - g)

is the residual after the step (Chen and Medioni 1991; the turn as in Low 2004). Weighted squares of it and the Gaussian
prior of the coefficients make a quadratic, which is minimized within the coefficients' bounds.
"""

import typing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from headform.geometry.bounded_quadratic import bounded_minimum
from headform.geometry.rotation import rotation_from_rotvec
from headform.geometry.similarity import Similarity
from headform.kernels.jit import njit
from headform.registration.shape_models import ShapeModel


@dataclass(frozen=True, eq=False)
class Planes:
    """Planes that points of the head are pulled onto.

    Attributes:
        corners: (N, 3) vertices that each point is a combination of, indices into the model's `mean`.
        weights: (N, 3) barycentric; or with sum 0 for a difference between points, which a translation does not move.
        normal: (N, 3) unit, frame of the surface.
        offset: (N,) normal . p, meters.
        stiffness: (N,) weight of the squared distance, 1 / meters^2.
    """

    corners: Int[np.ndarray, "N 3"]
    weights: Float64[np.ndarray, "N 3"]
    normal: Float64[np.ndarray, "N 3"]
    offset: Float64[np.ndarray, " N"]
    stiffness: Float64[np.ndarray, " N"]


@dataclass(frozen=True, eq=False)
class PlacedShape:
    """Estimate of all unknowns.

    Attributes:
        coefficients: (K,) identity, then expression.
        similarity: Transform from the head's frame to that of the surface, meters.
    """

    coefficients: Float64[np.ndarray, " K"]
    similarity: Similarity


def joined(parts: list[Planes]) -> Planes:
    """Concatenate several sets of planes."""
    fields = (
        [p.corners for p in parts],
        [p.weights for p in parts],
        [p.normal for p in parts],
        [p.offset for p in parts],
        [p.stiffness for p in parts],
    )
    corners, weights, normal, offset, stiffness = (np.concatenate(f) for f in fields)
    return Planes(corners, weights, normal, offset, stiffness)


def points_as_planes(
    corners: Int[np.ndarray, "N 3"],
    weights: Float64[np.ndarray, "N 3"],
    targets: Float64[np.ndarray, "N 3"],
    stiffness: Float64[np.ndarray, " N"],
) -> Planes:
    """Targets that points are to meet, each as three planes across the axes."""
    return Planes(
        corners=np.repeat(corners, 3, axis=0),
        weights=np.repeat(weights, 3, axis=0),
        normal=np.tile(np.eye(3), (len(targets), 1)),
        offset=np.ascontiguousarray(targets, np.float64).reshape(-1),
        stiffness=np.repeat(stiffness, 3),
    )


def mixed(
    rows: Float64[np.ndarray, "R 3"],
    corners: Int[np.ndarray, "N 3"],
    weights: Float64[np.ndarray, "N 3"],
) -> Float64[np.ndarray, "N 3"]:
    """Barycentric mixtures of vertices."""
    return np.asarray((rows[corners] * weights[..., None]).sum(axis=1))


def residuals(
    model: ShapeModel, shape: PlacedShape, planes: Planes
) -> tuple[Float64[np.ndarray, " N"], Float64[np.ndarray, "N P"]]:
    """Signed distances to the planes, meters, and their derivatives by the P unknowns of the module's head."""
    to = shape.similarity
    own = mixed(model.positions(shape.coefficients), planes.corners, planes.weights)
    total = planes.weights.sum(axis=1)[:, None]
    placed = to.scale * (own @ to.R.T) + total * to.t
    normal = planes.normal
    arm = placed - total * pivot(model, shape)
    num = len(shape.coefficients)
    out = np.zeros((len(normal), num + 7))
    turned = to.scale * (normal @ to.R)  # s R^T n, a row each
    _shape_rows(planes.corners, planes.weights, turned, model.basis, out)
    out[:, num : num + 3] = np.cross(arm, normal)
    out[:, num + 3 : num + 6] = total * normal
    out[:, num + 6] = (arm * normal).sum(axis=1)
    return (placed * normal).sum(axis=1) - planes.offset, out


@njit(cache=True, nogil=True)
@typing.no_type_check
def _shape_rows(corners, weights, turned, basis, out):
    """out[n, k] = sum over corners c and axes a of weights[n, c] turned[n, a] basis[a, corners[n, c], k]."""
    count = basis.shape[2]
    for n in range(corners.shape[0]):
        for c in range(3):
            if weights[n, c] == 0.0:
                continue
            at = corners[n, c]
            x, y, z = (
                weights[n, c] * turned[n, 0],
                weights[n, c] * turned[n, 1],
                weights[n, c] * turned[n, 2],
            )
            for k in range(count):
                out[n, k] += x * basis[0, at, k] + y * basis[1, at, k] + z * basis[2, at, k]


def pivot(model: ShapeModel, shape: PlacedShape) -> Float64[np.ndarray, "3"]:
    """The point about which a step turns and scales: the middle of the placed mean shape."""
    return shape.similarity.apply(model.mean[model.region].mean(axis=0))


def plane_step(model: ShapeModel, shape: PlacedShape, planes: Planes, *, scale: bool) -> PlacedShape:
    """Compute the estimate after one step; see the module docstring.

    Args:
        model: The head's region.
        shape: Estimate to linearize at.
        planes: At least as many as determine the placement.
        scale: True if the scale is unknown, too.
    """
    distance, rows = residuals(model, shape, planes)
    num = len(shape.coefficients)
    root = np.sqrt(planes.stiffness)
    rows *= root[:, None]
    matrix, right = rows.T @ rows, -(rows.T @ (root * distance))
    matrix[np.arange(num), np.arange(num)] += model.precision
    right[:num] -= model.precision * shape.coefficients
    lower, upper = np.full(num + 7, -np.inf), np.full(num + 7, np.inf)
    lower[:num], upper[:num] = model.lower - shape.coefficients, model.upper - shape.coefficients
    known = np.arange(num + (7 if scale else 6))
    matrix = matrix[np.ix_(known, known)]
    diagonal = np.diag(matrix).copy()
    matrix[known, known] += 1e-12 * np.maximum(diagonal, diagonal.max())
    step = np.zeros(num + 7)
    step[known] = bounded_minimum(matrix, right[known], lower[known], upper[known])
    old, center = shape.similarity, pivot(model, shape)
    turn, factor = rotation_from_rotvec(step[num : num + 3]), float(np.exp(step[num + 6]))
    moved = Similarity(
        old.scale * factor,
        turn @ old.R,
        factor * (turn @ (old.t - center)) + center + step[num + 3 : num + 6],
    )
    coefficients = np.clip(shape.coefficients + step[:num], model.lower, model.upper)
    return PlacedShape(coefficients, moved)
