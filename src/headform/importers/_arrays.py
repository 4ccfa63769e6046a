"""Values of a model file, checked as they are taken out.

V vertices, F triangles, K modes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.units import METERS_PER
from headform.heads.checks import GET_AGAIN, ORIGINAL_FILE, check_finite, check_shape

_HEAD_HEIGHT_M = 0.22
_LARGEST = 1e12
"""Coordinates beyond this are refused: no unit explains them."""
_SAME_LENGTH = 0.02
"""Relative tolerance by which the length of a component equals its standard deviation, or 1."""


class ModelArrays:
    """Named values of one file.

    Each method takes a value by its name, checks it and raises:
        WeightsError: ``model_missing_key`` (absent), ``model_shape`` (not numbers, or of another shape),
            ``model_index`` (not whole, or out of range), ``model_not_finite``.

    Attributes:
        where: Name of the file, for error messages.
        notes: Sentences for the provenance; what a method finds unusual is appended.
    """

    def __init__(self, where: str, values: Mapping[str, Any], notes: list[str] | None = None) -> None:
        self.where, self.notes = where, [] if notes is None else notes
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            held = ", ".join(sorted(self._values)[:40]) or "nothing"
            raise self.error("model_missing_key", f"there is no `{name}`; the file holds {held}")
        return self._values[name]

    def error(self, code: str, message: str, hint: str = ORIGINAL_FILE) -> WeightsError:
        """Return the error to raise for this file."""
        return WeightsError(code, message, self.where, hint)

    def texts(self, name: str) -> list[str]:
        """Return an array of text as a list."""
        value = self[name]
        if not isinstance(value, np.ndarray) or value.dtype.kind != "U":
            raise self.error("model_shape", f"`{name}` is not an array of text")
        return [str(text) for text in value.reshape(-1)]

    def numbers(self, name: str, *shape: int | None, kinds: str = "fiub") -> Float[np.ndarray, "..."]:
        """Return an array of floating-point numbers in the precision of the file.

        Args:
            name: Name of the value.
            shape: Expected lengths of the axes, None for any; unchecked when left out.
            kinds: Accepted kinds of numpy types.
        """
        value = self[name]
        if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
            wanted = {"f": "real numbers", "iu": "whole numbers"}.get(kinds, "numbers")
            held = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
            raise self.error("model_shape", f"`{name}` is {held}, expected an array of {wanted}")
        if shape:
            check_shape(self.where, name, value, *shape)
        return value if value.dtype.kind == "f" else value.astype(np.float64)

    def finite(self, name: str, *shape: int | None, kinds: str = "fiub") -> Float[np.ndarray, "..."]:
        """Return an array of finite floating-point numbers; see `numbers`."""
        value = self.numbers(name, *shape, kinds=kinds)
        check_finite(self.where, **{name: value})
        return value

    def vector(self, name: str, length: int | None = None) -> Float[np.ndarray, " N"]:
        """Return a row, a column or a plain vector of finite numbers, float64."""
        array = self.numbers(name)
        if max(array.shape, default=1) != array.size or length not in (None, array.size):
            check_shape(self.where, name, array, length, 1)
        check_finite(self.where, **{name: array})
        return array.reshape(-1).astype(np.float64)

    def points(self, name: str, count: int | None = None) -> Float[np.ndarray, "V 3"]:
        """Return coordinates, stored as V x 3 or as a vector x0 y0 z0 x1 ..., float64."""
        array = self.numbers(name)
        if array.shape[-1:] != (3,) and max(array.shape, default=1) != array.size:
            check_shape(self.where, name, array, count, 3)
        if not array.size or array.size % 3 or count not in (None, array.size // 3):
            wanted = "three for each vertex" if count is None else f"{3 * count}"
            raise self.error("model_shape", f"`{name}` has {array.size} numbers, expected {wanted}")
        if not np.abs(array).max() < _LARGEST:
            what = f"`{name}` holds numbers that are not finite or beyond {_LARGEST:g}"
            raise self.error("model_not_finite", what, GET_AGAIN)
        return array.reshape(-1, 3).astype(np.float64)

    def indices(self, name: str, *shape: int | None, kinds: str = "fiub") -> Int[np.ndarray, "..."]:
        """Return whole numbers, which a file may hold in floating point, as int64; see `numbers`."""
        array = self.numbers(name, *shape, kinds=kinds)
        if not (np.abs(array) < 1 << 31).all() or (array != np.round(array)).any():
            raise self.error("model_index", f"`{name}` holds numbers that are not whole", GET_AGAIN)
        return array.astype(np.int64)

    def triangles(self, name: str, vertices: int, first: int) -> Int[np.ndarray, "F 3"]:
        """Return triangles counted from 0, stored as three columns or three rows that count from `first` (0 or 1).

        A file that counts the other way is read too, with a note: a conversion has lost the origin, and the range of the
        numbers shows it.
        """
        table = self.indices(name)
        if table.ndim == 2 and table.shape[0] == 3 != table.shape[1]:
            table = table.T
        check_shape(self.where, name, table, None, 3)
        if not table.size:
            raise self.error("model_index", f"`{name}` holds no triangles", GET_AGAIN)
        low, high = int(table.min()), int(table.max())
        found = first if first <= low and high < vertices + first else 1 - first
        if low < found or high >= vertices + found:
            what = f"the triangles of `{name}` use vertices {low} to {high}, there are {vertices}"
            raise self.error("model_index", what, GET_AGAIN)
        if found != first:
            self.notes.append(f"the triangles of `{name}` count from {found}, the publisher's from {first}")
        return table - found

    def modes(
        self, name: str, vertices: int, scale: np.ndarray | None = None, most: int | None = None
    ) -> Float[np.ndarray, "K V 3"]:
        """Return the (first `most`) columns of a 3V x K basis, each times its scale, as displacements, single precision."""
        columns = self.numbers(name, 3 * vertices, None).T[:most]
        if scale is not None and len(scale) != len(columns):
            what = f"`{name}` has {len(columns)} columns but there are {len(scale)} standard deviations"
            raise self.error("model_shape", what)
        with np.errstate(over="ignore"):  # what becomes infinite is refused with the head
            if scale is None:  # without a copy where the file is column-major
                scaled = np.ascontiguousarray(columns, np.float32)
            else:
                check_finite(self.where, **{f"scale of {name}": scale})
                scaled = np.empty(columns.shape, np.float32)
                np.multiply(columns, scale[:, None], out=scaled, casting="same_kind")
        return scaled.reshape(len(scaled), vertices, 3)

    def deviations(self, name: str, length: int | None = None) -> Float[np.ndarray, " K"]:
        """Return the square roots of a vector of variances.

        Raises:
            WeightsError: ``weights_damaged`` at a negative variance.
        """
        variance = self.vector(name, length)
        if len(variance) and variance.min() < 0:
            what = f"a variance in `{name}` is negative: {variance.min():.4g}"
            raise self.error("weights_damaged", what, GET_AGAIN)
        return np.asarray(np.sqrt(variance))

    def components(
        self, basis: str, variance: str, vertices: int
    ) -> tuple[Float[np.ndarray, "K V 3"], Float[np.ndarray, " K"]]:
        """Return components of unit length times the square root of their variance (Blanz & Vetter 1999, eq. 1).

        Components that are as long as their standard deviations were scaled before: they are kept, with a note.

        Returns:
            Displacements per standard deviation, single precision, and the standard deviations.
        """
        columns = self.finite(basis, 3 * vertices, None)
        sigma = self.deviations(variance, columns.shape[1])
        length = np.sqrt(np.einsum("nk,nk->k", columns, columns, dtype=np.float64))
        near = [bool(np.allclose(length, other, rtol=_SAME_LENGTH)) for other in (sigma, 1.0)]
        scaled = near[0] and not near[1]
        if scaled:
            self.notes.append(f"`{basis}` was already multiplied by the standard deviations")
        return self.modes(basis, vertices, None if scaled else sigma), sigma


def unit_by_height(mean: Float[np.ndarray, "V 3"]) -> str:
    """Return the unit in which a head is nearest to 0.22 m high, by ratio; for models without known eye corners."""
    height = float(np.ptp(mean[:, 1]))
    if not (np.isfinite(height) and height > 0):
        return "m"
    ratio = {unit: abs(np.log(height * m / _HEAD_HEIGHT_M)) for unit, m in METERS_PER.items()}
    return min(ratio, key=ratio.__getitem__)
