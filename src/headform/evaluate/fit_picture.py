"""`fit.png`: a fitted head beside its source."""

from dataclasses import replace

import numpy as np

from headform.io.image_bytes import png
from headform.registration.head_fit import HeadFit
from headform.registration.report import fit_summary
from headform.registration.shape_models import outer
from headform.viz.fit_picture import FitPicture, draw_fit


def fit_picture(fit: HeadFit) -> bytes:
    """PNG file of source, fitted head and distances."""
    faces = fit.head.faces.cpu().numpy()
    back = fit.to_source.inverse()
    mesh = replace(fit.source.mesh, vertices=back.apply(fit.source.mesh.vertices))
    landmarks = back.apply(fit.source.landmarks)
    drawn = FitPicture(
        source=mesh,
        fitted=fit.vertices,
        faces=faces[outer(fit.head)[faces].all(axis=1)],
        face=landmarks[np.isfinite(landmarks).all(axis=1)],
        distance_mm=fit.distance.distance_mm,
        measured=fit.distance.measured,
        title=fit_summary(fit),
    )
    return png(draw_fit(drawn))
