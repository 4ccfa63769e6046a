"""Report of a registration: the content of `register.json`, and one line for people."""

from typing import Any

import numpy as np
from jaxtyping import Float64

from headform.geometry.landmarks68 import INNER_FACE
from headform.geometry.units import MM_PER_M
from headform.registration.fit_source import head_origin
from headform.registration.report import fit_report
from headform.registration.scan_registration import ScanRegistration


def registration_report(result: ScanRegistration) -> dict[str, Any]:
    """Content of `register.json`; distances in millimeters, transforms in meters."""
    fit, found = result.fit, result.non_rigid
    report = fit_report(fit)
    unknown = {"median": None, "mean": None, "largest": None, "count": 0}
    inner = result.landmark_mm[INNER_FACE]
    inner = inner[np.isfinite(inner)]
    return {
        "source": report["source"],
        "head": head_origin(fit.head),
        "unit": report["unit"],
        "meters_per_unit": report["meters_per_unit"],
        "head_to_source": report["head_to_source"],
        "scan_to_mesh_mm": distances(result.from_scan.distance_mm[result.from_scan.measured]),
        "mesh_to_scan_mm": distances(result.to_scan.distance_mm[result.to_scan.measured]),
        "landmarks_mm": unknown
        if not len(inner)
        else {
            "median": float(np.median(inner)),
            "mean": float(inner.mean()),
            "largest": float(inner.max()),
            "count": len(inner),
        },
        "cover": result.cover,
        "fold_overs": found.fold_overs,
        "fold_overs_mended": found.mended,
        "rounds": found.rounds,
        "converged": found.converged,
        "model_fit": {
            key: report[key]
            for key in ("region", "scale_fitted", "scale", "distance_mm", "landmark_rms_mm", "iterations", "converged")
        },
        "source_reversed": report["source_reversed"],
        "coefficients": report["coefficients"],
        "known": report["known"],
        "unknown": report["unknown"],
        "expression_names": report["expression_names"],
        "largest_move_mm": MM_PER_M * float(np.linalg.norm(result.vertices - fit.vertices, axis=1).max()),
        "seconds": round(result.seconds, 3),
    }


def distances(millimeters: Float64[np.ndarray, " N"]) -> dict[str, Any]:
    """Median, mean and 95th percentile of distances, and their number; None where there are none."""
    if not len(millimeters):
        return {"median": None, "mean": None, "p95": None, "vertices": 0}
    return {
        "median": float(np.median(millimeters)),
        "mean": float(millimeters.mean()),
        "p95": float(np.percentile(millimeters, 95)),
        "vertices": len(millimeters),
    }


def registration_summary(result: ScanRegistration) -> str:
    """One line with the distances both ways."""
    there = distances(result.from_scan.distance_mm[result.from_scan.measured])
    back = distances(result.to_scan.distance_mm[result.to_scan.measured])
    folds = result.non_rigid.fold_overs
    return (
        f"scan to mesh {_told(there)}, mesh to scan {_told(back)} (median, mean, 95 %); "
        f"model fit {result.fit.distance.median_mm:.2f}; the scan shows {100 * result.cover:.0f} % of the face"
        + (f"; {folds} triangles are turned over" if folds else "")
        + ("" if result.non_rigid.converged else "; still moving in the last round")
    )


def _told(values: dict[str, Any]) -> str:
    if not values["vertices"]:
        return "unknown"
    return f"{values['median']:.2f}, {values['mean']:.2f}, {values['p95']:.2f} mm"
