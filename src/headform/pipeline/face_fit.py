"""Fit of a head to one face, combining the predictions of all networks.

V vertices, K identity modes, E expressions, N points of the fit. Pixels have their origin at the top-left corner of the
upright photo.

With the committee, the fit uses the dense network's points where it is more accurate (the head as a whole) and MediaPipe's
points everywhere; lids, lips and brows follow MediaPipe almost alone while it sees the face well. Lids and lips also enter
as pairs of points with a gap. Without the committee, the fit uses the dense network's points alone, and a student's openings
of lids and lips as gaps.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32

from headform.errors import UsageError
from headform.fit.gaps import Gaps
from headform.fit.gaze import fit_gaze, gaze_rotation
from headform.fit.head_points import SurfacePoints, point_model
from headform.fit.points import PointFit, PointPriors, fit_points
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import BROWS, INNER_LIP_PAIRS, LEFT_EYE, MOUTH, RIGHT_EYE, eyes_and_mouth
from headform.geometry.mediapipe478 import (
    IRIS_LEFT,
    IRIS_RIGHT,
    LID_PAIRS,
    LIP_PAIRS,
    SURFACE,
)
from headform.heads.linear import PARTS, LinearHead
from headform.kernels.blas_threads import one_blas_thread
from headform.nets.landmarks.committee import CommitteeReading
from headform.nets.landmarks.committee_calibration import Calibration
from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.nets.landmarks.student_net import OPENING_PAIRS
from headform.nets.landmarks.student_predictor import StudentPrediction

OWN_PRIORS = PointPriors(identity_sigma=0.15)
"""Priors of the fit to the dense network alone. Errors of the landmarks are correlated, so they must not pull the identity
far from the identity network's: on 99 synthetic faces a sigma of 0.7 left an identity error of 112 % of the mean head's,
0.35 92 %, 0.2 84 %, 0.1 82 %, the network alone 81 %."""
COMMITTEE_PRIORS = PointPriors(identity_sigma=0.10, inflation=16.0)
"""Priors of the fit to all points; the precision of the expression comes with the calibration. On 200 synthetic faces the
identity error is 2.10 mm (2.12 with the dense network alone), the expression error 0.19 (0.19), the error of the lip gap
1.6 mm (2.9) and of the lid gap 1.5 mm (2.5). An isotropic prior loose enough to close the lips gave an expression error of
0.30, exposed gums and teeth through the lips."""
_KEPT_SIGMA = 1e-4
"""Standard deviation of an identity that is kept: what remains of its changes is below 0.001 mm."""
GAZE_SIGMA = 0.15
"""Standard deviation of the dense network's gaze, radians."""
SHUT = 0.010
"""Opening of an eye, in units of the face's size (1.5 mm), at which the standard deviation of its iris is twice that of an
open eye."""
_DOUBT = 6.0
"""Factor on the dense network's standard deviations around lids, lips and brows while MediaPipe sees the face well."""
_LIP_PAIR_OF_68 = (0, 2, 4)
"""Indices of MediaPipe's lip pairs at the positions of the head's own pairs (`INNER_LIP_PAIRS`)."""
_EYE_RADIUS, _BROW_RADIUS = 0.021, 0.007  # meters, around the middle of an eye and around a brow point
_MOUTH_HALF = np.array([0.032, 0.017])  # meters, half width and height of the lips' box


@dataclass(frozen=True)
class FittedHead:
    """Fit of a face, and the resulting head.

    Attributes:
        fit: coefficients and camera.
        gaze: yaw to the subject's left and pitch up, radians.
        neutral: vertices with identity only, meters, head frame.
        vertices: vertices with identity, expression and gaze, meters, head frame.
    """

    fit: PointFit
    gaze: Float[np.ndarray, "2"]
    neutral: Float32[np.ndarray, "V 3"]
    vertices: Float32[np.ndarray, "V 3"]

    @property
    def camera(self) -> PerspectiveCamera:
        """Camera of the photo."""
        return self.fit.camera


