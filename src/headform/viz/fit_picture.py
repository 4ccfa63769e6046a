"""A fitted head beside what it was fitted to, and how far apart they are, in colors.

V vertices, F triangles, H W pixels.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.look_at import look_at, orbit_rotation
from headform.render.mesh_picture import MeshLook, draw_mesh
from headform.viz.mesh_error_picture import error_colors

YAWS = (0.0, 0.75)
"""Views of the rows, radians: from the front, and with the face turned to its left."""
_INK, _PAPER = (30, 30, 30), 255.0
_LABEL, _LEGEND = 28, 44
_UNMEASURED = 205.0
_DISTANCE = 1.2  # meters from the camera


@dataclass(frozen=True, eq=False)
class FitPicture:
    """What is drawn.

    Attributes:
        source: In the frame of the head, meters.
        fitted: Vertices of the fitted head, same frame.
        faces: Its triangles.
        face: Points of the face, about which the picture is built.
        distance_mm: Of the vertices of the source to the fitted head; NaN where unknown.
        measured: Which of them count; the others are gray.
        title: Above the picture.
    """

    source: MeshLook
    fitted: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    face: Float[np.ndarray, "L 3"]
    distance_mm: Float[np.ndarray, " S"]
    measured: Bool[np.ndarray, " S"]
    title: str = ""


def draw_fit(fit: FitPicture, *, top_mm: float = 3.0, side: int = 400) -> UInt8[np.ndarray, "H W 3"]:
    """Source, fitted head and distances, from the front and from the side, with the scale below.

    Args:
        fit: What to draw.
        top_mm: Distance of the darkest color.
        side: Of a tile, pixels.
    """
    clay = replace(fit.source, colors=None, texture=None)
    head = MeshLook(fit.fitted, fit.faces)
    colors = error_colors(np.where(fit.measured, fit.distance_mm, 0.0), top_mm)
    colors = np.where(fit.measured[:, None], colors, _UNMEASURED)
    columns = ["source", "fitted", "distance to the fitted head"]
    looks: list[tuple[MeshLook, Float64[np.ndarray, "S 3"] | None]]
    looks = [(clay, None), (head, None), (clay, colors)]
    if fit.source.colored:
        looks.insert(0, (fit.source, None))
        columns.insert(0, "source in its colors")
    height, width = _LABEL * 2 + len(YAWS) * side + _LEGEND, side * len(looks)
    sheet = np.full((height, width, 3), int(_PAPER), np.uint8)
    for row, yaw in enumerate(YAWS):
        camera = _camera(fit.face, yaw, side)
        for column, (look, values) in enumerate(looks):
            tile, _ = draw_mesh(look, camera, (side, side), values=values, background=_PAPER)
            y, x = 2 * _LABEL + row * side, column * side
            sheet[y : y + side, x : x + side] = tile
    bar = max(side - 120, side // 3)
    left = width - bar - 70
    scale = error_colors(np.linspace(0, 1, bar), 1.0).astype(np.uint8)
    sheet[height - 26 : height - 12, left : left + bar] = scale
    image = Image.fromarray(sheet)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    pen.text((10, 6), fit.title, fill=_INK, font=font)
    for column, name in enumerate(columns):
        pen.text((side * column + side // 2, _LABEL + 4), name, fill=_INK, font=font, anchor="ma")
    pen.text((left - 6, height - 19), "0", fill=_INK, font=font, anchor="rm")
    pen.text((left + bar + 6, height - 19), f"{top_mm:g} mm", fill=_INK, font=font, anchor="lm")
    return np.asarray(image)


def _camera(face: Float[np.ndarray, "L 3"], yaw: float, side: int) -> PerspectiveCamera:
    low, high = face.min(axis=0), face.max(axis=0)
    extent = 2.0 * float((high - low)[:2].max())
    middle = (low + high) / 2 + [0.0, 0.05 * extent, -0.1 * extent]
    return look_at(middle, orbit_rotation(yaw), distance=_DISTANCE, focal_px=side * _DISTANCE / extent, side=side)
