"""Units of length by the names that files and the command line use.

A mesh file states no unit; a head's outer eye corners tell it.
"""

from typing import Literal

import numpy as np

Unit = Literal["m", "dm", "cm", "mm", "um"]
METERS_PER: dict[str, float] = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "um": 1e-6}
"""Meters in one unit."""
MM_PER_M = 1000.0
"""Millimeters in one meter; errors of scans are reported in millimeters."""
OUTER_EYES_M = 0.089
"""Distance between the outer eye corners (landmarks 36 and 45) of an adult mean head."""


def units_per_meter(unit: str) -> float:
    """Return how many of a unit make one meter: 1000 for ``mm``."""
    return float(round(1 / METERS_PER[unit]))


def mm_per(unit: str) -> float:
    """Return the millimeters in one unit: 10 for ``cm``."""
    return METERS_PER[unit] / METERS_PER["mm"]


def infer_unit(outer_eye_distance: float) -> str:
    """Return the unit that brings a distance between outer eye corners nearest to a head's, by ratio; m if none does."""
    if not (np.isfinite(outer_eye_distance) and outer_eye_distance > 0):
        return "m"
    ratio = {u: abs(np.log(outer_eye_distance * m / OUTER_EYES_M)) for u, m in METERS_PER.items()}
    return min(ratio, key=ratio.__getitem__)
