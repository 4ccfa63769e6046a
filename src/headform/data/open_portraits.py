"""Open portraits with the 68 points of their largest face: annotated ones with their classes, others without.

H W of a photo. Folders are those of `photos` in the data: `london` and `canada` have hand-placed contours, `congress` none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from headform import images
from headform.data.contour_classes import BAND, contour_classes
from headform.data.contours import read_contours
from headform.errors import FaceError, InputError
from headform.pipeline.reconstructor import Reconstructor

ANNOTATED = ("london", "canada")
PLAIN = ("congress",)
CONTOURS = "landmarks189.json"


@dataclass(frozen=True)
class Portrait:
    """One photo.

    Attributes:
        name: Path under the photos' folder.
        image: sRGB.
        points: The 68 points of the face that the finder reports, pixels.
        classes: Class of each pixel; None where nobody annotated it.
    """

    name: str
    image: UInt8[np.ndarray, "H W 3"]
    points: Float[np.ndarray, "68 2"]
    classes: UInt8[np.ndarray, "H W"] | None = None


def fold_of(name: str, folds: int) -> int:
    """Return the fold of a portrait; photos of one person of `london` share it."""
    folder, _, file = name.partition("/")
    key = f"{folder}/{file[:3]}" if folder == "london" else name
    return sum(ord(letter) * 31**k for k, letter in enumerate(key)) % folds


def annotated_portraits(photos: Path, *, band: float = BAND) -> list[Portrait]:
    """Read the annotated portraits of `london` and `canada`.

    Args:
        photos: Folder that holds them.
        band: See `contour_classes`.

    Raises:
        InputError: `portraits_missing`; those of `read_contours` and `images.read`.
    """
    found = []
    for folder in ANNOTATED:
        path = photos / folder / CONTOURS
        if not path.is_file():
            raise _missing(path)
        contours = {face.photo: face for face in read_contours(path)}
        for photo in _read(photos, [f"{folder}/{name}" for name in contours]):
            face = contours[photo.name.partition("/")[2]]
            found.append(Portrait(photo.name, photo.image, photo.points, contour_classes(face, photo.image, band=band)))
    return found


def plain_portraits(photos: Path, *, limit: int | None = None) -> list[Portrait]:
    """Read the portraits of `congress`, at most `limit` of them, evenly spread over the folder.

    Raises:
        InputError: `portraits_missing`; those of `images.read`.
    """
    names = [f"{folder}/{file.name}" for folder in PLAIN for file in sorted((photos / folder).glob("*.jpg"))]
    if not names:
        raise _missing(photos / PLAIN[0])
    if limit is not None and limit < len(names):
        names = [names[k * len(names) // limit] for k in range(limit)]
    return list(_read(photos, names))


def _read(photos: Path, names: Sequence[str]) -> Iterator[Portrait]:
    """Read photos and find their faces; those without one are left out."""
    finder = Reconstructor.load(landmarks_net="own", texture_size=0)
    for name in names:
        photo = images.read(photos / name)
        try:
            face = finder.find(photo)[0]
        except FaceError:
            continue
        yield Portrait(name, photo.rgb, face.prediction.points[:68].copy())


def _missing(place: Path) -> InputError:
    what = "there are no open portraits"
    return InputError("portraits_missing", what, str(place), "give the folder that holds london, canada and congress")
