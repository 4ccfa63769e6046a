"""Errors on the surface: a mesh in the colors of its vertices' errors, several models side by side.

V vertices, F triangles, S side of a square tile, H W pixels.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.geometry.camera import PerspectiveCamera
from headform.geometry.view import look_at, orbit_rotation
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw

STOPS = np.array([[238, 238, 235], [250, 219, 120], [240, 140, 50], [200, 40, 50], [110, 10, 90], [40, 0, 60]])
"""sRGB from no error to the greatest: ever darker, so that it reads in gray and to the color-blind."""
YAWS = (0.0, 0.75)
"""Views of the rows, radians: from the front, and with the face turned to its left."""
UNMEASURED = (205.0, 205.0, 205.0)
"""sRGB where there is no error, but NaN."""
_PAPER = 255.0
_INK = (30, 30, 30)
_LABEL = 26
_LEGEND = 44
_DISTANCE = 6.0  # from the camera, in radii of the mesh


def error_colors(errors: Float[np.ndarray, "*N"], top: float) -> Float[np.ndarray, "*N 3"]:
    """Return the sRGB, in [0, 255], of errors between 0 and `top`; larger ones get the last color, NaN is gray."""
    place = np.clip(errors / top, 0.0, 1.0)
    marks = np.linspace(0.0, 1.0, len(STOPS))
    colors = np.stack([np.interp(place, marks, column) for column in STOPS.T], axis=-1)
    return np.where(np.isnan(place)[..., None], UNMEASURED, colors)


def draw_errors(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    errors: Float[np.ndarray, " V"],
    top: float,
    *,
    yaw: float = 0.0,
    side: int = 320,
) -> UInt8[np.ndarray, "S S 3"]:
    """Draw one mesh, colored by error and gently shaded, on white.

    Args:
        vertices: (V, 3) any unit; y up, z out of the face.
        faces: (F, 3) triangles.
        errors: (V,) one per vertex, in the unit of `top`.
        top: Error that gets the darkest color.
        yaw: Radians, positive turns the face to its left, which is to the right of the picture.
        side: Side of the picture, pixels.
    """
    camera = _camera(vertices, yaw, side)
    return draw(TriangleMesh(vertices, faces), camera, (side, side), _error_look(errors, top)).over(_PAPER)


def error_sheet(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    errors: Mapping[str, Float[np.ndarray, " V"]],
    *,
    top: float | None = None,
    side: int = 320,
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw a column per model, a row per view and the scale in millimeters below.

    Args:
        vertices: (V, 3) mesh on which errors are shown, such as the mean head.
        faces: (F, 3) triangles.
        errors: Name of each model to its mean error per vertex, (V,), millimeters; NaN is gray.
        top: Error that gets the darkest color; the 98th percentile over all models if absent, rounded up
            to a tenth.
        side: Side of each tile, pixels.

    Raises:
        ValueError: there is no model.
    """
    if not errors:
        raise ValueError("errors holds no model")
    if top is None:
        top = float(np.ceil(np.nanpercentile(np.concatenate(list(errors.values())), 98) * 10)) / 10
        top = max(top, 0.1)
    mesh = TriangleMesh(vertices, faces)
    columns = [
        (f"{name}: {np.nanmean(values):.2f} mm", mesh, _error_look(values, top)) for name, values in errors.items()
    ]
    return scale_sheet(columns, [_camera(vertices, yaw, side) for yaw in YAWS], top_mm=top, side=side)


def scale_sheet(
    columns: Sequence[tuple[str, TriangleMesh, Look]],
    cameras: Sequence[PerspectiveCamera],
    *,
    top_mm: float | None,
    side: int,
    title: str = "",
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw a column per mesh, a row per camera and the scale of errors below.

    Args:
        columns: Label, mesh and look of each column.
        cameras: Cameras for square tiles of `side` pixels.
        top_mm: Error that gets the darkest color, millimeters; None leaves the scale out.
        side: Side of each tile, pixels.
        title: Line above the sheet, if any.
    """
    first = _LABEL * (2 if title else 1)
    legend = 0 if top_mm is None else _LEGEND
    height, width = first + len(cameras) * side + legend, side * len(columns)
    sheet = np.full((height, width, 3), int(_PAPER), np.uint8)
    for row, camera in enumerate(cameras):
        for column, (_, mesh, look) in enumerate(columns):
            y, x = first + row * side, column * side
            sheet[y : y + side, x : x + side] = draw(mesh, camera, (side, side), look).over(_PAPER)
    bar = max(min(300, width - 120), width // 4)
    if top_mm is not None:
        scale = error_colors(np.linspace(0, 1, bar), 1.0).astype(np.uint8)
        sheet[height - 24 : height - 10, 50 : 50 + bar] = scale[None, : width - 50]
    image = Image.fromarray(sheet)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    pen.text((10, 5), title, fill=_INK, font=font)
    for column, (label, _, _) in enumerate(columns):
        pen.text((side * column + side // 2, first - _LABEL + 5), label, fill=_INK, font=font, anchor="ma")
    if top_mm is not None:
        pen.text((44, height - 17), "0", fill=_INK, font=font, anchor="rm")
        pen.text((56 + bar, height - 17), f"{top_mm:.1f} mm", fill=_INK, font=font, anchor="lm")
    return np.asarray(image)


def _error_look(errors: Float[np.ndarray, " V"], top: float) -> Look:
    return Look(values=errors, palette=partial(error_colors, top=top))


def _camera(vertices: Float[np.ndarray, "V 3"], yaw: float, side: int) -> PerspectiveCamera:
    """Camera far enough for little perspective, with the whole mesh in the picture at any yaw."""
    low, high = vertices.min(0).astype(np.float64), vertices.max(0).astype(np.float64)
    middle = (low + high) / 2
    radius = float(np.linalg.norm(vertices - middle, axis=1).max())
    distance = _DISTANCE * radius
    # the sphere about the mesh touches the border where a ray is tangent to it
    focal = side / 2 * np.sqrt(distance**2 - radius**2) / radius
    return look_at(middle, orbit_rotation(yaw), distance=distance, focal_px=focal, side=side)
