"""The cumulative error curve: which share of the distances is not above a threshold.

P distances, T thresholds. Millimeters.
"""

import io
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64

Distances = Float64[np.ndarray, " P"]

FINE = np.arange(0, 801) / 100.0
"""Thresholds of the table: 0 to 8 mm by hundredths."""


def share_below(
    distances: Float64[np.ndarray, " P"], thresholds: Float64[np.ndarray, " T"]
) -> Float64[np.ndarray, " T"]:
    """Share of the distances that are at most each threshold, in [0, 1]; exact, no bins.

    Raises:
        ValueError: no distances.
    """
    if not len(distances):
        raise ValueError("there are no distances")
    return np.searchsorted(np.sort(distances), thresholds, side="right") / len(distances)


def to_csv(curves: Mapping[str, Distances]) -> str:
    """A column of thresholds and one of shares for each name, as CSV text."""
    columns = [share_below(distances, FINE) for distances in curves.values()]
    rows = [",".join(["millimeters", *curves])]
    for number, threshold in enumerate(FINE.tolist()):
        rows.append(",".join([f"{threshold:.2f}", *(f"{column[number]:.8f}" for column in columns)]))
    return "\n".join(rows) + "\n"


def to_png(panels: Mapping[str, Mapping[str, Distances]]) -> bytes:
    """The curves as a picture: a panel for each title, side by side.

    Raises:
        ImportError: matplotlib is not installed (`pip install headform[evaluate]`).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4 * len(panels), 4.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    for number, (title, curves) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(1, len(panels), number)
        for name, distances in curves.items():
            if len(distances):
                axes.plot(FINE, 100 * share_below(distances, FINE), label=name)
        axes.set(
            xlim=(0, 8),
            ylim=(0, 100),
            xlabel="error, mm",
            ylabel="share of scan vertices, %",
            title=title,
        )
        axes.grid(visible=True, alpha=0.4)
        axes.legend(loc="lower right")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()
