"""Another head model fitted to the points of a photo, from the open head's result of the same photo.

V vertices, N points, K identity and L expression coefficients.

Two steps. First the head takes the shape that the open head has in the photo: corresponding surface points are to lie on the
open head's tangent planes, and loosely at its points, under the model's own prior (`_plane_step`). Then the points that the
networks read in the photo are fitted by the model's own coefficients (`fit.points`), about the result of the first step.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, Int

from headform.fit.gaps import Gaps
from headform.fit.head_points import PointModel
from headform.fit.points import PointPriors, fit_points
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.similarity import Similarity
from headform.heads.flame.head import FlameHead
from headform.heads.linear import PARTS, LinearHead
from headform.kernels.blas_threads import one_blas_thread
from headform.mesh.normals import vertex_normals
from headform.pipeline.face_fit import ObservedPoints
from headform.pipeline.reconstruction import Reconstruction
from headform.registration._plane_step import PlacedShape, Planes, joined, plane_step, points_as_planes
from headform.registration.carried import CarriedHead, SurfacePlaces
from headform.registration.expression_range import ExpressionRange, jaw_chord
from headform.registration.shape_models import ShapeModel
from headform.registration.surface import Border

_MOST_VERTICES = 2500
"""Vertices of the face that take part in the first step, spread evenly."""
_SURFACE_SIGMA, _ALONG_SIGMA = 0.0007, 0.003
"""Standard deviations of a point from the open head's surface, across and along it, meters."""
_BEYOND_FACE = 4.0
"""Factor on these outside of the face, where the open head itself is guessed."""
_INDEPENDENT = 300.0
"""Number of independent points that all vertices together count as."""
_ROUNDS = 6
IDENTITY_SIGMA, _EXPRESSION_SHARE = 0.10, 0.5
"""Standard deviation of identity about the first step, and that of expression as a part of its prior's: errors of points are
correlated and must not bend the face (`pipeline.face_fit`). Of six synthetic portraits, Surrey's points lay 3.26 mm from the
truth after the first step, 3.34 mm after the second with 0.15 (the open head's 2.64 mm, the mean face's 5.05 mm)."""
_INFLATION = 16.0
"""Factor on the variance of the points, as in the fit of the open head."""


@dataclass(frozen=True, eq=False)
class PhotoShape:
    """Coefficients and camera of another head in a photo.

    Attributes:
        identity: Standard deviations.
        expression: In the model's own measure; FLAME's jaw is the last one.
        camera: Camera of the photo from this head's frame.
        surface_rms_mm: Root mean square distance to the open head's surface after the first step, millimeters.
        rms_sigma: Root mean square of |residual| / standard deviation of the points.
    """

    identity: Float64[np.ndarray, " K"]
    expression: Float64[np.ndarray, " L"]
    camera: PerspectiveCamera
    surface_rms_mm: float
    rms_sigma: float


