"""Errors of 68 points divided by one of three sizes, and the curve of cumulative errors. N faces."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from headform.evaluate.landmarks68.pose import PoseError
from headform.geometry.landmarks68 import LEFT_EYE, RIGHT_EYE, outer_eye_distance

AREA_AT = (0.07, 0.08)
"""Limits of the area under the curve: AFLW2000-3D papers use 7 % of the box, 300-W papers 8 % of the eye distance."""
FAILURE_AT = (0.08, 0.10)
"""Errors above which a face has failed."""


@dataclass(frozen=True)
class FaceScore:
    """Score of one annotated face.

    Attributes:
        photo: Its file.
        set: Its data set.
        error: Mean 68-point distance over sqrt(box area), a fraction; None for a missed face.
        inner_error: The same over the 51 points that are not on the jaw line.
        outer_eyes_error: Error over the distance of the outer eye corners; also None where that is 0.
        pupils_error: Error over the distance of the eye centers; also None where that is 0.
        yaw: True yaw in degrees, None where it is not known.
        pose: Error of the rotation, None where the true or the predicted one is not known.
        ground_truth: Name of the annotation.
    """

    photo: str
    set: str
    error: float | None
    inner_error: float | None
    outer_eyes_error: float | None = None
    pupils_error: float | None = None
    yaw: float | None = None
    pose: PoseError | None = None
    ground_truth: str = ""


@dataclass(frozen=True)
class FaceSizes:
    """Sizes that errors are divided by, pixels.

    Attributes:
        box: Root of width times height of the upright box about the true points (Zhu et al. 2016; AFLW2000-3D).
        outer_eyes: Distance of the outer eye corners, points 37 and 46 as iBUG counts (300-W, Sagonas et al. 2013).
        pupils: Distance of the middles of both eyes' six points (older 300-W papers).
    """

    box: float
    outer_eyes: float
    pupils: float


@dataclass(frozen=True)
class CumulativeError:
    """Cumulative error of all annotated faces; those without a prediction count as failed.

    Attributes:
        area: Area under the curve of cumulative errors up to each of `AREA_AT`, over that length: 1 is perfect. It is
            exact, the mean of max(0, 1 - error / cut), not summed over steps.
        failed: Share of faces with an error above each of `FAILURE_AT`.
    """

    area: tuple[float, ...]
    failed: tuple[float, ...]


def face_sizes(true: Float[np.ndarray, "68 2"]) -> FaceSizes:
    """Sizes of an annotated face.

    Raises:
        ValueError: when the points span no area. An eye distance may be 0 (both corners on each other in a full profile).
    """
    box = float(np.sqrt(np.prod(np.ptp(true, axis=0))))
    if not box > 0:
        raise ValueError("the true points span no area")
    eyes = true[RIGHT_EYE].mean(axis=0) - true[LEFT_EYE].mean(axis=0)
    return FaceSizes(box, outer_eye_distance(true), float(np.linalg.norm(eyes)))


def cumulative_error(errors: Sequence[float], missed: int) -> CumulativeError | None:
    """Area and failures over found and missed faces; None without any face.

    Args:
        errors: Fractions, of the faces that were found.
        missed: Number of faces without a prediction.
    """
    total = len(errors) + missed
    if not total:
        return None
    found = np.asarray(errors, np.float64)
    area = tuple(float(np.clip(1 - found / cut, 0, None).sum() / total) for cut in AREA_AT)
    failed = tuple(float(((found > limit).sum() + missed) / total) for limit in FAILURE_AT)
    return CumulativeError(area, failed)


YAW_BINS = ((0.0, 30.0), (30.0, 60.0), (60.0, 90.0))
"""Bins of |yaw| in degrees of AFLW2000-3D; an edge belongs to the lower bin, as in 3DDFA's benchmark."""


def yaw_bin(yaw: float) -> int:
    """Index of the bin of a signed yaw in degrees; what is beyond 90 goes to the last."""
    return int(abs(yaw) > YAW_BINS[0][1]) + int(abs(yaw) > YAW_BINS[1][1])
