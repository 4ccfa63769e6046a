"""Rows of the student's batches: synthetic faces and portraits with the same fields, and a weight for each label.

B batch, N dense points, E expressions, P side of a picture. Labels are in pixels of the picture, whose loose square takes
8/9. A label that a source does not give has the weight 0.

    points (B, N, 2), points_weight (B, N)          surface points
    points68 (B, 68, 2), weight68 (B, 68)           annotators' points
    openings (B, 7), openings_weight (B, 7)         of `OPENING_PAIRS` down the face, in face sizes
    down (B, 2), size (B,)                          unit vector down the face, face size in pixels
    visible (B, N), visible_weight (B, N)           points that are seen
    skin (B, P/2, P/2), skin_weight (B, P/2, P/2)   the head's own surface, 0 to 1
    expression (B, E), gaze (B, 2), rotation (B, 3, 3), fit_weight (B,)
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from headform.data.portraits import Portrait
from headform.geometry.face_classes import BROWS, EYES, LIPS, MOUTH_INSIDE, SKIN, UNKNOWN
from headform.geometry.landmarks68 import JAW
from headform.heads.linear import LinearHead
from headform.nets.crop_geometry import EyeFrame
from headform.nets.landmarks.student_net import OPENING_PAIRS
from headform.train.student_config import SourceConfig

Rows = dict[str, np.ndarray]
OWN_SURFACE = (SKIN, BROWS, EYES, LIPS, MOUTH_INSIDE)
"""Classes of the head's own surface, as in the skin mask of synthetic faces."""
JAW_YAW = math.radians(15)
"""Yaw beyond which a synthetic face does not teach the annotators' jaw, which then follows the outline of the cheek."""
_UPPER, _LOWER = np.array(OPENING_PAIRS).T


def openings_of(
    points68: Float[np.ndarray, "68 2"], down: Float[np.ndarray, "2"], size: float
) -> Float[np.ndarray, "7"]:
    """Return the openings of lids and lips down the face, in units of its size.

    Args:
        points68: points in the picture, pixels.
        down: unit vector down the face.
        size: size of the face, pixels.
    """
    return np.asarray((points68[_LOWER] - points68[_UPPER]) @ down / size)


def face_axis(points68: Float[np.ndarray, "68 2"]) -> tuple[Float[np.ndarray, "2"], float]:
    """Return the unit vector down the face, and the root of the area of the upright box of its points, pixels."""
    extent = np.ptp(points68, axis=0)
    return EyeFrame.of(points68).axes[:, 1], max(math.sqrt(float(extent[0] * extent[1])), 1e-6)


class SyntheticRows:
    """Conversion of rows of the ring of synthetic faces (`train.pool`)."""

    def __init__(self, head: LinearHead, sources: SourceConfig) -> None:
        self._sources = sources
        self._places = head.mean[head.dense].double().numpy()  # (N, 3)
        self._offset = head.landmark_offset.double().numpy()  # (68, 3)

    def __call__(self, found: Rows) -> Rows:
        """Convert rows."""
        count, weight = len(found["images"]), np.float32(self._sources.synthetic_weight)
        points = found["points"].astype(np.float64)
        axes = [face_axis(p[:68]) for p in points]
        marks = points[:, :68].copy()
        weight68 = np.full((count, 68), weight * self._sources.synthetic68, np.float32)
        for k in range(count):
            marks[k, JAW] += self._jaw_offset(points[k], found["rotation"][k])
            yaw = abs(math.atan2(found["rotation"][k, 0, 2], -found["rotation"][k, 2, 2]))
            if yaw > JAW_YAW:
                weight68[k, JAW] = 0
        skin = found["skin"].astype(np.float32) / 255
        ones = np.full((count, points.shape[1]), weight, np.float32)
        rows = {
            "images": found["images"],
            "points": points,
            "points_weight": ones,
            "points68": marks,
            "weight68": weight68,
            "openings": np.stack([openings_of(p[:68], *axis) for p, axis in zip(points, axes, strict=True)]),
            "openings_weight": np.full((count, len(OPENING_PAIRS)), weight, np.float32),
            "down": np.stack([down for down, _ in axes]),
            "size": np.array([size for _, size in axes]),
            "visible": found["visible"],
            "visible_weight": ones,
            "skin": skin,
            "skin_weight": np.full(skin.shape, weight, np.float32),
            "fit_weight": np.full(count, weight, np.float32),
        }
        return rows | {name: found[name] for name in ("expression", "gaze", "rotation")}

    def _jaw_offset(
        self, points: Float[np.ndarray, "N 2"], rotation: Float[np.ndarray, "3 3"]
    ) -> Float[np.ndarray, "17 2"]:
        """Return the way from the surface's jaw points to the annotators', by the scale of the face as it is seen."""
        flat = (self._places - self._places.mean(0)) @ rotation[:2].T.astype(np.float64)
        off = points - points.mean(0)
        scale = float((flat * off).sum() / (flat**2).sum())  # pixels per meter
        return np.asarray(scale * self._offset[JAW] @ rotation[:2].T.astype(np.float64))


