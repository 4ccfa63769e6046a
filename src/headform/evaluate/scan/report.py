"""Numbers of a single scan as text and as JSON."""

from typing import Any

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


def scan_json(found: ScanError, protocol: Protocol, *, unit: MeshUnit | None, metrical: bool) -> str:
    """Format as JSON text; floats with all their digits."""
    head = {"protocol": protocol.name, "metrical": metrical, "unit": unit}
    return json_text({**head, **scan_facts(found)})


def scan_text(found: ScanError, protocol: Protocol, *, metrical: bool) -> str:
    """Format for reading, the numbers that are usually quoted first."""
    kind = "metrical" if metrical else "non-metrical"
    lines = [
        f"protocol {protocol.name}, {kind}: {len(found.distances)} of {found.scan_vertices} scan vertices",
        f"median {found.median:.12f} mm, mean {found.mean:.12f} mm, std {found.std:.12f} mm",
        f"RMSE {found.rmse:.12f} mm",
        f"scale by the landmarks {found.scale:.6g} mm per unit, {found.iterations} iterations",
    ]
    if protocol.quote == "RMSE":
        lines[1], lines[2] = lines[2], lines[1]
    lines += [f"warning [{f.code}]: {f.message}" for f in found.findings]
    return "\n".join(lines) + "\n"
