"""Comparison of a trained network with the constant answer that costs nothing: the mean head, mesh or points."""

from collections.abc import Mapping
from typing import Any

MARGIN = 0.98
"""Share of the baseline's error below which a network counts as better; held-out sets of some hundred cannot tell more."""

_MEASURES = (
    ("full_percent_of_mean_head", None, "the mean head", "percent of the mean head's error"),
    ("aligned_percent_of_mean_head", None, "the mean head", "percent of the mean head's error"),
    ("mean_mm", "mean_mesh_mm", "the mean mesh", "mm"),
    ("nme68", "mean_points_nme68", "the mean points", "percent of the face's size"),
)
"""Error, its baseline (None: 100), the name of the baseline, and the unit."""


def baseline_warning(validation: Mapping[str, Any]) -> str:
    """Return a warning if a network is no better than its baseline on held-out data, else nothing.

    Args:
        validation: Measures of the training run, as in the card's ``metrics``.
    """
    for measure, against, name, unit in _MEASURES:
        if measure not in validation or (against is not None and against not in validation):
            continue
        error, baseline = validation[measure], 100.0 if against is None else validation[against]
        if not error < MARGIN * baseline:
            found = f"{error:.2f} against {baseline:.2f} {unit}"
            return f"no better than {name} on held-out data ({found}): train longer, with more or better data"
    return ""