class FaceFitter:
    """Fit of one head model to the predictions of the networks."""

    def __init__(self, head: LinearHead, calibration: Calibration | None) -> None:
        """Gather the rows of the head at the fitted points.

        Args:
            head: head model with dense points.
            calibration: calibration of the committee; None for the dense network alone.

        Raises:
            UsageError: ``head_unsupported``: the calibration does not place MediaPipe's points on this head.
        """
        self.head, self.calibration = head, calibration
        dense = head.dense.numpy()
        self._priors = OWN_PRIORS
        self._on_eye = head.part.numpy()[dense] >= PARTS.index("eye_right")
        if calibration is None:
            self._model = point_model(head)
            return
        known = len(calibration.expression_precision) == len(head.expression)
        if not known or int(calibration.surface_vertices.max()) >= len(head.mean):
            raise UsageError(
                "head_unsupported",
                "the committee is not calibrated for this head",
                head.name,
                "reconstruct with --landmarks-net own, or on the open head",
            )
        self._priors = replace(COMMITTEE_PRIORS, expression_precision=calibration.expression_precision)
        corners, weights = calibration.surface_vertices, calibration.surface_weights
        surface = SurfacePoints(corners[:SURFACE], weights[:SURFACE])
        self._model = point_model(head, surface)
        self._doubted = _lids_lips_and_brows(head)
        pairs = np.array([*LID_PAIRS, *LIP_PAIRS]) + len(dense)
        self._pairs = np.concatenate([pairs, np.array(INNER_LIP_PAIRS)])

    def fit(
        self,
        prediction: DensePrediction,
        reading: CommitteeReading | None,
        identity: Float[np.ndarray, " K"] | None,
        image_size: tuple[int, int],
        *,
        keep_identity: bool = False,
    ) -> FittedHead:
        """Fit the head.

        Args:
            prediction: prediction of the dense network.
            reading: reading of the committee; used with a calibration only.
            identity: coefficients of the identity network, the prior mean of the fit.
            image_size: width and height of the photo, pixels.
            keep_identity: leave the identity as it is given.
        """
        priors = replace(self._priors, identity_sigma=_KEPT_SIGMA) if keep_identity else self._priors
        seen = self.observe(prediction, reading)
        with one_blas_thread():
            fit = fit_points(
                self._model,
                seen.points,
                seen.sigma,
                image_size=image_size,
                gaps=seen.gaps,
                identity_prior=identity,
                expression_prior=prediction.expression,
                rotation_init=prediction.rotation,
                priors=priors,
            )
        code = torch.from_numpy(fit.identity).float()
        neutral = self.head.vertices(code)
        posed = self.head.vertices(code, torch.from_numpy(fit.expression).float())
        gaze = prediction.gaze
        if seen.surface is not None:
            gaze = self._gaze(seen.surface, fit.camera, posed, gaze)
        turn = torch.from_numpy(gaze_rotation(gaze)).float()
        return FittedHead(fit, gaze, neutral.numpy(), self.head.rotate_eyes(posed, turn, turn).numpy())

    def observe(self, prediction: DensePrediction, reading: CommitteeReading | None) -> "ObservedPoints":
        """Combine the points of all networks, and the gaps of lids and lips; see the module docstring."""
        points, gaps = prediction.points, None
        sigma = np.where(self._on_eye, np.inf, prediction.sigma)
        surface: _Surface | None = None
        if self.calibration is not None and reading is not None:
            surface = _Surface.of(self.calibration, reading)
            doubt = max(1.0, _DOUBT / self.calibration.growth(reading))
            sigma = np.where(self._doubted, doubt * sigma, sigma)
            points = np.concatenate([points, surface.points[:SURFACE]])
            sigma = np.concatenate([sigma, surface.sigma[:SURFACE]])
            gaps = self._gaps(surface)
        elif isinstance(prediction, StudentPrediction):
            gaps = _gaps_of_student(prediction)
        return ObservedPoints(points, sigma, gaps, surface)

    @property
    def surface(self) -> SurfacePoints:
        """Places of the N observed points on the open head: the dense points, then MediaPipe's with a calibration."""
        corners = np.repeat(self.head.dense.numpy()[:, None], 3, axis=1)
        weights = np.tile([1.0, 0.0, 0.0], (len(corners), 1))
        if self.calibration is None:
            return SurfacePoints(corners, weights)
        more = self.calibration.surface_vertices[:SURFACE], self.calibration.surface_weights[:SURFACE]
        return SurfacePoints(np.concatenate([corners, more[0]]), np.concatenate([weights, more[1]]))

    def _gaps(self, surface: "_Surface") -> Gaps:
        rows = [*range(len(surface.gaps)), *(len(LID_PAIRS) + k for k in _LIP_PAIR_OF_68)]
        return Gaps(
            upper=self._pairs[:, 0],
            lower=self._pairs[:, 1],
            seen=surface.gaps[rows],
            sigma=surface.gap_sigma[rows],
        )

    def _gaze(
        self,
        surface: "_Surface",
        camera: PerspectiveCamera,
        posed: Float[torch.Tensor, "V 3"],
        prior: Float[np.ndarray, "2"],
    ) -> Float[np.ndarray, "2"]:
        opening = surface.gaps[: len(LID_PAIRS)].reshape(2, -1).max(1) / surface.size
        rows = (IRIS_RIGHT, IRIS_LEFT)
        sigma = np.array([surface.sigma[row].mean() for row in rows])
        names = ("eye_right", "eye_left")
        return fit_gaze(
            np.stack([self.head.eye_center(posed, name).double().numpy() for name in names]),
            posed[self.head.dense[-2:]].double().numpy(),
            camera,
            np.stack([surface.points[row].mean(0) for row in rows]),
            sigma * (1 + (SHUT / (opening + 1e-9)) ** 2),
            prior=prior,
            prior_sigma=GAZE_SIGMA,
        )


