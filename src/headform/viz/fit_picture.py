"""A fitted head beside what it was fitted to, and how far apart they are, in colors.

V vertices, F triangles, H W pixels.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look
from headform.viz.mesh_error_picture import YAWS, error_colors, scale_sheet
from headform.viz.portrait import portrait_camera


@dataclass(frozen=True, eq=False)
class FitPicture:
    """Contents of the picture.

    Attributes:
        source: Mesh that the head was fitted to, meters, frame of the head.
        fitted: (V, 3) vertices of the fitted head, same frame.
        faces: (F, 3) triangles of the fitted head.
        face: (L, 3) points of the face, around which the picture is framed.
        distance_mm: (S,) distance of each vertex of the source to the fitted head; NaN where unknown.
        measured: (S,) mask of the vertices that count; the others are drawn gray.
        title: Text above the picture.
    """

    source: TriangleMesh
    fitted: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    face: Float[np.ndarray, "L 3"]
    distance_mm: Float[np.ndarray, " S"]
    measured: Bool[np.ndarray, " S"]
    title: str = ""


def draw_fit(fit: FitPicture, *, top_mm: float = 3.0, side: int = 400) -> UInt8[np.ndarray, "H W 3"]:
    """Draw source, fitted head and distances, from the front and from the side, with the scale below.

    Args:
        fit: Contents of the picture.
        top_mm: Distance that gets the darkest color, millimeters.
        side: Side of a tile, pixels.
    """
    distance = np.where(fit.measured, fit.distance_mm, np.nan)
    columns = [
        ("source", fit.source, Look(clay=True)),
        ("fitted", TriangleMesh(fit.fitted, fit.faces), Look(clay=True)),
        ("distance to the fitted head", fit.source, Look(values=distance, palette=partial(error_colors, top=top_mm))),
    ]
    if fit.source.colored:
        columns.insert(0, ("source in its colors", fit.source, Look()))
    cameras = [portrait_camera(fit.face, yaw, side) for yaw in YAWS]
    return scale_sheet(columns, cameras, top_mm=top_mm, side=side, title=fit.title)
