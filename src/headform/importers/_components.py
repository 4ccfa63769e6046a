"""Principal components as published, turned into displacements per standard deviation; a unit for heads without landmarks.

V vertices, F triangles, K components, N = 3 V coordinates.
"""

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER
from headform.heads.checks import check_finite, check_shape

_HEAD_HEIGHT_M = 0.22
_LARGEST = 1e12


def per_sigma(
    where: str,
    name: str,
    basis: Float[np.ndarray, "N K"],
    variance: Float[np.ndarray, " M"],
) -> tuple[Float[np.ndarray, "K V 3"], Float[np.ndarray, " K"], str]:
    """Components of unit length times the square root of their variance (Blanz & Vetter 1999, eq. 1).

    Components that are as long as their standard deviations are taken as they are: someone has scaled them before.

    Returns:
        Displacements per standard deviation, float32; the standard deviations; a note, empty where there is none.

    Raises:
        WeightsError: ``model_shape`` when there are more or fewer variances than components, ``model_not_finite``,
            ``weights_damaged`` at a negative variance.
    """
    check_shape(where, f"{name} variances", variance, basis.shape[1])
    check_finite(where, **{name: basis, f"{name} variances": variance})
    if len(variance) and variance.min() < 0:
        what = f"a variance of `{name}` is negative: {variance.min():.4g}"
        raise WeightsError("weights_damaged", what, where, "get the model again")
    sigma = np.sqrt(variance.astype(np.float64))
    length = np.sqrt(np.einsum("nk,nk->k", basis, basis, dtype=np.float64))
    scaled = bool(np.allclose(length, sigma, rtol=0.02)) and not np.allclose(length, 1, rtol=0.02)
    factor = np.ones_like(sigma) if scaled else sigma
    flat = np.empty((basis.shape[1], basis.shape[0]), np.float32)
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the head
        np.multiply(basis.T, factor[:, None], out=flat, casting="same_kind")
    modes = flat.reshape(len(flat), basis.shape[0] // 3, 3)
    note = f"the {name} components were already multiplied by their standard deviations"
    return modes, sigma, note if scaled else ""


def numbers(where: str, name: str, value: object) -> Float[np.ndarray, "..."]:
    """A value out of a file as an array of floating-point numbers.

    Raises:
        WeightsError: ``model_shape`` when it is a text, a structure, or the like.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        what = f"`{name}` is no array of numbers"
        raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
    return value if value.dtype.kind == "f" else value.astype(np.float64)


def coordinates(where: str, name: str, flat: np.ndarray) -> Float[np.ndarray, "V 3"]:
    """A vector x0 y0 z0 x1 ... as points, float64.

    Raises:
        WeightsError: ``model_shape`` when it is empty or not divisible by 3; ``model_not_finite`` when a number is NaN, or
            larger than any unit explains.
    """
    if not flat.size or flat.size % 3:
        what = f"`{name}` has {flat.size} numbers, expected three for each vertex"
        raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
    if not np.abs(flat).max() < _LARGEST:
        what = f"`{name}` holds numbers that are not finite or beyond {_LARGEST:g}"
        raise WeightsError("model_not_finite", what, where, "get the model again")
    return flat.astype(np.float64).reshape(-1, 3)


def whole(where: str, name: str, array: np.ndarray) -> Int[np.ndarray, "..."]:
    """Numbers of vertices, which a file may hold in floating point, as int64.

    Raises:
        WeightsError: ``model_index`` when one is not a whole number, or of no mesh.
    """
    exact = array.astype(np.float64)
    if not (np.abs(exact) < 1 << 31).all() or (exact != np.round(exact)).any():
        what = f"`{name}` holds something else than whole numbers"
        raise WeightsError("model_index", what, where, "get the model again")
    return array.astype(np.int64)


def from_zero(where: str, faces: np.ndarray, vertices: int, first: int) -> tuple[Int[np.ndarray, "F 3"], str]:
    """Triangles counted from 0, of a format that counts from `first` (0 or 1).

    A file that counts the other way is read too: whoever converted it forgot, and the range of the numbers shows it.

    Returns:
        The triangles; a note, empty where the file counts as documented.

    Raises:
        WeightsError: ``model_shape``, ``model_index`` when there are no triangles or they fit neither way.
    """
    check_shape(where, "triangles", faces, None, 3)
    if not faces.size:
        raise WeightsError("model_index", "there are no triangles", where, "get the model again")
    faces = whole(where, "triangles", faces)
    low, high = int(faces.min()), int(faces.max())
    found = first if first <= low and high < vertices + first else 1 - first
    if low < found or high >= vertices + found:
        what = f"the triangles name vertices {low} to {high}, there are {vertices}"
        raise WeightsError("model_index", what, where, "get the model again")
    note = f"the triangles count from {found}, the publisher's from {first}"
    return faces - found, "" if found == first else note


def unit_by_height(mean: Float[np.ndarray, "V 3"]) -> str:
    """The unit in which a face or head is nearest to 0.22 m high, by ratio; for models without known eye corners."""
    height = float(np.ptp(mean[:, 1]))
    if not (np.isfinite(height) and height > 0):
        return "m"
    ratio = {unit: abs(np.log(height * m / _HEAD_HEIGHT_M)) for unit, m in METERS_PER.items()}
    return min(ratio, key=ratio.__getitem__)
