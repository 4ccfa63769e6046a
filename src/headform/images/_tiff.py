"""Tags of TIFF files that Pillow passes over: raw files of cameras, huge tiles, inverted and unsigned deep grays.

Tag numbers: TIFF 6.0 (Aldus 1992); 50706: Adobe's DNG.
"""

import numpy as np
from PIL import Image, TiffImagePlugin

from headform.errors import InputError
from headform.images._depth import sixteen_to_eight
from headform.images.photo import MAX_PIXELS

_SUBFILE, _BITS, _PHOTOMETRIC, _ORIENTATION, _PLANAR, _SUB_IFDS, _SAMPLE_FORMAT = 254, 258, 262, 274, 284, 330, 339
_DNG = 50706
_TILE_SIZE = (322, 323)
_WHITE_IS_ZERO, _SEPARATE_PLANES = 0, 2


def check_tiff(picture: TiffImagePlugin.TiffImageFile, where: str) -> list[str]:
    """Check the tags of an opened TIFF before its pixels are decoded; return notes.

    Raises:
        InputError: `image_format` for raw files of cameras and for layouts that Pillow would mix up, `image_too_large` for
            tiles larger than any picture may be.
    """
    tags = picture.tag_v2
    subfile = tags.get(_SUBFILE, 0)
    if _DNG in tags or (isinstance(subfile, int) and subfile & 1 and _SUB_IFDS in tags):
        what = "the file is a camera's raw file, of which only the preview could be read"
        raise InputError("image_format", what, where, "develop it to JPEG or TIFF")
    bits = tags.get(_BITS, (1,))
    if tags.get(_PLANAR) == _SEPARATE_PLANES and max(bits) > 8 and len(bits) > 1:
        what = "this variant of TIFF is not read: 16 bits with one plane for each color"
        raise InputError("image_format", what, where, "save it with interleaved colors, or as PNG")
    tile = [tags.get(tag, 1) for tag in _TILE_SIZE]
    if all(isinstance(side, int) for side in tile) and tile[0] * tile[1] > MAX_PIXELS:
        what = f"the TIFF has tiles of {tile[0]}x{tile[1]} pixels"
        raise InputError("image_too_large", what, where, "save it again")
    notes = []
    if picture.is_animated:
        notes.append("several pages: only the first is used")
    turn = tags.get(_ORIENTATION, 1)  # Pillow itself turns TIFF files
    if isinstance(turn, int) and 2 <= turn <= 8:
        notes.append(f"turned upright (EXIF orientation {turn})")
    return notes


def mended_gray(picture: TiffImagePlugin.TiffImageFile, notes: list[str]) -> Image.Image:
    """Return a loaded TIFF, in 8 bits where Pillow gives deep grays inverted or with a wrong sign."""
    tags = picture.tag_v2
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO and picture.mode in ("I;16", "I;16B", "I", "F")
    unsigned = picture.mode == "I" and max(tags.get(_BITS, (1,))) == 32 and tags.get(_SAMPLE_FORMAT, (1,))[0] == 1
    if picture.mode == "F" or not (inverted or unsigned):
        return picture
    values = np.asarray(picture)
    if unsigned:
        values = values.astype(np.int64) & 0xFFFFFFFF
    eight = sixteen_to_eight(values, notes.append)
    gray = Image.fromarray(255 - eight if inverted else eight)
    gray.info = dict(picture.info)
    return gray
