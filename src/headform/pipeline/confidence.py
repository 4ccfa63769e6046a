"""Confidence in a result, and the reasons to doubt it."""

import math
from dataclasses import dataclass
from typing import Literal

from headform.nets.landmarks.dense_predictor import DensePrediction
from headform.pipeline.unseen import Unseen

UNSURE_SIGMA = 0.05
"""Relative sigma of the 68 points above which a result is marked low_confidence."""
SIGMA_WIDTH = 0.012
"""Relative sigma over which the confidence falls from 73 % to 27 % about `UNSURE_SIGMA`."""
UNSURE_APART = 0.035
"""Mean distance of the committee's members from their mean, in units of the face's size, above which a result is marked
low_confidence. On 815 openly licensed portraits the median is 0.010 and the maximum 0.026."""
UNSURE_RESIDUAL = 3.0
"""Residual of the fit, standard deviations, above which the head is considered not to fit the landmarks."""


UNSEEN_HALF = 0.25
"""Share of the 68 points outside or covered that halves the confidence."""


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
    confidence = 1 / (1 + math.exp((spread - UNSURE_SIGMA) / SIGMA_WIDTH))
    reasons = []
    if spread > UNSURE_SIGMA:
        reasons.append(f"the landmarks are uncertain: sigma is {100 * spread:.1f} % of the face size")
    if apart > UNSURE_APART:
        confidence *= 0.5
        reasons.append(f"the landmark networks disagree by {100 * apart:.1f} % of the face size")
    if rms_sigma > UNSURE_RESIDUAL:
        confidence *= 0.5
        reasons.append(f"the head does not fit the landmarks: the residual is {rms_sigma:.1f} sigma")
    unseen = unseen or Unseen()
    confidence /= 1 + (unseen.share / UNSEEN_HALF) ** 2
    doubtful = bool(reasons) or unseen.is_doubtful
    return Assessment(confidence, "low_confidence" if doubtful else "ok", (*unseen.reasons(), *reasons))
