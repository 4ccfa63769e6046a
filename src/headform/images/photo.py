"""The input of all later stages: one upright picture in 8-bit sRGB, of limited size.

H rows, W columns of pixels.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from headform.errors import FaceError, InputError

MAX_PIXELS = 50_000_000
"""Limit of a picture in memory; larger JPEG files are decoded at 1/2, 1/4 or 1/8."""

MAX_ASPECT = 16.0
"""Longest side over shortest; a 1 by 30000 strip is not a photo."""

MIN_SIDE = 12
"""Shortest side, pixels; below it no face can be measured."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes:
        rgb: Upright sRGB (gamma-encoded) pixels, red first, row 0 on top, C-contiguous. The center
            of the first pixel is at (0.5, 0.5).
        notes: Changes and ignored data of the conversion, one clause each, for the report.
        name: Stem of the file's name, or "array".
        reduction: Pixels of the original per pixel of `rgb`, along each axis: 1, or 2, 4, 8 where
            a giant JPEG was decoded at that fraction.
    """

    rgb: UInt8[np.ndarray, "H W 3"]
    notes: tuple[str, ...] = ()
    name: str = "array"
    reduction: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `rgb` in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]


def check_size(width: int, height: int, where: str, *, max_pixels: int = MAX_PIXELS) -> None:
    """Raise an error for sizes that no photo has, before anything of that size is allocated.

    Raises:
        InputError: `image_corrupt` (no pixels), `image_aspect` or `image_too_large`.
        FaceError: `face_too_small` when a side is under `MIN_SIDE` pixels.
    """
    if width < 1 or height < 1:
        raise InputError("image_corrupt", f"the picture has {width}x{height} pixels", where)
    if max(width, height) > MAX_ASPECT * max(min(width, height), MIN_SIDE):
        raise InputError(
            "image_aspect",
            f"the picture has {width}x{height} pixels, but longest over shortest side must be at most {MAX_ASPECT:g}",
            where,
            "crop it around the face",
        )
    if width * height > max_pixels:
        raise InputError(
            "image_too_large",
            f"{width}x{height} is {width * height / 1e6:.0f} megapixels, the limit is {max_pixels / 1e6:.0f}",
            where,
            "scale it down",
        )
    if min(width, height) < MIN_SIDE:
        raise FaceError(
            "face_too_small",
            f"the whole picture is {width}x{height} pixels; a face needs {MIN_SIDE} or more",
            where,
            "use a larger picture",
        )