def portrait_row(portrait: Portrait, sources: SourceConfig) -> Rows:
    """Convert a cut portrait or turned copy to a row without the axis B."""
    turned = portrait.turn != (0.0, 0.0)
    weight = np.float32(sources.turned_weight if turned else sources.portrait_weight)
    points, marks = portrait.dense.astype(np.float64), portrait.points68.astype(np.float64)
    down, size = face_axis(marks)
    by_hand = portrait.annotated68[_UPPER] & portrait.annotated68[_LOWER]
    fitted = portrait.trusted[_UPPER] & portrait.trusted[_LOWER]
    openings = np.where(by_hand, openings_of(marks, down, size), openings_of(points[:68], down, size))
    factor = np.where(portrait.annotated68, sources.annotated68, 1.0)
    classes = _halved(portrait.classes)
    known = (classes != UNKNOWN).mean((2, 3), dtype=np.float32)
    own = (np.isin(classes, OWN_SURFACE)).mean((2, 3), dtype=np.float32)
    visible, visible_weight = _visibility(portrait)
    return {
        "images": portrait.rgb,
        "points": points,
        "points_weight": portrait.trusted * weight,
        "points68": marks,
        "weight68": (portrait.trusted68 * factor * weight).astype(np.float32),
        "openings": openings,
        "openings_weight": np.where(by_hand, sources.annotated68, fitted * sources.fitted_openings).astype(np.float32)
        * weight,
        "down": down,
        "size": np.float64(size),
        "visible": visible,
        "visible_weight": visible_weight * weight,
        "skin": own,
        "skin_weight": np.where(known == 1, weight, np.float32(0)),
        "expression": portrait.expression,
        "gaze": portrait.gaze,
        "rotation": portrait.rotation,
        "fit_weight": weight,
    }


def _visibility(portrait: Portrait) -> tuple[UInt8[np.ndarray, " N"], Float32[np.ndarray, " N"]]:
    """Return which points are seen, and 1 for those of which it is known.

    The head tells what it hides itself, the classes tell what hair hides, and what the committee sees is seen. Of the rest,
    such as a forehead without classes, nobody knows.
    """
    at = np.floor(portrait.dense).astype(int)
    inside = ((at >= 0) & (at < len(portrait.classes))).all(1)
    at = np.clip(at, 0, len(portrait.classes) - 1)
    shown = np.where(inside, portrait.classes[at[:, 1], at[:, 0]], UNKNOWN)
    own = np.isin(shown, OWN_SURFACE)
    read = np.zeros(len(own), bool)
    read[:68] = portrait.trusted68
    known = ~portrait.visible | (shown != UNKNOWN) | read
    seen = portrait.visible & np.where(shown == UNKNOWN, read, own)
    return seen.astype(np.uint8), known.astype(np.float32)


def _halved(classes: np.ndarray) -> np.ndarray:
    side = len(classes) // 2
    return classes.reshape(side, 2, side, 2).transpose(0, 2, 1, 3)


def join_rows(parts: list[Rows]) -> Rows:
    """Concatenate batches of rows."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def stack_rows(rows: list[Rows]) -> Rows:
    """Stack single rows to a batch."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def tensor_of(values: np.ndarray) -> torch.Tensor:
    """Return a float32 tensor of labels or weights."""
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
