"""Conversion of a Pillow image to a `Photo`, as if it came from a file."""

import warnings
from pathlib import Path

from PIL import Image

from headform.errors import InputError, ResourceError
from headform.images._upright import upright_srgb
from headform.images.photo import Photo, check_size

_WHERE = "PIL image"


def from_pillow(picture: Image.Image, *, name: str | None = None) -> Photo:
    """Convert a Pillow image of any mode to a photo; the image itself is left as it is.

    As for files, its EXIF orientation is applied, an embedded color profile converted to sRGB, more than 8 bits are scaled
    to 8, and transparent pixels are shown on white. Of several frames the current one is used.

    Args:
        picture: Image, loaded or not.
        name: Stem of the names of outputs; by default that of the file from which it was opened, else "image".

    Raises:
        InputError: `image_array` for an image that was closed before it was loaded, `image_truncated` or `image_corrupt`
            for a file that cannot be decoded, `image_format` for a mode without a conversion, `image_too_large`,
            `image_aspect`.
        FaceError: `face_too_small`.
        ResourceError: `out_of_memory`.
    """
    check_size(*picture.size, _WHERE)
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = picture.copy()
        except MemoryError as cause:
            raise ResourceError("out_of_memory", "not enough memory to decode", _WHERE) from cause
        except Exception as cause:  # the plugin of any format, which may raise anything
            raise _refusal(cause) from cause
        exif = picture.info.get("exif")
        if exif is not None:
            loaded.info.setdefault("exif", exif)
        rgb = upright_srgb(loaded, notes, _WHERE)
    notes += [f"decoder: {str(warning.message).strip()[:120]}" for warning in caught]
    if name is None:
        name = Path(getattr(picture, "filename", "") or "image").stem
    return Photo(rgb, tuple(dict.fromkeys(notes)), name)


def _refusal(cause: Exception) -> InputError:
    reason = str(cause) or type(cause).__name__
    if isinstance(cause, AssertionError) or "closed" in reason or "NoneType" in reason:  # no file to read from
        advice = "call picture.load() before its file is closed"
        return InputError("image_array", "the image was closed before its pixels were read", _WHERE, advice)
    code = "image_truncated" if "truncated" in reason.lower() else "image_corrupt"
    return InputError(code, f"cannot be decoded: {reason[:200]}", _WHERE, "save it again")
