"""Learn where annotators put the 68 points, as an offset on the head.

The vertices that stand for the 68 points differ systematically from where people (and networks that
learned from them) click: they follow the silhouette, the lid's edge, the lip's border. The
difference is modelled as one 3D offset per point in the head frame. It must come from photos that
no result is measured on. S samples, V vertices, N dense
points.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Shaped

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import MIRROR68
from headform.heads.linear import LinearHead

LARGEST = 0.008
"""Metres; a longer offset would be another point of the face, not another convention."""


class FittedFace(Protocol):
    """What is needed of a `Reconstruction`."""

    @property
    def vertices(self) -> Float[np.ndarray, "V 3"]:
        """The fitted head with its expression, metres, head frame."""

    @property
    def camera(self) -> PerspectiveCamera:
        """The fitted camera."""

    @property
    def dense(self) -> Float[np.ndarray, "N 2"]:
        """The network's dense points, pixels; the first 68 are iBUG's, without an offset."""


@dataclass(frozen=True)
class ConventionSample:
    """One face whose 68 points are known from two sides.

    Attributes:
        vertices: (V, 3) fitted head with its expression, metres, head frame.
        camera: The fitted camera, pixels of the photo.
        reference: (68, 2) where the reference puts the points, pixels, origin at the corner; rows
            of NaN are left out.
        seen: (68, 2) where the head's own points are seen, pixels; None for the fitted vertices
            projected. To be given where results place the offset on other points than those.
    """

    vertices: Float[np.ndarray, "V 3"]
    camera: PerspectiveCamera
    reference: Float[np.ndarray, "68 2"]
    seen: Float[np.ndarray, "68 2"] | None = None


def learn_offset(
    head: LinearHead,
    samples: Sequence[ConventionSample],
    *,
    ridge: float = 4.0,
    outlier: float = 0.004,
    largest_yaw: float = 40.0,
    iterations: int = 20,
) -> Float64[np.ndarray, "68 3"]:
    """The offset of each point, mirror-symmetric, by robust ridge least squares.

    Per point k, over the samples i, minimises

        sum_i  c^2 log(1 + |J_ik o - r_ik|^2 / c^2)  +  ridge |o|^2

    where r is the residual of the reference in metres at the point's depth, J the derivative of the
    projection in the same unit, and c the width of the Cauchy robustifier. A point and its mirror
    image share one offset up to the sign of x, so each gives evidence for the other. The ridge
    counts in samples: it holds back what few photos or one direction of view cannot tell (depth).

    Args:
        head: The head; its present `landmark_offset` is not used.
        samples: Fitted faces, none of which is used to measure results.
        ridge: Weight of the prior, in samples.
        outlier: c, metres.
        largest_yaw: Degrees; on faces turned further the jaw's far half is a silhouette and carries
            no information on a fixed point.
        iterations: Of reweighting.

    Returns:
        (68, 3) metres, head frame, to be added to `head.landmarks(..., offset=False)`; none longer
        than `LARGEST`.

    Raises:
        ValueError: when no sample is within `largest_yaw`.
    """
    frontal = [s for s in samples if abs(yaw_degrees(s.camera)) <= largest_yaw]
    if not frontal:
        raise ValueError(f"none of {len(samples)} faces is within {largest_yaw} degrees of yaw")
    equations = [_linearised(head, sample) for sample in frontal]
    jacobians = np.stack([j for j, _ in equations])  # (S, 68, 2, 3)
    residuals = np.stack([r for _, r in equations])  # (S, 68, 2)
    known = np.isfinite(residuals).all(-1)
    residuals = np.where(known[..., None], residuals, 0.0)
    weights = known.astype(np.float64)
    offset = np.zeros((68, 3))
    for _ in range(iterations):
        offset = _solve(jacobians, residuals, weights, ridge)
        missed = np.einsum("skij,kj->ski", jacobians, offset) - residuals
        weights = known / (1 + (missed**2).sum(-1) / outlier**2)
    length = np.linalg.norm(offset, axis=1, keepdims=True)
    return np.asarray(offset * np.minimum(1.0, LARGEST / np.maximum(length, 1e-12)), np.float64)


def yaw_degrees(camera: PerspectiveCamera) -> float:
    """How far the head is turned from the camera's axis, about its own vertical, degrees."""
    axis = camera.R.T @ np.array([0.0, 0.0, -1.0])  # towards the camera, head frame
    return float(np.degrees(np.arctan2(axis[0], axis[2])))


