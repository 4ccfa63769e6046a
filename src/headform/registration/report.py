"""Report of a head model's fit: the content of `fit.json`, and one line for people."""

from typing import Any

from headform.geometry.units import MM_PER_M
from headform.registration.fit_source import head_origin
from headform.registration.head_fit import HeadFit


def fit_report(fit: HeadFit) -> dict[str, Any]:
    """Content of `fit.json`."""
    to, found, distance = fit.to_source, fit.surface, fit.distance
    coefficients = fit.coefficients
    return {
        "source": {"name": fit.source.name, **fit.source.origin},
        "target": head_origin(fit.head),
        "region": fit.region,
        "unit": fit.source.unit or None,
        "meters_per_unit": fit.source.meters,
        "head_to_source": {"scale": to.scale, "R": to.R.tolist(), "t": to.t.tolist()},
        "scale_fitted": fit.scale_fitted,
        "scale": found.similarity.scale,
        "distance_mm": {
            "median": distance.median_mm,
            "mean": distance.mean_mm,
            "p90": distance.p90_mm,
            "vertices": int(distance.measured.sum()),
            "of": "source vertices in the NoW sphere, seen from outside, not beyond the head's edge, "
            "to the fitted surface",
        },
        "landmark_rms_mm": MM_PER_M * found.landmark_rms,
        "iterations": found.iterations,
        "converged": found.converged,
        "last_move_mm": MM_PER_M * found.last_move,
        "source_reversed": found.reversed,
        "coefficients": {name: coefficients[name].tolist() for name in fit.known},
        "known": list(fit.known),
        "unknown": list(fit.unknown),
        "expression_names": list(fit.head.expression_names),
        "seconds": round(fit.seconds, 3),
    }


def fit_summary(fit: HeadFit) -> str:
    """One line with the distances and the kind of fit."""
    distance, found = fit.distance, fit.surface
    scale = f", scale {found.similarity.scale:.3f}" if fit.scale_fitted else ""
    unit = fit.source.unit or "unknown unit"
    return (
        f"{fit.head.name} on {fit.source.name} ({unit}{scale}): median {distance.median_mm:.2f} mm, "
        f"mean {distance.mean_mm:.2f} mm, 90 % within {distance.p90_mm:.2f} mm, {fit.region}"
        + ("" if found.converged else f"; did not converge: {_motion(fit)}; check the landmarks and the unit")
        + (f"; not written because nothing is known of them: {', '.join(fit.unknown)}" if fit.unknown else "")
    )


def _motion(fit: HeadFit) -> str:
    found = fit.surface
    return f"after {found.iterations} iterations the surface still moved {MM_PER_M * found.last_move:.3f} mm in the last one"
