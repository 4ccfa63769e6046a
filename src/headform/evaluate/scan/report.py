"""Numbers of a single scan as text and as JSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float64

from headform.evaluate.scan.protocol import Protocol
from headform.evaluate.scan.scan_error import ScanError
from headform.evaluate.tables import json_text
from headform.geometry.units import MeshUnit


def scan_facts(found: ScanError) -> dict[str, Any]:
    """Numbers (mm), course of the alignment, map from the prediction to the scan, and warnings."""
    return {
        "median": found.median,
        "mean": found.mean,
        "std": found.std,
        "rmse": found.rmse,
        "vertices": len(found.distances),
        "scan_vertices": found.scan_vertices,
        "scale": found.scale,
        "iterations": found.iterations,
        "stop": found.stop,
        "border": found.border,
        "alignment": {
            "scale": found.alignment.scale,
            "R": found.alignment.R.tolist(),
            "t": found.alignment.t.tolist(),
        },
        "warnings": [{"code": f.code, "message": f.message} for f in found.findings],
    }


def scan_json(
    found: ScanError,
    protocol: Protocol,
    *,
    unit: MeshUnit | None,
    metrical: bool,
    regions: Mapping[str, Float64[np.ndarray, " N"]] | None = None,
) -> str:
    """Format as JSON text; floats with all their digits. `regions` are distances by region, see `face_regions`."""
    head = {"protocol": protocol.name, "metrical": metrical, "unit": unit}
    by_region = {} if regions is None else {"regions": region_facts(regions)}
    return json_text({**head, **scan_facts(found), **by_region})


def region_facts(regions: Mapping[str, Float64[np.ndarray, " N"]]) -> dict[str, dict[str, float | int]]:
    """Number of points, median, mean and standard deviation of each region."""
    return {
        name: {"vertices": len(d), "median": float(np.median(d)), "mean": float(d.mean()), "std": float(d.std())}
        for name, d in regions.items()
    }


def scan_text(
    found: ScanError,
    protocol: Protocol,
    *,
    metrical: bool,
    regions: Mapping[str, Float64[np.ndarray, " N"]] | None = None,
) -> str:
    """Format for reading, the numbers that are usually quoted first; then the regions, if given."""
    kind = "metrical" if metrical else "non-metrical"
    lines = [
        f"protocol {protocol.name}, {kind}: {len(found.distances)} of {found.scan_vertices} scan vertices",
        f"median {found.median:.12f} mm, mean {found.mean:.12f} mm, std {found.std:.12f} mm",
        f"RMSE {found.rmse:.12f} mm",
        f"scale by the landmarks {found.scale:.6g} mm per unit, {found.iterations} iterations",
    ]
    if protocol.quote == "RMSE":
        lines[1], lines[2] = lines[2], lines[1]
    lines += [
        f"{name}: median {row['median']:.4f} mm, mean {row['mean']:.4f} mm, std {row['std']:.4f} mm of {row['vertices']}"
        for name, row in region_facts(regions or {}).items()
    ]
    lines += [f"warning [{f.code}]: {f.message}" for f in found.findings]
    return "\n".join(lines) + "\n"
