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
from headform.geometry.polyline import nearest_on
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
EAR_FRONT = ((109, 185, 110, 186, 111), (112, 187, 113, 188, 114))
"""Lines along which the ears meet the face, from top to lobe."""
EAR_RIM = ((109, 115, 116, 117, 118, 119, 111), (112, 120, 121, 122, 123, 124, 114))
HAIRLINE = (109, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 112)
HAIR_OUTLINE = (145, 146, 147, 148, 149, 150, 151, 152, 153, 154, 155, 156, 157)
"""Outline of the hair over the crown; below the tops of the ears it lies beside the head, whether hair is there or not."""
CORNERS68 = {36: 18, 39: 22, 42: 23, 45: 27, 48: 87, 54: 93}
"""Annotated points that are single points of the 68, too."""
FACE = (*HAIRLINE, *EAR_FRONT[1][1:], *JAW[-2:0:-1], *EAR_FRONT[0][:0:-1])
"""Closed outline: hairline, the fronts of the ears, jaw."""

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


def curves68() -> dict[int, tuple[int, ...]]:
    """Map each of the 68 points to the annotated polyline on which it lies, where there is one."""
    found: dict[int, tuple[int, ...]] = {}
    for eye in range(2):
        first = 36 + 6 * eye
        found |= dict.fromkeys((first + 1, first + 2), UPPER_LID[eye])
        found |= dict.fromkeys((first + 4, first + 5), LOWER_LID[eye])
        found |= dict.fromkeys(range(17 + 5 * eye, 22 + 5 * eye), BROW_UPPER[eye])
    found |= dict.fromkeys(range(49, 54), LIP_OUTER_UPPER) | dict.fromkeys(range(55, 60), LIP_OUTER_LOWER)
    found |= dict.fromkeys((61, 62, 63), LIP_INNER_UPPER) | dict.fromkeys((65, 66, 67), LIP_INNER_LOWER)
    return found | dict.fromkeys(range(2, 15), JAW)


def onto_annotation(points68: Float64[np.ndarray, "68 2"], face: AnnotatedFace) -> Float64[np.ndarray, "68 2"]:
    """Move the 68 points onto the annotated curves on which they lie, and corners onto corners; the others stay.

    Args:
        points68: rough points, pixels of the annotated photo.
        face: the annotation.
    """
    moved = np.array(points68, np.float64)
    for point, curve in curves68().items():
        line = face.points[list(curve)]
        foot = nearest_on(moved[point], line)
        if np.allclose(foot, line[0]) or np.allclose(foot, line[-1]):
            # the annotated jaw begins at the ear's lobe, that of the 68 points above: the middle is taken
            foot = (foot + moved[point]) / 2
        moved[point] = foot
    for point, mark in CORNERS68.items():
        moved[point] = face.points[mark]
    return moved
