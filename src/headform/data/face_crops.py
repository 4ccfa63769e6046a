"""Crops of photos for training: the loose square of the largest face, its 68 points and the bare surface of the head.

S side of a crop. Pixel coordinates have their origin at the top-left corner.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Float32, UInt8

from headform import images
from headform.data.layouts.photo_set import FaceMark
from headform.data.portrait_writer import LEAST_FACE, MOST_UNSEEN
from headform.errors import HeadformError
from headform.geometry.landmarks68 import five_points
from headform.images.warp import apply, inverse, square_matrix, warp
from headform.nets.crop_geometry import EyeFrame, loose_square
from headform.pipeline.head_surface import surface_in_photo
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor

_SURFACE = 0.5
"""Trust from which a pixel counts as bare surface."""


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """Crop of a face.

    Attributes:
        image: sRGB; beyond the photo its border is repeated.
        points68: Pixels of the crop; NaN for covered points and those beyond the photo.
        skin: 255 where the photo shows the bare surface of the head.
    """

    image: UInt8[np.ndarray, "S S 3"]
    points68: Float32[np.ndarray, "68 2"]
    skin: UInt8[np.ndarray, "S S"]


class Cropper(Protocol):
    """Maker of crops."""

    def crop(self, path: Path, mark: FaceMark | None = None) -> FaceCrop | str:
        """Return the crop of a photo's marked face, or the reason for which the photo is dropped: a stable code."""


class FaceCropper:
    """Crops by the networks and the fit that `headform reconstruct` uses.

    Args:
        side: Side S of the crops, pixels.
        keep_doubtful: True to keep faces whose landmarks are doubtful (`low_confidence`) or covered.
    """

    def __init__(self, side: int, *, keep_doubtful: bool = False) -> None:
        self._side, self._keep = side, keep_doubtful
        self._reconstructor = Reconstructor.load(texture_size=0)

    def crop(self, path: Path, mark: FaceMark | None = None) -> FaceCrop | str:
        """Return the crop of the marked or largest face of a photo, or the reason for which the photo is dropped.

        Reasons: the codes of `images.read` and `Reconstructor.reconstruct` (such as `image_corrupt`, `no_face`),
        `another_face` where none is found at the mark, `face_small`, `face_covered`, `low_confidence`.
        """
        try:
            face = self._face(images.read(path), mark)
        except HeadformError as error:
            if error.code == "out_of_memory":
                raise
            return error.code
        if face is None:
            return "another_face"
        if EyeFrame.of(face.points68).size < LEAST_FACE:
            return "face_small"
        if not self._keep and sum(state != "seen" for state in face.states68) > MOST_UNSEEN:
            return "face_covered"
        if not self._keep and face.status != "ok":
            return "low_confidence"
        cut = cut_face(face, self._side)
        if not np.isfinite(five_points(cut.points68)).all():  # the face encoder's crop needs them
            return "face_covered"
        return cut

    def _face(self, photo: images.Photo, mark: FaceMark | None) -> Reconstruction | None:
        """Return the face at the mark, the largest without one; None where there is none."""
        (largest,) = self._reconstructor.reconstruct(photo)
        if mark is None or _apart(largest, mark) <= mark.reach:
            return largest
        nearest = min(self._reconstructor.reconstruct(photo, people="all"), key=lambda face: _apart(face, mark))
        return nearest if _apart(nearest, mark) <= mark.reach else None


def _apart(face: Reconstruction, mark: FaceMark) -> float:
    """Return the distance of the middle of a face's five points from a mark, pixels."""
    return mark.distance(five_points(face.points68).mean(0))


def cut_face(face: Reconstruction, side: int) -> FaceCrop:
    """Cut the loose square out of the photo of a reconstruction.

    Args:
        face: Reconstruction.
        side: Side S of the crop, pixels.
    """
    matrix = square_matrix(*loose_square(face.points68), side)
    points = apply(matrix, face.points68).astype(np.float32)
    points[[state != "seen" for state in face.states68]] = np.nan
    bare = np.zeros((side, side), np.float32)
    if face.parsed is not None:
        to_photo = np.vstack([inverse(matrix), [0, 0, 1]])
        bare = surface_in_photo(replace(face.parsed, crop=face.parsed.crop @ to_photo), (side, side))
    middles = np.arange(side) + 0.5
    corners = apply(inverse(matrix), np.column_stack([middles, middles]))
    inside = (corners > 0) & (corners < face.image_size)
    seen = inside[None, :, 0] & inside[:, None, 1]
    skin = np.where((bare >= _SURFACE) & seen, 255, 0).astype(np.uint8)
    return FaceCrop(warp(face.photo, matrix, side), points, skin)
