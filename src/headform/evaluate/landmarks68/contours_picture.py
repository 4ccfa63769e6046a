"""Predicted points and hand-placed curves, drawn on the photos. H W pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from headform import images
from headform.data.contours import (
    BROW_LOWER,
    BROW_UPPER,
    JAW,
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LOWER_LID,
    UPPER_LID,
    AnnotatedFace,
)
from headform.evaluate.landmarks68.contours import ContourTable

_CURVES = (
    *UPPER_LID, *LOWER_LID, *BROW_UPPER, *BROW_LOWER, LIP_OUTER_UPPER, LIP_OUTER_LOWER, LIP_INNER_UPPER,
    LIP_INNER_LOWER, JAW,
)  # fmt: skip
_TRUE, _FOUND = (70, 220, 90), (255, 60, 60)
_SIDE, _SHOWN, _COLUMNS = 480, 8, 4
_MARGIN = 1.15  # of the annotated curves' longer side
_DOT = 2.5  # pixels


def draw_worst(table: ContourTable, annotations: Sequence[AnnotatedFace], folder: Path) -> UInt8[np.ndarray, "H W 3"]:
    """The faces with the greatest errors of lids and lips, largest first: curves green, points red.

    Args:
        table: of the evaluation.
        annotations: annotated faces of the table, in the same order.
        folder: where the photos lie.

    Raises:
        InputError: a photo cannot be read.
    """
    order = sorted(range(len(annotations)), key=lambda k: -_badness(table, k))[:_SHOWN]
    tiles = [_tile(table, annotations[k], k, folder) for k in order]
    tiles += [np.full((_SIDE, _SIDE, 3), 255, np.uint8)] * (-len(tiles) % _COLUMNS)
    rows = [np.concatenate(tiles[k : k + _COLUMNS], 1) for k in range(0, len(tiles), _COLUMNS)]
    return np.concatenate(rows)


def _badness(table: ContourTable, index: int) -> float:
    error = table.errors[index]
    if error is None:
        return np.inf
    return error.upper_lid + error.lower_lid + error.outer_lips + error.lip_gap


def _tile(table: ContourTable, face: AnnotatedFace, index: int, folder: Path) -> UInt8[np.ndarray, "H W 3"]:
    photo = images.read(folder / face.photo)
    marks = face.points / photo.reduction
    outline = marks[[k for curve in _CURVES for k in curve]]
    low, high = outline.min(0), outline.max(0)
    extent = float((high - low).max()) * _MARGIN
    corner = (low + high) / 2 - extent / 2
    unit = extent / _SIDE
    picture = Image.fromarray(photo.rgb).transform(
        (_SIDE, _SIDE),
        Image.Transform.AFFINE,
        (unit, 0.0, float(corner[0]), 0.0, unit, float(corner[1])),
        Image.Resampling.BICUBIC,
    )
    pen = ImageDraw.Draw(picture)
    for curve in _CURVES:
        line = (marks[list(curve)] - corner) / unit - 0.5
        pen.line([(float(x), float(y)) for x, y in line], fill=_TRUE, width=1)
    points = table.points[index]
    if points is not None:
        for x, y in (points / photo.reduction - corner) / unit - 0.5:
            pen.ellipse([x - _DOT, y - _DOT, x + _DOT, y + _DOT], outline=_FOUND)
    pen.text((6, 4), Path(face.photo).stem, fill=_FOUND)
    return np.asarray(picture)
