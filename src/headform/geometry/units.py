"""Units of length by the names that files and the command line use.

Mesh files state no unit; the distance between a head's outer eye corners determines it.
"""

import math
from typing import Literal

from headform.errors import check_choice

MeshUnit = Literal["mm", "cm", "m"]
"""Unit of meshes that are evaluated or written."""
InputUnit = Literal["auto", "m", "dm", "cm", "mm", "um"]
"""Unit of meshes that are read; ``auto`` infers it from their size."""
METERS_PER: dict[str, float] = {"m": 1.0, "dm": 0.1, "cm": 0.01, "mm": 0.001, "um": 1e-6}
"""Meters in one unit."""
MM_PER_M = 1000.0
"""Millimeters in one meter; errors of scans are reported in millimeters."""
OUTER_EYES_M = 0.089
"""Distance between the outer eye corners (landmarks 36 and 45) of an adult mean head."""


def units_per_meter(unit: str) -> float:
    """Return how many of a unit make one meter: 1000 for ``mm``.

    Raises:
        UsageError: ``option_unknown``.
    """
    check_choice(unit, METERS_PER, "unit")
    return float(round(1 / METERS_PER[unit]))


def mm_per(unit: str) -> float:
    """Return the millimeters in one unit: 10 for ``cm``.

    Raises:
        UsageError: ``option_unknown``.
    """
    check_choice(unit, METERS_PER, "unit")
    return METERS_PER[unit] / METERS_PER["mm"]


def infer_unit(outer_eye_distance: float) -> str:
    """Return the unit that brings a distance between outer eye corners nearest to a head's, by ratio; m if none does."""
    if not (math.isfinite(outer_eye_distance) and outer_eye_distance > 0):
        return "m"
    ratio = {u: abs(math.log(outer_eye_distance * m / OUTER_EYES_M)) for u, m in METERS_PER.items()}
    return min(ratio, key=ratio.__getitem__)
