"""Confidence in a result, and the reasons to doubt it."""

from dataclasses import dataclass
from typing import Literal

from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.pipeline.unseen import Unseen

UNSURE_SIGMA = 0.05
"""Relative sigma of the 68 points above which a result is marked low_confidence."""
UNSURE_APART = 0.035
"""Mean distance of the committee's members from their mean, in units of the face's size, above which a result is marked
low_confidence. On 815 openly licensed portraits the median is 0.010 and the maximum 0.026."""
UNSURE_RESIDUAL = 3.0
"""Residual of the fit, standard deviations, above which the head is considered not to fit the landmarks."""

ERROR_FACTOR, SIGMA_POWER, APART_POWER = 13.9, 0.56, 1.06
"""Expected mean error of the 68 points: factor * sigma^p * apart^q / share that is seen, all in units of the face's size,
sigma the relative one. The three were fitted to 247 whole, covered and cut faces whose errors are known;
`python -m benchmarks.confidence_fit` draws other covers over the same faces and finds 13.5, 0.48 and 1.13. The share that is
seen is imposed: those faces would be ordered a little better without it (rank correlation 0.90 for 0.88), but points that no
network saw are guesses, however well the networks agree."""
HALF_ERROR, ERROR_POWER = 0.025, 3
"""Expected error at which the confidence is a half, and how steeply it falls there. Whole portraits have 0.005 to 0.01."""
UNSURE_ERROR = 0.05
"""Expected error above which a result without another reason is marked low_confidence. Of 120 whole faces and portraits none
without another reason comes to more than 0.04."""
TYPICAL_APART = 0.7
"""Median ratio of the members' distance to sigma on the same faces, taken where there is no committee."""


@dataclass(frozen=True)
class Assessment:
    """Trust in a result.

    Attributes:
        confidence: 0 to 1.
        status: ``low_confidence`` for results that should be checked.
        reasons: reasons for doubt, one clause each. A face of which little is not seen is ``ok`` with a reason.
    """

    confidence: float
    status: Literal["ok", "low_confidence"]
    reasons: tuple[str, ...]


def assess_confidence(
    prediction: DensePrediction, rms_sigma: float, apart: float, unseen: Unseen | None = None
) -> Assessment:
    """Compute the confidence in [0, 1], the status and the reasons to doubt a result.

    Args:
        prediction: prediction of the dense network.
        rms_sigma: residual of the fit, in standard deviations.
        apart: distance of the committee's members from their mean, in units of the face's size; 0 without a committee.
        unseen: points that the photo does not show; none if None.
    """
    spread = prediction.relative_sigma
    unseen = unseen or Unseen()
    error = expected_error(spread, apart, unseen.share)
    confidence = 1 / (1 + (error / HALF_ERROR) ** ERROR_POWER)
    reasons = []
    if spread > UNSURE_SIGMA:
        reasons.append(f"the landmarks are uncertain: sigma is {100 * spread:.1f} % of the face size")
    if apart > UNSURE_APART:
        reasons.append(f"the landmark networks disagree by {100 * apart:.1f} % of the face size")
    if rms_sigma > UNSURE_RESIDUAL:
        confidence *= 0.5
        reasons.append(f"the head does not fit the landmarks: the residual is {rms_sigma:.1f} sigma")
    if error > UNSURE_ERROR and not reasons and not unseen.is_doubtful:
        reasons.append(f"the landmarks are uncertain: their expected error is {100 * error:.1f} % of the face size")
    doubtful = bool(reasons) or unseen.is_doubtful
    return Assessment(confidence, "low_confidence" if doubtful else "ok", (*unseen.reasons(), *reasons))


def expected_error(spread: float, apart: float, unseen_share: float) -> float:
    """Return the expected mean error of the 68 points, in units of the face's size.

    Args:
        spread: relative sigma of the dense network's 68 points.
        apart: distance of the committee's members from their mean, in units of the face's size; 0 without a committee.
        unseen_share: share of the points that are outside or covered.
    """
    apart = apart or TYPICAL_APART * spread
    seen = max(1.0 - unseen_share, 1e-3)
    return ERROR_FACTOR * spread**SIGMA_POWER * apart**APART_POWER / seen
