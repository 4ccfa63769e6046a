"""Size of a mean head, which tells that a file was saved in another unit than its publisher's.

V vertices, F triangles.
"""

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER, OUTER_EYES_M
from headform.heads.checks import ORIGINAL_FILE

PLAUSIBLE_M = (0.08, 0.8)
"""Range of the longest side of a mean head, meters: a mask of the face has 0.12 or more, a bust 0.5 or less. Units differ by
10 and more, so that no head of another unit falls into it from within 0.12 to 0.5."""
SURE_M = (0.12, 0.6)
"""Range in which a unit is taken for certain; narrower than the ratio of two units."""
_UNIT_FACTOR = 3
"""Largest ratio between the distance of a head's outer eye corners and the usual one; units differ by 10 and more."""


def longest_side(mean: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> float:
    """Return the longest side of the box around the vertices that have triangles, in the unit of the mean."""
    used = mean[np.unique(faces)]
    return float(np.ptp(used, axis=0).max()) if len(used) else 0.0


def sure_unit(side: float) -> str:
    """Return the unit that makes a longest side a head's; empty if none does."""
    low, high = SURE_M
    return next((unit for unit, meters in METERS_PER.items() if low <= side * meters <= high), "")


def is_plausible(side: float, unit: str) -> bool:
    """Return whether a longest side in a unit can be a head's."""
    low, high = PLAUSIBLE_M
    return low <= side * METERS_PER[unit] <= high


def check_size(where: str, mean: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], unit: str) -> None:
    """Refuse a mean head that has no head's size in the publisher's unit.

    Raises:
        WeightsError: ``model_unit``, with the size in the unit and in the one that would fit.
    """
    side = longest_side(mean, faces)
    if not is_plausible(side, unit):
        size = f"{side * METERS_PER[unit]:.4g} m"
        what = f"the mean head is {size} across in the publisher's unit, {unit}; heads have 0.12 to 0.5 m"
        raise _wrong_unit(where, what, sure_unit(side), side, unit)


def check_unit(where: str, distance_m: float, unit: str = "m") -> None:
    """Refuse a head whose outer eye corners are not a head's distance apart.

    Args:
        where: Name of the file, for the message.
        distance_m: Distance in meters, if the numbers of the file are in `unit`.
        unit: The publisher's unit.

    Raises:
        WeightsError: ``model_unit``.
    """
    if not OUTER_EYES_M / _UNIT_FACTOR < distance_m < OUTER_EYES_M * _UNIT_FACTOR:
        what = f"the outer eye corners are {distance_m:.4g} m apart, expected about {OUTER_EYES_M} m"
        side = distance_m / METERS_PER[unit]
        near = (u for u, m in METERS_PER.items() if 0.6 < side * m / OUTER_EYES_M < 1.6)
        raise _wrong_unit(where, what, next(near, ""), side, unit)


def _wrong_unit(where: str, what: str, fitting: str, side: float, unit: str) -> WeightsError:
    if fitting and fitting != unit:
        what += f"; if the file is in {fitting}, it is {side * METERS_PER[fitting]:.3g} m"
        factor = METERS_PER[fitting] / METERS_PER[unit]
        hint = f"{ORIGINAL_FILE}, in {unit}, or multiply mean and modes by {factor:g}"
    else:
        hint = f"{ORIGINAL_FILE}, in the published unit, {unit}"
    return WeightsError("model_unit", what, where, hint)
