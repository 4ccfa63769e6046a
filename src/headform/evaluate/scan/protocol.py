"""The protocols by which a scan is compared with a predicted head.

| name | region of the scan | alignment of the prediction | distance to | to quote |
|---|---|---|---|---|
| `official` | NoW: 1.4 × face size | 7 points, then least squares with its stop rule | surface | median, mean, std |
| `corrected` | the same | the same but for two faults | surface | median, mean, std |
| `fg2018` | 1.2 × face size | 7 points only | surface | RMSE |
| `florence` | 95 mm around the nose tip | 7 points, then least squares to convergence | closest plane | RMSE |

`corrected` differs from `official` in this: the metrical start uses the shift that belongs to the unit (the evaluator
takes the one of the fitted scale, which may start it 60 mm away), and a prediction whose landmarks only match mirrored is
refused, where the evaluator mirrors it.

`fg2018` is the challenge of Feng et al. 2018 on Stirling/ESRC.

`florence`: there is no official script for MICC Florence and published numbers are not comparable. This variant follows
Deng et al. 2019 in its crop, in a scale fitted to each mesh (with `--metrical`, none) and in the point-to-plane RMSE.
The nose tip is the scan's foremost vertex within 30 mm of the nose bottom; no forehead is cut off, since where is not
published; the alignment minimizes the point-to-surface distances of the cropped scan.
"""

from dataclasses import dataclass
from typing import Literal

from headform.evaluate.scan._dogleg import Rules
from headform.geometry.seven_landmarks import NOW_FACTOR

ProtocolName = Literal["official", "corrected", "fg2018", "florence"]


@dataclass(frozen=True)
class Protocol:
    """One row of the table above.

    Attributes:
        name: Name on the command line.
        factor: Radius of the region over the face's size; None for the ball around the nose tip.
        refine: Stop rules of the least squares; None leaves the seven-point alignment.
        mirror: Let the seven-point alignment mirror the prediction.
        shift_of_fitted_scale: Start metrical runs with the shift of the fitted scale (a fault of the evaluator).
        to_plane: Measure to the plane of the closest triangle instead of to the triangle.
        quote: Numbers that are usually quoted.
    """

    name: ProtocolName
    factor: float | None
    refine: Rules | None
    mirror: bool = False
    shift_of_fitted_scale: bool = False
    to_plane: bool = False
    quote: Literal["median, mean, std", "RMSE"] = "RMSE"


NOSE_RADIUS = 95.0
"""Millimeters around the nose tip, for `florence`."""

PROTOCOLS: dict[ProtocolName, Protocol] = {
    "official": Protocol(
        "official",
        NOW_FACTOR,
        Rules(),
        mirror=True,
        shift_of_fitted_scale=True,
        quote="median, mean, std",
    ),
    "corrected": Protocol("corrected", NOW_FACTOR, Rules(), quote="median, mean, std"),
    "fg2018": Protocol("fg2018", 1.2, None),
    "florence": Protocol("florence", None, Rules(improvement=1e-9), to_plane=True),
}
