"""Checks of a head model's arrays: finite numbers, indices in range, shapes."""

import numpy as np

from headform.errors import WeightsError

ORIGINAL_FILE = "use the publisher's original file"
GET_AGAIN = "get the model again from its publisher"


def check_finite(where: str, **arrays: np.ndarray | None) -> None:
    """Refuse NaN and infinity.

    Raises:
        WeightsError: ``model_not_finite``.
    """
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            raise WeightsError("model_not_finite", f"`{name}` holds NaN or infinity", where, GET_AGAIN)


def check_indices(where: str, limit: int, **arrays: np.ndarray | None) -> None:
    """Refuse indices outside 0 ... limit - 1.

    Raises:
        WeightsError: ``model_index``.
    """
    for name, array in arrays.items():
        if array is None or not array.size:
            continue
        low, high = int(array.min()), int(array.max())
        if low < 0 or high >= limit:
            what = f"`{name}` runs from {low} to {high}, expected 0 to {limit - 1}"
            raise WeightsError("model_index", what, where, GET_AGAIN)


def check_shape(where: str, name: str, array: np.ndarray, *expected: int | None) -> None:
    """Refuse an array of another shape; None stands for any length.

    Raises:
        WeightsError: ``model_shape``.
    """
    good = array.ndim == len(expected) and all(e in (None, n) for n, e in zip(array.shape, expected, strict=True))
    if not good:
        wanted = " x ".join("any" if e is None else str(e) for e in expected)
        what = f"`{name}` is {' x '.join(map(str, array.shape)) or 'one number'}, expected {wanted}"
        raise WeightsError("model_shape", what, where, ORIGINAL_FILE)
