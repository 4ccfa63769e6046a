"""Points of a head that a fit uses, gathered once per head.

N points, C corners of each, K coefficients.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.heads.linear import PARTS, LinearHead


@dataclass(frozen=True)
class PointModel:
    """Rows of a linear head at the fitted points.

    Attributes:
        mean: Mean positions, meters, head frame.
        basis: Displacement per coefficient (identity first, then expression), meters; laid out as
            x, y, z planes so that each is one contiguous (N, K) matrix.
        num_identity: Number I of identity coefficients among the K = I + E.
    """

    mean: Float[np.ndarray, "N 3"]
    basis: Float[np.ndarray, "3 N K"]
    num_identity: int

    def positions(self, coefficients: Float[np.ndarray, " K"]) -> Float[np.ndarray, "N 3"]:
        """Compute the points of the head with these coefficients, meters, head frame."""
        return self.mean + (self.basis @ coefficients).T


@dataclass(frozen=True)
class SurfacePoints:
    """Points on a head's surface.

    Attributes:
        vertices: Vertices of the triangle that holds each point.
        weights: Barycentric weights in that triangle.
    """

    vertices: Int[np.ndarray, "N 3"]
    weights: Float[np.ndarray, "N 3"]


def point_model(head: LinearHead, surface: SurfacePoints | None = None) -> PointModel:
    """Gather the rows of `head` at its dense points, followed by those of other points of its surface.

    Points on the eyeballs depend on identity only: in a fit, `eyeLook*` moves the lids and gaze is separate.

    Args:
        head: Head model.
        surface: Other points, such as a third-party network's.
    """
    corners = head.dense.numpy()[:, None]
    weights = np.ones((len(corners), 1))
    parts = [_rows(head, corners, weights)]
    if surface is not None:
        parts.append(_rows(head, surface.vertices, surface.weights))
    mean = np.concatenate([mean for mean, _ in parts])
    planes = np.concatenate([planes for _, planes in parts], axis=1)
    return PointModel(mean, np.ascontiguousarray(planes), len(head.identity))


def _rows(
    head: LinearHead, corners: Int[np.ndarray, "N C"], weights: Float[np.ndarray, "N C"]
) -> tuple[Float[np.ndarray, "N 3"], Float[np.ndarray, "3 N K"]]:
    """Compute mean positions and basis planes of points given by corners and weights."""
    mean = np.einsum("nc,ncx->nx", weights, head.mean[corners].numpy().astype(np.float64))
    basis = np.concatenate([head.identity[:, corners].numpy(), head.expression[:, corners].numpy()])
    eyes = [PARTS.index("eye_right"), PARTS.index("eye_left")]
    on_eye = np.isin(head.part[corners[:, 0]].numpy(), eyes)
    basis[len(head.identity) :, on_eye] = 0
    return mean, np.einsum("nc,kncx->xnk", weights, basis.astype(np.float64))
