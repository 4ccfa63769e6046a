"""`register.png` and `errors.png`: a registered head beside its scan, and the distances between them."""

from dataclasses import replace
from functools import partial

import numpy as np

from headform.io.image_bytes import png
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.registration_report import registration_summary
from headform.registration.scan_registration import ScanRegistration
from headform.registration.shape_models import outer
from headform.render.drawing import Look
from headform.viz.mesh_error_picture import YAWS, error_colors, scale_sheet
from headform.viz.portrait import portrait_camera

_TOP_MM = 2.0
"""Distance that gets the darkest color, millimeters."""
_SIDE = 440


def registration_pictures(result: ScanRegistration) -> tuple[bytes, bytes]:
    """PNG files: scan, fitted model and registered head, from two sides; and distances on the scan and on the head."""
    fit = result.fit
    back = fit.to_source.inverse()
    scan = replace(fit.source.mesh, vertices=back.apply(fit.source.mesh.vertices))
    faces = fit.head.faces.cpu().numpy()
    faces = faces[outer(fit.head)[faces].all(axis=1)]
    landmarks = back.apply(fit.source.landmarks)
    cameras = [portrait_camera(landmarks[np.isfinite(landmarks).all(axis=1)], yaw, _SIDE) for yaw in YAWS]
    registered = TriangleMesh(result.vertices, faces)
    looks = [
        ("scan", scan, Look(clay=True)),
        ("registered head", registered, Look(clay=True)),
        ("model fit, before", TriangleMesh(fit.vertices, faces), Look(clay=True)),
    ]
    if scan.colored:
        looks.insert(0, ("scan in its colors", scan, Look()))
    there = np.where(result.from_scan.measured, result.from_scan.distance_mm, np.nan)
    back_again = np.where(result.to_scan.measured, result.to_scan.distance_mm, np.nan)
    palette = partial(error_colors, top=_TOP_MM)
    errors = [
        ("scan: distance to the head", scan, Look(values=there, palette=palette)),
        ("head: distance to the scan", registered, Look(values=back_again, palette=palette)),
    ]
    title = f"{fit.source.name}: {registration_summary(result)}"
    beside = scale_sheet(looks, cameras, top_mm=None, side=_SIDE, title=title)
    return png(beside), png(scale_sheet(errors, cameras, top_mm=_TOP_MM, side=_SIDE, title=fit.source.name))
