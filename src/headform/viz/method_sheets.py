"""A column a method, a row a photo, grouped under headings: the figure by which papers compare methods.

H rows, W columns, S side of a square tile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.geometry.camera import PerspectiveCamera
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.printable import printable
from headform.render.drawing import Look, draw
from headform.viz.mesh_error_picture import error_colors
from headform.viz.portrait import portrait_camera

_PAPER, _INK, _MISSING = (255, 255, 255), (30, 30, 30), (232, 232, 232)
_TITLE, _HEADING, _GAP, _LEGEND = 26, 30, 4, 36  # pixels
_WIDER = 1.3
"""Extent of what frames a neutral face over that of its seven landmarks."""


@dataclass(frozen=True, eq=False)
class SheetRow:
    """One photo and the pictures of all methods.

    Attributes:
        heading: Condition, such as occlusion; rows of one heading stand together.
        photo: (S, S, 3) sRGB.
        tiles: (S, S, 3) of each method by its name; None where it has no result.
        captions: Line below a tile, by the name of its column.
        blank: Columns that stay empty where there is no tile: nothing is missing there.
    """

    heading: str
    photo: UInt8[np.ndarray, "S S 3"]
    tiles: Mapping[str, UInt8[np.ndarray, "S S 3"] | None]
    captions: Mapping[str, str] = field(default_factory=dict)
    blank: frozenset[str] = frozenset()


def method_sheet(
    rows: Sequence[SheetRow], methods: Sequence[str], *, top_mm: float | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Lay rows out under their headings, in the order of the headings' first rows; those without one come last.

    Args:
        rows: Rows.
        methods: Columns after the photo.
        top_mm: Error of the darkest color, for the scale below; None leaves it out.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("there are no rows")
    side = len(rows[0].photo)
    headings = sorted(dict.fromkeys(row.heading for row in rows), key=lambda text: not text)
    height = _TITLE + len(rows) * (side + _GAP) + _HEADING * sum(bool(h) for h in headings)
    height += 0 if top_mm is None else _LEGEND
    width = (1 + len(methods)) * (side + _GAP) + _GAP
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, title in enumerate(("photo", *methods)):
        x = _GAP + column * (side + _GAP)
        pen.text((x + side // 2, 5), _fitted(printable(title), pen, font, side), fill=_INK, font=font, anchor="ma")
    y = _TITLE
    for heading in headings:
        if heading:
            pen.text((_GAP + 2, y + 8), printable(heading), fill=_INK, font=font)
            pen.line((_GAP, y + _HEADING - 3, width - _GAP, y + _HEADING - 3), fill=_INK)
            y += _HEADING
        for row in (row for row in rows if row.heading == heading):
            for column, tile in enumerate((row.photo, *(row.tiles.get(name) for name in methods))):
                x = _GAP + column * (side + _GAP)
                name = methods[column - 1] if column else ""
                if tile is None and name in row.blank:
                    continue
                if tile is None:
                    pen.rectangle((x, y, x + side - 1, y + side - 1), fill=_MISSING)
                    pen.text((x + side // 2, y + side // 2), "no result", fill=_INK, font=font, anchor="mm")
                else:
                    sheet.paste(Image.fromarray(tile), (x, y))
                if name in row.captions:
                    pen.text((x + side // 2, y + side - 4), row.captions[name], fill=_INK, font=font, anchor="ms")
            y += side + _GAP
    if top_mm is not None:
        _draw_scale(sheet, pen, font, top_mm)
    return np.asarray(sheet)


def _draw_scale(
    sheet: Image.Image, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, top_mm: float
) -> None:
    """Draw the colors of errors in the lower right corner, from 0 to the greatest."""
    bar = max(40, min(300, sheet.width // 3))
    colors = error_colors(np.linspace(0, 1, bar), 1.0).astype(np.uint8)
    right, bottom = sheet.width - 80, sheet.height - 12
    sheet.paste(Image.fromarray(np.repeat(colors[None], 14, axis=0)), (right - bar, bottom - 14))
    pen.text((right - bar - 6, bottom - 7), "0", fill=_INK, font=font, anchor="rm")
    pen.text((right + 6, bottom - 7), f"{top_mm:.1f} mm", fill=_INK, font=font, anchor="lm")


def neutral_tile(
    mesh: TriangleMesh, landmarks: Float[np.ndarray, "7 3"], side: int, *, clay: bool = True
) -> UInt8[np.ndarray, "S S 3"]:
    """Draw a head from the front.

    Args:
        mesh: Mesh in the head frame, meters.
        landmarks: (7, 3) its landmarks.
        side: S, pixels.
        clay: False to draw the colors or the texture that the mesh has.
    """
    middle = landmarks.mean(axis=0)
    camera = portrait_camera(middle + _WIDER * (landmarks - middle), 0.0, side)
    return draw(mesh, camera, (side, side), Look(clay=clay)).over(float(_PAPER[0]))


def posed_tile(mesh: TriangleMesh, camera: PerspectiveCamera, side: int) -> UInt8[np.ndarray, "S S 3"]:
    """Draw a head as clay through the camera of its photo, cropped to the tile."""
    return draw(mesh, camera, (side, side), Look(clay=True)).over(float(_PAPER[0]))


def fitted_tile(rgb: UInt8[np.ndarray, "H W 3"], side: int) -> UInt8[np.ndarray, "S S 3"]:
    """Scale a picture into a square, its shape kept."""
    height, width = rgb.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    tile = Image.new("RGB", (side, side), _PAPER)
    small = Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS)
    tile.paste(small, ((side - size[0]) // 2, (side - size[1]) // 2))
    return np.asarray(tile)


def _fitted(text: str, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    while len(text) > 1 and pen.textlength(text, font) > width - 8:
        text = text.removesuffix("…")[:-1] + "…"
    return text
