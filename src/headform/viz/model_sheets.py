"""A head model on one sheet: its mean from three sides, its colors, its first modes at both ends, its expressions.

V vertices, P side of a square tile in pixels, H rows, W columns.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.heads.coefficients import layout_of
from headform.heads.linear import LinearHead
from headform.images.transfer import srgb_from_linear
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import draw
from headform.viz.portrait import BACKGROUND, portrait_camera

TILE = 224
LABEL = 18
COLUMNS = 6
_YAWS = (("front", 0.0), ("three quarters", -0.65), ("side", -1.45))
_CLOSER = 0.75
"""Factor on the framing points: the face fills more of a tile than of a portrait."""
_MODES, _COLORS, _EXPRESSIONS = 6, 3, 54


@dataclass(frozen=True)
class _Drawer:
    """Draws one shape after another through the same cameras."""

    head: LinearHead
    face: Float[np.ndarray, "L 3"]

    def clay(self, vertices: torch.Tensor, yaw: float = 0.0) -> UInt8[np.ndarray, "P P 3"]:
        return self._drawn(vertices, None, yaw)

    def colored(self, albedo: torch.Tensor) -> UInt8[np.ndarray, "P P 3"]:
        return self._drawn(self.head.mean, srgb_from_linear(albedo.double()).numpy(), 0.0)

    def _drawn(
        self, vertices: torch.Tensor, colors: Float[np.ndarray, "V 3"] | None, yaw: float
    ) -> UInt8[np.ndarray, "P P 3"]:
        mesh = TriangleMesh(vertices.double().numpy(), self.head.faces.numpy(), colors=colors)
        return draw(mesh, portrait_camera(self.face, yaw, TILE), (TILE, TILE)).over(BACKGROUND)


def model_sheet(head: LinearHead) -> UInt8[np.ndarray, "H W 3"]:
    """Draw a model on one sheet, to see whether it was read correctly.

    Identity and color modes at -2 and +2 standard deviations; expressions at weight 1 where they are named shapes, at +2
    standard deviations where they are components; the first 54 that move anything.

    Args:
        head: Any head; rows for fields that it lacks are left out.

    Returns:
        sRGB, six tiles wide.
    """
    draw = _Drawer(head, face_points(head))
    rows = [[(name, draw.clay(head.mean, yaw)) for name, yaw in _YAWS]]
    if head.has_field("albedo_mean"):
        rows[0].append(("mean color", draw.colored(head.mean_albedo)))
    rows += [_modes(draw, head, sign) for sign in (-2.0, 2.0)]
    if head.has_field("albedo"):
        codes = torch.eye(len(head.albedo))[:_COLORS]
        rows.append(
            [
                (f"color {k + 1} {sign:+.0f} sd", draw.colored(head.albedo_of(sign * code)))
                for k, code in enumerate(codes)
                for sign in (-2.0, 2.0)
            ]
        )
    gaussian = "expression" in layout_of(head).gaussian
    weight, unit = (2.0, ", +2 sd") if gaussian else (1.0, "")
    shapes = [
        (f"{name}{unit}", draw.clay(head.mean + weight * shape))
        for name, shape in zip(head.expression_names, head.expression, strict=True)
        if bool(shape.any())
    ][:_EXPRESSIONS]
    rows += [shapes[at : at + COLUMNS] for at in range(0, len(shapes), COLUMNS)]
    return _sheet([row for row in rows if row])


def face_points(head: LinearHead) -> Float[np.ndarray, "L 3"]:
    """Points that frame a picture of the head, meters: its landmarks, else the middle of its bounding box."""
    known = head.landmark_known
    if bool(known.any()):
        points = head.landmarks(head.mean)[known].double().numpy()
        return np.asarray(points.mean(0) + _CLOSER * (points - points.mean(0)))
    box = torch.stack([head.mean.min(0).values, head.mean.max(0).values]).double().numpy()
    middle = box.mean(0)
    return np.asarray(middle + 0.4 * (box - middle))


def _modes(draw: _Drawer, head: LinearHead, sign: float) -> list[tuple[str, UInt8[np.ndarray, "P P 3"]]]:
    return [
        (f"identity {k + 1} {sign:+.0f} sd", draw.clay(head.mean + sign * mode))
        for k, mode in enumerate(head.identity[:_MODES])
    ]


def _sheet(
    rows: list[list[tuple[str, UInt8[np.ndarray, "P P 3"]]]],
) -> UInt8[np.ndarray, "H W 3"]:
    height = TILE + LABEL
    sheet = Image.new("RGB", (COLUMNS * TILE, len(rows) * height), (255, 255, 255))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for y, row in enumerate(rows):
        for x, (label, tile) in enumerate(row):
            sheet.paste(Image.fromarray(tile), (x * TILE, y * height + LABEL))
            pen.text((x * TILE + 4, y * height + 1), label, fill=(20, 20, 20), font=font)
    return np.asarray(sheet)
