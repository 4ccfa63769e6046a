"""Colors of 10 or 12 bits in files of 16, of which Pillow keeps the upper byte alone: 4 bits of them or fewer.

H rows, W columns, C channels.
"""

import re
import sys
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFile

from headform.images._depth import sixteen_to_eight

_RAW_MODE = re.compile(r"RGB[AX]?;16[BLN]")
_NATIVE = "L" if sys.byteorder == "little" else "B"
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if _NATIVE == "L" else "L"}
"""Order of bytes to decode with, for the byte that Pillow drops."""
_SHALLOW = 16
"""Upper byte below which a color of 16 bits has no more than 12."""
_COLORS = 3


def is_deep_color(picture: ImageFile.ImageFile) -> bool:
    """Return whether a picture that is not loaded yet stores colors of 16 bits, one pixel after the other."""
    modes = [_raw_mode(tile) for tile in picture.tile]
    return bool(modes) and all(_RAW_MODE.fullmatch(mode) for mode in modes)


def scaled_color(
    picture: ImageFile.ImageFile, reopened: Callable[[], ImageFile.ImageFile], notes: list[str]
) -> Image.Image:
    """Return a loaded picture of 16 bits a color in 8 bits, scaled by the depth in use where that is 12 bits or fewer.

    Args:
        picture: Loaded picture for which `is_deep_color` was true.
        reopened: Function that opens the same file again, without loading it.
        notes: List to which the scale is added.
    """
    upper = np.asarray(picture)
    if upper[..., :_COLORS].max(initial=0) >= _SHALLOW:
        return picture
    again = reopened()
    again.tile = [_with_other_byte(tile) for tile in again.tile]
    again.load()
    values = upper.astype(np.uint16) << 8 | np.asarray(again)
    eight: UInt8[np.ndarray, "H W C"] = upper.copy()
    eight[..., :_COLORS] = sixteen_to_eight(values[..., :_COLORS], notes.append)
    if eight.shape[-1] > _COLORS and upper[..., _COLORS].max(initial=0) < _SHALLOW:
        eight[..., _COLORS] = sixteen_to_eight(values[..., _COLORS])  # opacity in the same depth
    scaled = Image.fromarray(eight)
    scaled.info = dict(picture.info)
    return scaled


def _raw_mode(tile: ImageFile._Tile) -> str:
    arguments = tile.args
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _with_other_byte(tile: ImageFile._Tile) -> ImageFile._Tile:
    mode = _raw_mode(tile)
    other = mode[:-1] + _OTHER_BYTE[mode[-1]]
    return tile._replace(args=(other, *tile.args[1:]) if isinstance(tile.args, tuple) else other)
