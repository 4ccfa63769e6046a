"""Pictures as PNG and JPEG bytes, without any metadata.

H rows, W columns.

Pixels come in as arrays, so nothing of a photo's EXIF, GPS, thumbnail or color profile can slip
through.
"""

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image


def png(rgb: UInt8[np.ndarray, "H W 3"]) -> bytes:
    """A PNG file of an sRGB picture."""
    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "PNG", compress_level=6)
    return store.getvalue()


def jpeg(rgb: UInt8[np.ndarray, "H W 3"], *, quality: int = 90) -> bytes:
    """A JPEG file of an sRGB picture, colors at full resolution (no chroma subsampling)."""
    store = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    picture.save(store, "JPEG", quality=quality, subsampling=0, optimize=True)
    return store.getvalue()
