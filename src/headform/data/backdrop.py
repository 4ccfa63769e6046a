"""Even backdrop of a studio portrait, by its color.

H W of the photo. A backdrop is a smooth surface of color: a low polynomial through the picture's upper borders, drawn over
the whole picture, tells it from hair and shoulders, a matte that no hand has to paint.
"""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import gaussian_filter

BORDER = 0.08
"""Width of the strips along the top and the sides from which the backdrop's color is taken, in picture widths."""
SIDES = 0.45
"""Share of the picture's height down to which the strips at the sides run: below, shoulders reach the border."""
UPPER = 0.6
"""Share of the picture's height that takes part in the last fits, where it has the backdrop's color."""
NEAR, FAR = 12.0, 32.0
"""Distance in sRGB levels up to which a pixel is backdrop, and from which it is not; single hairs lie between."""
FIRST = 45.0
"""Distance from the strips' commonest color up to which pixels take part in the first fit, sRGB levels."""
_BIN = 24
"""Levels to a side of the cells in which colors are counted."""
_ROUNDS = 8
_KEPT = 2.5
"""Multiple of the median distance within which pixels of the strips take part in the next fit."""


def backdrop_distance(rgb: UInt8[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W"]:
    """Compute the distance of each pixel from the color of the backdrop there, sRGB levels."""
    height, width = rgb.shape[:2]
    smooth = gaussian_filter(rgb.astype(np.float32), (0.6, 0.6, 0))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x / width * 2 - 1, y / height * 2 - 1
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, x * x * y, y * y * y], -1)
    rows, columns = int(BORDER * width), int(SIDES * height)
    strip = np.zeros((height, width), bool)
    strip[:rows] = True
    strip[:columns, :rows] = strip[:columns, -rows:] = True
    upper = np.zeros_like(strip)
    upper[: int(UPPER * height)] = True
    kept = strip & (np.linalg.norm(smooth - _commonest(smooth[strip]), axis=-1) < FIRST)
    surface = np.zeros_like(smooth)
    for number in range(_ROUNDS):
        factors, *_rest = np.linalg.lstsq(terms[kept], smooth[kept], rcond=None)
        surface = terms @ factors
        distance = np.linalg.norm(smooth - surface, axis=-1)
        limit = max(_KEPT * float(np.median(distance[kept])), NEAR / 2)
        kept = (strip if number < _ROUNDS // 2 else upper) & (distance <= limit)
    return np.asarray(np.linalg.norm(smooth - surface, axis=-1))


def backdrop_masks(
    rgb: UInt8[np.ndarray, "H W 3"],
) -> tuple[Bool[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Mask the pixels that are surely backdrop, and those that surely are not."""
    distance = backdrop_distance(rgb)
    return distance <= NEAR, distance >= FAR


def _commonest(colors: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3"]:
    """Return the mean of the colors in the fullest cell of a coarse histogram."""
    cells = (colors // _BIN).astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    names, counts = np.unique(cells, return_counts=True)
    return np.asarray(colors[cells == names[counts.argmax()]].mean(0))
