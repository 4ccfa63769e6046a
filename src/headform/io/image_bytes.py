"""Encoding of pictures as PNG and JPEG, without metadata.

H rows, W columns.

Pixels are passed as arrays, so that no EXIF, GPS, thumbnail or color profile of a photo is written.
"""

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image


def png(rgb: UInt8[np.ndarray, "H W *channels"]) -> bytes:
    """Encode an sRGB picture (H, W, 3) or a mask (H, W) as PNG."""
    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "PNG", compress_level=6)
    return store.getvalue()


def jpeg(rgb: UInt8[np.ndarray, "H W 3"], *, quality: int = 90) -> bytes:
    """Encode an sRGB picture as JPEG without chroma subsampling."""
    store = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    picture.save(store, "JPEG", quality=quality, subsampling=0, optimize=True)
    return store.getvalue()
