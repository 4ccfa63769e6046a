"""The real photos with 68 points, one entry per photo."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from headform.nets.detection.face import Face

_FIVE = [range(36, 42), range(42, 48), [30], [48], [54]]


@dataclass(frozen=True)
class FacePhoto:
    """A photo and the true 68 points of its annotated faces."""

    name: str
    rgb: np.ndarray
    faces: list[np.ndarray]


def load_photos(data_root: Path) -> list[FacePhoto]:
    folder = data_root / "photos"
    points: dict[str, list[np.ndarray]] = {}
    for entry in json.loads((folder / "landmarks68.json").read_text()):
        points.setdefault(entry["file"], []).append(np.array(entry["points68"]))
    return [FacePhoto(name, read(folder / name), faces) for name, faces in points.items()]


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def box_of(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points.min(0), points.max(0)])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.maximum(sides, 0).prod())
    areas = [float((box[2:] - box[:2]).prod()) for box in (one, other)]
    return common / (sum(areas) - common)


def five_of(points: np.ndarray) -> np.ndarray:
    return np.stack([points[list(part)].mean(0) for part in _FIVE])


def match(faces: list[Face], points: np.ndarray) -> Face | None:
    """The detection that overlaps the true box best, if by more than 0.3."""
    box = box_of(points)
    best = max(faces, key=lambda face: iou(face.box, box), default=None)
    return best if best is not None and iou(best.box, box) > 0.3 else None


def points_error(face: Face, points: np.ndarray) -> float:
    """Mean distance of the five points over √(width × height) of the true box."""
    box = box_of(points)
    distance = np.linalg.norm(face.points5 - five_of(points), axis=1).mean()
    return float(distance / np.sqrt((box[2:] - box[:2]).prod()))
