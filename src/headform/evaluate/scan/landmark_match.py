"""First alignment from seven pairs of landmarks, and its plausibility. All arrays are (7, 3)."""

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.evaluate.scan import sanity_checks
from headform.evaluate.scan.landmark_places import check_on_mesh
from headform.evaluate.scan.landmarks7 import check_order
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.procrustes import procrustes
from headform.evaluate.scan.protocol import Protocol
from headform.evaluate.scan.sanity_checks import Finding
from headform.geometry.similarity import Similarity
from headform.geometry.units import MeshUnit
from headform.mesh.soundness import flaw

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
    """Fit the similarity from a prediction's landmarks to a scan's; warn about mirroring, places and unit.

    Args:
        target: Landmarks of the scan, millimeters.
        prediction: Predicted mesh.
        landmarks: Landmarks of the prediction.
        protocol: Says whether the alignment may mirror.
        unit: Unit of the prediction, if stated.
        metrical: The unit decides the result.

    Raises:
        InputError: `mesh_degenerate` (see `mesh.soundness.flaw`), `landmarks_not_finite`, `landmarks_degenerate`,
            `landmarks_order`, `landmarks_mirrored`, `landmarks_elsewhere` (not on the mesh), `unit_wrong`.
    """
    name = prediction.name
    wrong = flaw(prediction.vertices, prediction.faces)
    if wrong:
        raise InputError("mesh_degenerate", f"the mesh is no surface to measure to: {wrong}", name)
    check_order(landmarks, f"landmarks of {name}")
    try:
        best = procrustes(target, landmarks)
    except ValueError as error:
        raise InputError("landmarks_degenerate", f"{error}", f"landmarks of {name}") from error
    astray = check_on_mesh(landmarks, prediction, mm_per_unit=best.scale)
    findings = [astray] if astray is not None else []
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