class PhotoPointFitter:
    """Fit of one head model to the points of photos; gathers the model's rows once."""

    def __init__(self, carried: CarriedHead, source: LinearHead, observed: SurfacePlaces) -> None:
        """Gather the rows.

        Args:
            carried: The head with the open head's annotations.
            source: The open head.
            observed: The N observed points on this head (`CarriedHead.places`).
        """
        self.head, self.source, self.observed = carried.head, source, observed
        self.range = ExpressionRange.of(carried.head)
        on = carried.on_open
        own_eye = carried.dressed.part.numpy() >= PARTS.index("eye_right")
        face = on.known & carried.dressed.regions["face"].numpy() & ~own_eye
        self._rows = np.concatenate([_spread(np.flatnonzero(face), _MOST_VERTICES),
                                     _spread(np.flatnonzero(on.known & ~face & ~own_eye), _MOST_VERTICES // 3)])  # fmt: skip
        self._on_open = SurfacePlaces(on.corners[self._rows], on.weights[self._rows], on.known[self._rows])
        self._sigma_factor = np.where(face[self._rows], 1.0, _BEYOND_FACE)
        self._share = min(1.0, _INDEPENDENT / max(1, int(face[self._rows].sum())))
        self._surface_model = _rows_model(carried.head, self._rows, self.range)
        self._point_model = point_rows(carried.head, observed, more=int(self.range.jaw))

    def fit(self, result: Reconstruction, seen: ObservedPoints) -> PhotoShape:
        """Fit the model to one face.

        Args:
            result: The open head's result.
            seen: The networks' points of the same face.
        """
        jaw = 0.0
        with one_blas_thread():
            for _ in range(2 if self.range.jaw else 1):
                self._open_jaw(jaw)
                shape, rms = self._on_surface(result)
                jaw = float(shape.coefficients[-1]) if self.range.jaw else 0.0
            return self._on_points(shape, rms, result, seen)

    def _open_jaw(self, jaw: float) -> None:
        """Write the motion of FLAME's jaw, about an angle, into the last column of both bases."""
        if isinstance(self.head, FlameHead):
            chord = jaw_chord(self.head, jaw)
            self._surface_model.basis[..., -1] = chord[self._rows].T
            self._point_model.basis[..., -1] = self.observed.of(chord).T

    def _on_surface(self, result: Reconstruction) -> tuple[PlacedShape, float]:
        """Fit the rows to the open head as it is in the photo, with its eyes looking ahead."""
        code = (torch.from_numpy(np.asarray(v)).float() for v in (result.identity, result.expression))
        posed = self.source.vertices(*code).double().numpy()
        normals = self._on_open.of(vertex_normals(posed, self.source.faces.numpy()))
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        targets = self._on_open.of(posed)
        model = self._surface_model
        corners = np.repeat(np.arange(len(self._rows))[:, None], 3, axis=1)
        weights = np.tile([1.0, 0.0, 0.0], (len(corners), 1))
        across = self._share / (_SURFACE_SIGMA * self._sigma_factor) ** 2
        along = self._share / (_ALONG_SIGMA * self._sigma_factor) ** 2
        planes = joined([
            Planes(corners, weights, normals, (normals * targets).sum(axis=1), across),
            points_as_planes(corners, weights, targets, along),
        ])  # fmt: skip
        start = np.clip(np.zeros(len(model.lower)), model.lower, model.upper)
        shape = PlacedShape(start, Similarity(1.0, np.eye(3), (targets - model.mean).mean(axis=0)))
        for _ in range(_ROUNDS):
            shape = plane_step(model, shape, planes, scale=False)
        gap = ((shape.similarity.apply(model.positions(shape.coefficients)) - targets) * normals).sum(axis=1)
        return shape, 1000 * float(np.sqrt(np.mean(gap[self._sigma_factor == 1.0] ** 2)))

    def _on_points(
        self,
        shape: PlacedShape,
        rms: float,
        result: Reconstruction,
        seen: ObservedPoints,
    ) -> PhotoShape:
        """Fit the photo's points about the shape found."""
        to, camera = shape.similarity, result.camera
        identity, expression = np.split(shape.coefficients, [len(self.head.identity)])
        priors = PointPriors(
            identity_sigma=IDENTITY_SIGMA,
            expression_precision=np.diag((_EXPRESSION_SHARE * self.range.sigma) ** -2.0),
            expression_bounds=(self.range.lower, self.range.upper),
            inflation=_INFLATION,
        )
        found = fit_points(
            self._point_model,
            seen.points,
            np.where(self.observed.known, seen.sigma, np.inf),
            image_size=result.image_size,
            gaps=self._gaps(seen.gaps),
            identity_prior=identity,
            expression_prior=expression,
            rotation_init=camera.R @ to.R,
            focal_px=float(camera.K[0, 0]),
            priors=priors,
        )
        return PhotoShape(found.identity, found.expression, found.camera, rms, found.rms_sigma)

    def inflated(self, seen: ObservedPoints) -> Float64[np.ndarray, " N"]:
        """Standard deviations of the points as `fit.points` takes them, pixels; infinite where it has no such place."""
        priors = PointPriors(inflation=_INFLATION)
        used = self.observed.known & np.isfinite(seen.sigma)
        extent = float(np.sqrt(np.prod(np.maximum(np.ptp(seen.points[used], axis=0), 1e-3))))
        sigma = np.maximum(seen.sigma, priors.floor * extent) * np.sqrt(priors.inflation)
        return np.where(used, sigma, np.inf)

    @property
    def point_model(self) -> PointModel:
        """Rows of the head at the observed points, with FLAME's jaw as in the last fit."""
        return self._point_model

    def _gaps(self, gaps: Gaps | None) -> Gaps | None:
        """Gaps between places that this head has; no contacts, since its lips may be one surface."""
        if gaps is None:
            return None
        known = self.observed.known[gaps.upper] & self.observed.known[gaps.lower]
        return replace(gaps, sigma=np.where(known, gaps.sigma, np.inf), contact=np.inf)


def point_rows(head: LinearHead, places: SurfacePlaces, more: int = 0) -> PointModel:
    """Gather the rows of a head at places of its surface, with `more` columns of zeros at the end."""
    weights = places.weights
    mean = np.einsum("nc,ncx->nx", weights, head.mean.double().numpy()[places.corners])
    basis = torch.cat([head.identity, head.expression])[:, places.corners].double().numpy()
    planes = np.einsum("nc,kncx->xnk", weights, basis)
    padded = np.pad(planes, ((0, 0), (0, 0), (0, more)))
    return PointModel(mean, np.ascontiguousarray(padded), len(head.identity))


def _rows_model(head: LinearHead, rows: Int[np.ndarray, " R"], span: ExpressionRange) -> ShapeModel:
    """The chosen vertices as a linear function of the coefficients; without triangles, which plane steps do not need."""
    basis = torch.cat([head.identity, head.expression])[:, rows].double().numpy().transpose(2, 1, 0)
    num = len(head.identity)
    free = np.full(num, np.inf)
    nothing = np.zeros((0, 3), np.int64)
    return ShapeModel(
        mean=head.mean.double().numpy()[rows],
        basis=np.ascontiguousarray(np.pad(basis, ((0, 0), (0, 0), (0, int(span.jaw))))),
        faces=nothing,
        border=Border(nothing.astype(bool), np.zeros(len(rows), bool)),
        region=np.ones(len(rows), bool),
        landmark_corners=nothing,
        landmark_weights=np.zeros((0, 3)),
        precision=np.concatenate([np.ones(num), span.sigma**-2.0]),
        lower=np.concatenate([-free, span.lower]),
        upper=np.concatenate([free, span.upper]),
        num_identity=num,
    )


def _spread(rows: Int[np.ndarray, " R"], most: int) -> Int[np.ndarray, " r"]:
    if len(rows) <= most:
        return rows
    return np.asarray(rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)])