def learn_from_photos(
    head: LinearHead,
    photos: Iterable[Shaped[np.ndarray, "H W 3"]],
    reconstruct: Callable[[np.ndarray], Sequence[FittedFace]],
    reference: Callable[[np.ndarray, np.ndarray], Float[np.ndarray, "68 2"]],
) -> tuple[Float64[np.ndarray, "68 3"], int]:
    """Fit every face of some photos, ask the reference for its points, learn the offset.

    Args:
        head: The head that `reconstruct` fits.
        photos: Upright sRGB pictures; none may belong to a set that results are measured on, and
            both the photos and the reference must be free to make a product from.
        reconstruct: The photo's fitted faces.
        reference: Given the photo and the face's own 68 points (pixels, without an offset) for its
            crop, the (68, 2) points by the convention that is to be learned.

    Returns:
        The offset (68, 3) in metres, and the number of faces it was learned from.

    Raises:
        ValueError: when no usable face was found.
    """
    samples = []
    for rgb in photos:
        for face in reconstruct(rgb):
            seen = np.asarray(face.dense[:68], np.float64)
            points = np.asarray(reference(rgb, seen), np.float64)
            samples.append(ConventionSample(face.vertices, face.camera, points, seen))
    return learn_offset(head, samples), len(samples)


def _surface_points(
    head: LinearHead, vertices: Float[np.ndarray, "V 3"]
) -> Float64[np.ndarray, "68 3"]:
    points = head.landmarks(torch.as_tensor(vertices), offset=False)
    return np.asarray(points.double().numpy(), np.float64)


def _linearised(
    head: LinearHead, sample: ConventionSample
) -> tuple[Float64[np.ndarray, "68 2 3"], Float64[np.ndarray, "68 2"]]:
    """Jacobian (no unit) and residual (metres) of the 68 points, scaled by depth over focal."""
    points = _surface_points(head, sample.vertices)
    camera = sample.camera
    inside = camera.to_camera(points)
    depth = inside[:, 2]
    fx, fy = camera.K[0, 0], camera.K[1, 1]
    derivative = np.zeros((68, 2, 3))
    derivative[:, 0, 0], derivative[:, 1, 1] = fx / depth, fy / depth
    derivative[:, 0, 2] = -fx * inside[:, 0] / depth**2
    derivative[:, 1, 2] = -fy * inside[:, 1] / depth**2
    metres_per_pixel = depth / np.sqrt(fx * fy)
    seen = camera.project(points)[:, :2] if sample.seen is None else sample.seen
    residual = (sample.reference - seen) * metres_per_pixel[:, None]
    jacobian = derivative @ camera.R * metres_per_pixel[:, None, None]
    return np.asarray(jacobian, np.float64), np.asarray(residual, np.float64)


def _solve(
    jacobians: Float64[np.ndarray, "S 68 2 3"],
    residuals: Float64[np.ndarray, "S 68 2"],
    weights: Float64[np.ndarray, "S 68"] | Bool[np.ndarray, "S 68"],
    ridge: float,
) -> Float64[np.ndarray, "68 3"]:
    """One weighted ridge solution for all points, each pooled with its mirror image."""
    flip = np.array([-1.0, 1.0, 1.0])
    normal = np.einsum("sk,skia,skib->kab", weights, jacobians, jacobians)
    right = np.einsum("sk,skia,ski->ka", weights, jacobians, residuals)
    # Points 27 to 30 and others on the middle line are their own mirror image: x comes out 0.
    normal = normal + flip[:, None] * normal[MIRROR68] * flip
    right = right + flip * right[MIRROR68]
    solution = np.linalg.solve(normal + ridge * np.eye(3), right[..., None])[..., 0]
    return np.asarray(solution, np.float64)
