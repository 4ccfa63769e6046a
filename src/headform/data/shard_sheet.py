"""Contact sheet of samples: the picture, and beside it points and mask."""

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from headform.data.shards import ShardSet

_COLUMNS = 6
_TINT = np.array([60, 220, 60])
"""Color of the mask, sRGB."""
_TINTED = 0.35
"""Share of that color where the mask is set."""


def shard_sheet(samples: ShardSet, *, most: int = 48) -> UInt8[np.ndarray, "H W 3"]:
    """Draw up to `most` samples, spread evenly over the set.

    Raises:
        InputError: `dataset_damaged`.
    """
    count = min(most, len(samples))
    side = samples.side
    columns = min(_COLUMNS, count)
    sheet = Image.new("RGB", (2 * side * columns, side * -(-count // columns)))
    for k in range(count):
        sample = samples[k * len(samples) // count]
        x, y = 2 * side * (k % columns), side * (k // columns)
        sheet.paste(Image.fromarray(sample.image), (x, y))
        tinted = sample.image.astype(np.float64)
        if sample.skin is not None:
            tinted = np.where(sample.skin[..., None] > 0, (1 - _TINTED) * tinted + _TINTED * _TINT, tinted)
        picture = Image.fromarray(tinted.astype(np.uint8))
        draw = ImageDraw.Draw(picture)
        for px, py in sample.points68[~np.isnan(sample.points68).any(1)]:
            draw.ellipse((float(px) - 2, float(py) - 2, float(px) + 1, float(py) + 1), fill=(255, 60, 60))
        sheet.paste(picture, (x + side, y))
    return np.asarray(sheet)