@dataclass(frozen=True)
class _Surface:
    """Surface points and gaps measured by the committee in one photo, pixels."""

    points: Float[np.ndarray, "478 2"]
    sigma: Float[np.ndarray, " 478"]
    gaps: Float[np.ndarray, " G"]
    gap_sigma: Float[np.ndarray, " G"]
    size: float  # size of the face

    @classmethod
    def of(cls, calibration: Calibration, reading: CommitteeReading) -> "_Surface":
        points, sigma = calibration.mesh_on_surface(reading)
        return cls(points, sigma, *calibration.gaps(reading), reading.frame.size)


@dataclass(frozen=True, eq=False)
class ObservedPoints:
    """Points of one face that a fit uses.

    Attributes:
        points: (N, 2) pixels, at the places of `FaceFitter.surface`.
        sigma: (N,) standard deviation of each along either axis, pixels; infinite where it is not used.
        gaps: gaps of lids and lips; None where no network measures them.
        surface: the committee's part.
    """

    points: Float[np.ndarray, "N 2"]
    sigma: Float[np.ndarray, " N"]
    gaps: Gaps | None
    surface: "_Surface | None"


def _gaps_of_student(prediction: StudentPrediction) -> Gaps:
    """Return the openings that a student measured, as pairs of dense points."""
    upper, lower = np.array(OPENING_PAIRS).T
    return Gaps(upper=upper, lower=lower, seen=prediction.openings, sigma=prediction.sigma_openings)


def _lids_lips_and_brows(head: LinearHead) -> Bool[np.ndarray, " N"]:
    """Mask the dense points around eyes, mouth and brows, where the dense network is less accurate than MediaPipe."""
    points = head.mean[head.dense].double().numpy()[:, :2]
    marks = points[:68]
    right, left, mouth = eyes_and_mouth(marks)
    near = (np.linalg.norm(points[:, None] - np.stack([right, left]), axis=2) < _EYE_RADIUS).any(1)
    near |= (np.abs(points - mouth) < _MOUTH_HALF).all(1)
    near |= (np.linalg.norm(points[:, None] - marks[BROWS], axis=2) < _BROW_RADIUS).any(1)
    near[BROWS] = near[RIGHT_EYE] = near[LEFT_EYE] = near[MOUTH] = True
    return near
