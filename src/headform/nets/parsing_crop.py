"""Crops of the parsing network and labels beneath their cells.

S side of the crop, M = S / 2 side of the map, H W of the photo. Pixels have their origin at the top-left corner.
"""

import typing

import numpy as np
from jaxtyping import Bool, Float, UInt8

from headform.geometry.face_classes import OUTSIDE
from headform.images.warp import inverse
from headform.kernels.jit import njit
from headform.nets.parsing_net import INPUT_SIDE, MAP_SIDE


def inside_photo(crop: Float[np.ndarray, "2 3"], size: tuple[int, int]) -> Bool[np.ndarray, "S S"]:
    """Mask the pixels of a crop whose centers lie in a photo of this width and height."""
    out = np.empty((INPUT_SIDE, INPUT_SIDE), np.uint8)
    _sample(np.broadcast_to(np.uint8(0), (size[1], size[0])), np.ascontiguousarray(inverse(crop)), 1.0, out)
    return out == 0


def labels_of_cells(classes: UInt8[np.ndarray, "H W"], crop: Float[np.ndarray, "2 3"]) -> UInt8[np.ndarray, "M M"]:
    """Return the class at the center of each cell of the map; `OUTSIDE` beyond the photo."""
    out = np.empty((MAP_SIDE, MAP_SIDE), np.uint8)
    _sample(np.ascontiguousarray(classes), np.ascontiguousarray(inverse(crop)), INPUT_SIDE / MAP_SIDE, out)
    return out


@njit(cache=True, nogil=True)
@typing.no_type_check
def _sample(classes, back, step, out):
    """Write the class at back (2, 3) times `step` times the pixel centers of out (M, M)."""
    height, width = classes.shape
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            u, v = (x + 0.5) * step, (y + 0.5) * step
            column = int(np.floor(back[0, 0] * u + back[0, 1] * v + back[0, 2]))
            row = int(np.floor(back[1, 0] * u + back[1, 1] * v + back[1, 2]))
            inside = 0 <= column < width and 0 <= row < height
            out[y, x] = classes[row, column] if inside else OUTSIDE
