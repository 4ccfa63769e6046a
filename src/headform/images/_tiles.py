"""Tiles of a picture whose histograms are equalized one by one, and the weights that blend them.

H rows, W columns, N pixels along an axis.
"""

import numpy as np
from jaxtyping import Float32, Int, UInt8

TILES = 4
"""Tiles along each axis: about the size of a head in a portrait."""
_SLOPE = 48.0
"""Greatest slope of a tile's curve: levels that noise and quantization may be pulled apart."""


def tile_curves(luma: UInt8[np.ndarray, "H W"]) -> Float32[np.ndarray, "4 4 256"]:
    """Equalize the histogram of each tile, with limited slope.

    Returns:
        Luma of 0 to 255 for each of the 256 levels.
    """
    height, width = luma.shape
    curves = np.empty((TILES, TILES, 256), np.float32)
    for row in range(TILES):
        band = luma[row * height // TILES : (row + 1) * height // TILES]
        for column in range(TILES):
            tile = band[:, column * width // TILES : (column + 1) * width // TILES]
            share = np.bincount(tile.ravel(), minlength=256) / tile.size
            kept = np.minimum(share, _SLOPE / 256)
            kept += (1 - kept.sum()) / 256
            curves[row, column] = 255 * (np.cumsum(kept) - kept / 2)
    return curves


def tile_weights(length: int, tiles: int) -> tuple[Int[np.ndarray, " N"], Float32[np.ndarray, " N"]]:
    """Return the first of the two tiles between whose centers each pixel of an axis lies, and the second's weight."""
    place = np.clip((np.arange(length) + 0.5) / length * tiles - 0.5, 0, tiles - 1)
    first = np.minimum(place.astype(int), tiles - 2)
    return first, (place - first).astype(np.float32)
