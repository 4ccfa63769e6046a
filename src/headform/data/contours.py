"""Hand-placed contours of faces: lids, lips, brows and jaw as polylines.

The 189-point scheme of Lisa DeBruine's London and Canadian face sets (webmorph), whose points form polylines. Pixel
coordinates have their origin at the top-left corner; files count from the center of the first pixel. Pairs are the
picture's left, then its right: the subject's right and left.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.io.file_bytes import reason_of
from headform.io.json_file import is_file_name, read_json

POINTS = 189
PUPILS = (0, 1)
UPPER_LID = ((18, 19, 20, 21, 22), (23, 24, 25, 26, 27))
LOWER_LID = ((18, 28, 29, 30, 22), (23, 31, 32, 33, 27))
BROW_UPPER = ((71, 72, 73, 74, 75, 76), (77, 78, 79, 80, 81, 82))
BROW_LOWER = ((71, 83, 84, 76), (77, 85, 86, 82))
LIP_OUTER_UPPER = (87, 88, 89, 90, 91, 92, 93)
LIP_OUTER_LOWER = (87, 104, 105, 106, 107, 108, 93)
LIP_INNER_UPPER = (87, 94, 95, 96, 97, 98, 93)
LIP_INNER_LOWER = (87, 99, 100, 101, 102, 103, 93)
JAW = (111, 125, 126, 127, 128, 129, 130, 131, 132, 133, 114)

_CENTER = 0.5
_MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class AnnotatedFace:
    """One annotated face.

    Attributes:
        photo: the photo's file, relative to the annotation file's folder.
        points: (189, 2) pixels, origin at the corner.
    """

    photo: str
    points: Float64[np.ndarray, "189 2"]

    @property
    def pupil_distance(self) -> float:
        """Pixels between the pupils."""
        return float(np.linalg.norm(self.points[PUPILS[0]] - self.points[PUPILS[1]]))


def read_contours(path: Path) -> list[AnnotatedFace]:
    """Read a JSON object whose `faces` hold `file` and `points`, 189 pairs of pixels from the first pixel's center.

    Raises:
        InputError: `annotations_unreadable`, `annotations_invalid`.
    """
    where = str(path)
    try:
        content = read_json(path, _MAX_BYTES)
    except OSError as error:
        what = f"the annotations cannot be read: {reason_of(error)}"
        raise InputError("annotations_unreadable", what, where) from error
    except ValueError as error:
        what = f"the annotations are not JSON: {error!s:.120}"
        raise InputError("annotations_invalid", what, where) from error
    faces = content.get("faces") if isinstance(content, dict) else None
    if not isinstance(faces, list) or not faces:
        what = "the annotations hold no list of faces"
        raise InputError("annotations_invalid", what, where, _WANTED)
    return [_face(entry, number, where) for number, entry in enumerate(faces)]


_WANTED = 'give a file like {"faces": [{"file": "001.jpg", "points": [[x, y], … 189 of them]}]}'


def _face(entry: object, number: int, where: str) -> AnnotatedFace:
    file = entry.get("file") if isinstance(entry, dict) else None
    try:
        points = np.array(entry["points"], np.float64)  # type: ignore[index]
    except (KeyError, TypeError, ValueError, OverflowError):
        points = np.zeros((0, 2))
    if (
        not is_file_name(file)
        or not isinstance(file, str)
        or points.shape != (POINTS, 2)
        or not np.isfinite(points).all()
    ):
        what = f"face {number} has no file or not {POINTS} finite points"
        raise InputError("annotations_invalid", what, where, _WANTED)
    face = AnnotatedFace(file, points + _CENTER)
    if face.pupil_distance == 0:
        what = f"both pupils of face {number} lie in one place"
        raise InputError("annotations_invalid", what, where, "errors are measured by their distance")
    return face
