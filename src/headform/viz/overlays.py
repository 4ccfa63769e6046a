"""`overlay.png`: one result on one sheet, for checking by eye.

H rows, W columns of the photo; V vertices.

From left to right: the photo with its 68 landmarks, the head's shape half-transparent on the photo,
and the textured head from three sides.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from headform.geometry.landmarks68 import LINES
from headform.heads.opaque import opaque_triangles
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.pipeline.reconstruction import Reconstruction
from headform.render.drawing import CLAY_AMBIENT, Look, draw
from headform.viz.portrait import BACKGROUND, portrait_camera

PANEL = 320
"""Side of each of the five pictures, pixels."""
CAPTION = 22
"""Height of the line of text below them."""
TURNS = (-45, 0, 45)
"""Degrees by which the textured head is turned."""
_OPACITY = 0.55
_FINER = 2
"""The landmarks are drawn at this multiple of the panel's size, then averaged."""


def overlay(result: Reconstruction, photo_rgb: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """Draw the sheet of one reconstruction.

    Args:
        result: Reconstruction of the photo.
        photo_rgb: The upright photo in sRGB; its size is `result.image_size`.

    Returns:
        (342, 1600, 3) sRGB.

    Raises:
        ValueError: the photo's size is not `result.image_size`.
    """
    if photo_rgb.shape[1::-1] != tuple(result.image_size):
        raise ValueError(f"the photo is {photo_rgb.shape[1::-1]} pixels, expected {result.image_size}")
    head = result.head
    texture = result.texture if result.texture is not None else result.albedo_texture
    if result.colors is not None or not head.has_field("uv"):
        mesh = TriangleMesh(result.vertices, head.faces.numpy()[opaque_triangles(head)], colors=result.colors)
    else:
        mesh = TriangleMesh(
            result.vertices, head.faces.numpy(), uv=head.uv.numpy(), uv_faces=head.uv_faces.numpy(), texture=texture
        )
    left, top, side = crop_square(result.points68, result.face.box)
    fine = cropped(photo_rgb, left, top, side, PANEL * _FINER)
    ground = np.asarray(Image.fromarray(fine).reduce(_FINER))
    camera = result.camera.cropped(float(left), float(top)).resized(PANEL / side)
    panels = [
        with_landmarks(fine, (result.points68 - [left, top]) * (PANEL * _FINER / side)),
        draw(mesh, camera, (PANEL, PANEL), Look(clay=True)).over(ground, _OPACITY),
    ]
    panels += [turned_view(result, mesh, float(np.deg2rad(turn)), PANEL) for turn in TURNS]
    titles = ["68 landmarks", "shape on the photo", *(f"turned by {turn}°" for turn in TURNS)]
    if result.status != "ok":
        titles[0] = "low confidence: " + "; ".join(result.reasons)
    return np.concatenate([np.concatenate(panels, axis=1), _captions(titles)], axis=0)


def turned_view(result: Reconstruction, mesh: TriangleMesh, yaw: float, side: int) -> UInt8[np.ndarray, "P P 3"]:
    """Draw the head from one side on even gray: in the photo's texture, else its albedo, else clay."""
    landmarks = result.head.landmarks(torch.from_numpy(result.vertices), offset=False).numpy()
    camera = portrait_camera(landmarks[np.isfinite(landmarks).all(axis=1)], yaw, side)
    lit = result.texture is not None or result.colors is not None
    ambient = 1.0 if lit else CLAY_AMBIENT  # only the photo's texture holds its own light
    return draw(mesh, camera, (side, side), Look(ambient=ambient)).over(BACKGROUND)


def crop_square(points: Float[np.ndarray, "N 2"], box: Float[np.ndarray, "4"]) -> tuple[int, int, int]:
    """Return left, top and side, in whole pixels, of a square around the whole head; may leave the photo."""
    low = np.minimum(points.min(0), box[:2])
    high = np.maximum(points.max(0), box[2:])
    middle = (low + high) / 2
    height = float((high - low).max())
    side = max(8, round(1.7 * height))
    left, top = np.floor(middle - side / 2 - [0.0, 0.12 * height]).astype(int)  # room for hair
    return int(left), int(top), side


def cropped(rgb: UInt8[np.ndarray, "H W 3"], left: int, top: int, side: int, size: int) -> UInt8[np.ndarray, "P P 3"]:
    """Cut a square out of the photo and scale it to `size` pixels; gray where it leaves the photo."""
    height, width = rgb.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, width), min(top + side, height)
    square = np.full((side, side, 3), 128, np.uint8)
    if x0 < x1 and y0 < y1:
        square[y0 - top : y1 - top, x0 - left : x1 - left] = rgb[y0:y1, x0:x1]
    picture = Image.fromarray(square).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(picture)


def with_landmarks(rgb: UInt8[np.ndarray, "h h 3"], points: Float[np.ndarray, "68 2"]) -> UInt8[np.ndarray, "P P 3"]:
    """Draw iBUG's 68 points and lines; the result is reduced by `_FINER`."""
    picture = Image.fromarray(rgb)
    pen = ImageDraw.Draw(picture)
    # A drawn coordinate names a pixel's center, ours the corner.
    xy = [(float(x) - 0.5, float(y) - 0.5) for x, y in points]
    for first, last, closed in LINES:
        line = xy[first : last + 1] + ([xy[first]] if closed else [])
        pen.line(line, fill=(40, 220, 120), width=_FINER)
    radius = 1.3 * _FINER
    for x, y in xy:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(255, 255, 255))
    return np.asarray(picture.reduce(_FINER))


def _captions(titles: list[str]) -> UInt8[np.ndarray, "h w 3"]:
    strip = Image.new("RGB", (PANEL * len(titles), CAPTION), (255, 255, 255))
    pen = ImageDraw.Draw(strip)
    font = ImageFont.load_default(13)
    for index, title in enumerate(titles):
        text = title
        while len(text) > 1 and pen.textlength(text, font) > PANEL - 12:
            text = text.removesuffix("…")[:-1] + "…"
        pen.text((index * PANEL + 6, 3), text, fill=(60, 60, 60), font=font)
    return np.asarray(strip)
