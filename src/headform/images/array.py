"""Conversion of a picture in memory to a `Photo`, by stated rules instead of guesses.

H rows, W columns, C channels.
"""

import numpy as np
import torch
from jaxtyping import Shaped
from PIL import Image

from headform.errors import InputError
from headform.images._color import BACKGROUND, INVISIBLE_ALPHA
from headform.images._depth import sixteen_to_eight
from headform.images.photo import Photo, check_size
from headform.images.pillow_image import from_pillow

_WHERE = "image array"
_NAME = "array"
_SLACK = 1e-3  # tolerance beyond [0, 1], since resizing overshoots


def from_array(array: object, *, name: str = _NAME) -> Photo:
    """Convert an array to a photo, taking it as an upright sRGB picture, red first.

    Args:
        array: numpy array, torch tensor on any device, or anything that numpy can read, of shape
            (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with straight alpha, which is shown on white.
            An alpha of 0 everywhere is ignored. uint8 is used unchanged; uint16 is scaled from 0..65535, or from the
            range of 8, 10 or 12 bits where that holds all values; floating point must be finite and lie in 0..1. BGR
            arrays cannot be detected and must be flipped by the caller (`array[..., ::-1]`). A Pillow image goes to
            `from_pillow`.
        name: Stem of the names of outputs.

    Raises:
        InputError: `image_array` for other shapes (channels first included), other types, values
            out of range, NaN or infinity; `image_too_large`, `image_aspect`.
        FaceError: `face_too_small`.
    """
    if isinstance(array, Image.Image):
        return from_pillow(array, name=None if name == _NAME else name)
    values = _as_numpy(array)
    if values.size == 0:
        raise _refused(f"it is empty, shape {values.shape}")
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4):
        advice = "pass (H, W, 3)"
        if values.ndim == 3 and values.shape[0] in (1, 3, 4):
            advice = "channels go last: array.transpose(1, 2, 0), or tensor.permute(1, 2, 0)"
        raise _refused(f"its shape is {tuple(values.shape)}", advice)
    height, width, channels = values.shape
    check_size(width, height, _WHERE)
    notes: list[str] = []
    eight = _to_eight_bits(values, notes)
    if channels == 4 and eight[..., 3].max() <= INVISIBLE_ALPHA:
        notes.append("transparent everywhere: the colors are used as if opaque")
        eight = eight[..., :3]
    elif channels == 4:
        if eight[..., 3].min() < 255:
            notes.append("transparent pixels shown on white")
        alpha = eight[..., 3:].astype(np.float32) / 255
        white = np.array(BACKGROUND, np.float32)
        over = eight[..., :3] * alpha + white * (1 - alpha)
        eight = np.rint(over).astype(np.uint8)
    rgb = np.broadcast_to(eight, (height, width, 3))
    return Photo(np.array(rgb, order="C"), tuple(notes), name)  # a copy: the caller may reuse the array


def _as_numpy(array: object) -> Shaped[np.ndarray, "..."]:
    if isinstance(array, torch.Tensor):
        plain = array.detach().cpu()
        return np.asarray(plain.float() if plain.dtype == torch.bfloat16 else plain.numpy())
    if not isinstance(array, np.ndarray) and not hasattr(array, "__array__"):
        raise _refused(f"a {type(array).__name__} is not an array", "pass a numpy array or a tensor")
    return np.asarray(array)


def _to_eight_bits(values: Shaped[np.ndarray, "H W C"], notes: list[str]) -> Shaped[np.ndarray, "H W C"]:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.uint16:
        return _sixteen(values, notes)
    if not np.issubdtype(values.dtype, np.floating):
        advice = "pass uint8, uint16 or floats in 0..1"
        raise _refused(f"its type is {values.dtype}", advice)
    if not np.isfinite(values).all():
        raise _refused("it holds NaN or infinity")
    low, high = float(values.min()), float(values.max())
    if low < -_SLACK or high > 1 + _SLACK:
        advice = "divide by 255, or pass uint8" if low >= 0 and high <= 256 else ""
        raise _refused(f"floats must lie in 0..1, these span {low:.4g} to {high:.4g}", advice)
    notes.append(f"{values.dtype} scaled to 8 bits")
    eight: Shaped[np.ndarray, "H W C"] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return eight


def _sixteen(values: Shaped[np.ndarray, "H W C"], notes: list[str]) -> Shaped[np.ndarray, "H W C"]:
    """Scale colors by the depth that they need; alpha, which is often full where they are not, by its own."""
    if values.shape[2] < 4:
        return sixteen_to_eight(values, notes.append)
    colors, alpha = sixteen_to_eight(values[..., :3], notes.append), sixteen_to_eight(values[..., 3:])
    return np.concatenate([colors, alpha], axis=2)


def _refused(what: str, advice: str = "") -> InputError:
    return InputError("image_array", f"the array is not a picture: {what}", _WHERE, advice)
