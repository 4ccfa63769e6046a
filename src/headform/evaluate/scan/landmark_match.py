"""First alignment from seven pairs of landmarks, and its plausibility. All arrays are (7, 3)."""

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.evaluate.scan import sanity_checks
from headform.evaluate.scan.landmarks7 import check_order
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.procrustes import procrustes
from headform.evaluate.scan.protocol import Protocol
from headform.evaluate.scan.sanity_checks import Finding
from headform.geometry.similarity import Similarity
from headform.geometry.units import MeshUnit

Landmarks = Float64[np.ndarray, "7 3"]


def match_landmarks(
    target: Landmarks,
    prediction: Surface,
    landmarks: Landmarks,
    *,
    protocol: Protocol,
    unit: MeshUnit | None,
    metrical: bool,
) -> tuple[Similarity, list[Finding]]:
    """Fit the similarity from a prediction's landmarks to a scan's; warn about mirroring and unit.

    Args:
        target: Landmarks of the scan, millimeters.
        prediction: Predicted mesh.
        landmarks: Landmarks of the prediction.
        protocol: Says whether the alignment may mirror.
        unit: Unit of the prediction, if stated.
        metrical: The unit decides the result.

    Raises:
        InputError: `landmarks_not_finite`, `landmarks_degenerate`, `landmarks_order`, `landmarks_mirrored`,
            `landmarks_elsewhere` (not on the mesh), `unit_wrong`.
    """
    name = prediction.name
    check_order(landmarks, f"landmarks of {name}")
    best = procrustes(target, landmarks)
    low, high = prediction.vertices.min(axis=0), prediction.vertices.max(axis=0)
    outside = best.scale * float(np.abs(landmarks - np.clip(landmarks, low, high)).max())
    if outside > sanity_checks.OUTSIDE:
        what = f"a landmark lies {outside:.0f} mm outside the mesh"
        fix = "give both in the same frame and unit"
        raise InputError("landmarks_elsewhere", what, name, fix)
    findings = []
    if best.mirrors:
        mirrored = sanity_checks.reflected()
        if not protocol.mirror:
            fix = "exchange left and right; protocol official measures it mirrored"
            raise InputError("landmarks_mirrored", mirrored.message, name, fix)
        findings.append(mirrored)
    if unit is not None:
        doubt = sanity_checks.assess_unit(best.scale, unit, metrical=metrical, where=name)
        findings += [doubt] if doubt is not None else []
    return best, findings
