"""Conversion of a decoded picture to upright sRGB pixels.

H rows, W columns.
"""

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from headform.errors import InputError, ResourceError
from headform.images._color import to_srgb

_ORIENTATION = 0x0112
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright_srgb(picture: Image.Image, notes: list[str], where: str) -> UInt8[np.ndarray, "H W 3"]:
    """Turn a loaded picture upright by its EXIF orientation, and convert it to 8-bit sRGB.

    Args:
        picture: Loaded picture of any mode.
        notes: List to which each change is added, one clause each.
        where: Place named by errors.

    Raises:
        InputError: `image_format` for modes without a conversion.
        ResourceError: `out_of_memory`.
    """
    try:
        return np.ascontiguousarray(np.asarray(to_srgb(_upright(picture, notes), notes.append)))
    except MemoryError as cause:
        raise ResourceError("out_of_memory", "not enough memory to convert the picture", where) from cause
    except (ValueError, OSError) as cause:
        what = f"pixels of the mode {picture.mode} cannot be converted to sRGB: {cause}"
        raise InputError("image_format", what, where, "save it as JPEG, PNG or WebP") from cause


def _upright(picture: Image.Image, notes: list[str]) -> Image.Image:
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception as damage:  # a broken tag block may raise anything; the pixels are fine
        notes.append(f"damaged EXIF ignored: {type(damage).__name__}")
        return picture
    turn = _TURN.get(value) if isinstance(value, int) else None
    if turn is None:
        return picture
    profile = picture.info.get("icc_profile")
    turned = picture.transpose(turn)
    turned.info = {**picture.info, "icc_profile": profile}
    notes.append(f"turned upright (EXIF orientation {value})")
    return turned
