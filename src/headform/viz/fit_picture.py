"""A fitted head beside what it was fitted to, and how far apart they are, in colors.

V vertices, F triangles, H W pixels.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.draw import Look, draw
from headform.viz.mesh_error_picture import error_colors
from headform.viz.portrait import portrait_camera

YAWS = (0.0, 0.75)
"""Views of the rows, radians: from the front, and with the face turned to its left."""
_INK, _PAPER = (30, 30, 30), 255.0
_LABEL, _LEGEND = 28, 44


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
    height, width = _LABEL * 2 + len(YAWS) * side + _LEGEND, side * len(columns)
    sheet = np.full((height, width, 3), int(_PAPER), np.uint8)
    for row, yaw in enumerate(YAWS):
        camera = portrait_camera(fit.face, yaw, side)
        for column, (_, mesh, look) in enumerate(columns):
            y, x = 2 * _LABEL + row * side, column * side
            sheet[y : y + side, x : x + side] = draw(mesh, camera, (side, side), look).over(_PAPER)
    bar = max(side - 120, side // 3)
    left = width - bar - 70
    scale = error_colors(np.linspace(0, 1, bar), 1.0).astype(np.uint8)
    sheet[height - 26 : height - 12, left : left + bar] = scale
    image = Image.fromarray(sheet)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    pen.text((10, 6), fit.title, fill=_INK, font=font)
    for column, (name, _, _) in enumerate(columns):
        pen.text((side * column + side // 2, _LABEL + 4), name, fill=_INK, font=font, anchor="ma")
    pen.text((left - 6, height - 19), "0", fill=_INK, font=font, anchor="rm")
    pen.text((left + bar + 6, height - 19), f"{top_mm:g} mm", fill=_INK, font=font, anchor="lm")
    return np.asarray(image)
