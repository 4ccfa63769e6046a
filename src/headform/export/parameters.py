"""`parameters.npz`: all numbers of a reconstruction, by name.

V vertices, F triangles, N dense points, K identity modes, E expressions, A albedo modes.

| name | shape, type | meaning |
|---|---|---|
| `identity`, `expression`, `albedo` | (K,), (E,), (A,) float32 | coefficients; order of modes |
| `expression_names` | (E,) text | order of the expression |
| `gaze` | (2,) float32 | yaw to the subject's left, pitch upwards, radians |
| `light` | (9, 3) float32 | spherical harmonics of the shading, linear RGB, camera frame |
| `vertices` | (V, 3) float32 | meters, head frame, with expression and gaze |
| `neutral` | (V, 3) float32 | meters, head frame, identity only |
| `faces` | (F, 3) int32 | counter-clockwise seen from outside |
| `K`, `R`, `t` | (3, 3), (3, 3), (3,) float64 | pixel ~ K (R X + t), x right, y down, z forward |
| `image_size` | (2,) int32 | width, height of the upright photo in pixels |
| `landmarks68` | (68, 2) float32 | pixels, iBUG's order |
| `dense`, `dense_sigma` | (N, 2), (N,) float32 | pixels |
| `head_name`, `head_sha256` | text | the head model |

Pixels have their origin at the top-left corner of the photo.
"""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def encode(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode a compressed npz file; the same arrays always give the same bytes.

    Args:
        arrays: Arrays by name; numbers and text, no objects.

    Returns:
        Bytes of a file for `np.load` (without `allow_pickle`).

    Raises:
        ValueError: an array holds objects, which only pickle could store, or NaN or infinity.
    """
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in arrays.items():
            value = np.asarray(array)
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise ValueError(f"{name!r} holds NaN or infinity")
            # numpy's own savez stamps the clock into the file.
            info = zipfile.ZipInfo(f"{name}.npy", date_time=_FIXED_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, encode_array(value))
    return store.getvalue()


def encode_array(array: np.ndarray) -> bytes:
    """Encode an npy file.

    Raises:
        ValueError: the array holds objects.
    """
    member = io.BytesIO()
    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return member.getvalue()
