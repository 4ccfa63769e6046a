"""Bases of Basel files as modes per sigma, without a needless copy of a hundred megabytes.

N vertices, K modes, F rows of indices.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_finite, check_shape
from headform.importers._components import from_zero, numbers, whole


def modes(where: str, name: str, basis: object, scale: np.ndarray | None, count: int) -> Float[np.ndarray, "K N 3"]:
    """Columns of a basis, each times its scale, as K fields of N vectors, single precision.

    Args:
        where: The file, for messages.
        name: Of the basis in the file.
        basis: (3N, K), x, y, z interleaved. May be overwritten.
        scale: K numbers, or None for 1.
        count: N.

    Raises:
        WeightsError: ``model_shape``, ``model_not_finite``.
    """
    array = numbers(where, name, basis)
    check_shape(where, name, array, 3 * count, None)
    with np.errstate(over="ignore"):  # what becomes infinite is refused with the head
        columns = np.ascontiguousarray(array.T, np.float32)  # no copy where it is column-major
    if scale is not None:
        if scale.size != len(columns):
            what = f"`{name}` has {len(columns)} columns and {scale.size} standard deviations"
            raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
        check_finite(where, **{f"scale of {name}": scale})
        if not columns.flags.writeable:
            columns = columns.copy()
        with np.errstate(over="ignore"):
            columns *= scale.reshape(-1, 1).astype(np.float32)
    return columns.reshape(len(columns), count, 3)


def flat(where: str, name: str, value: object, count: int) -> Float[np.ndarray, " N"]:
    """A row or column of `count` numbers, float64.

    Raises:
        WeightsError: ``model_shape``, ``model_not_finite``.
    """
    array = numbers(where, name, value)
    if array.size != count or max(array.shape, default=1) != array.size:
        check_shape(where, name, array, count, 1)
    check_finite(where, **{name: array})
    return array.reshape(-1).astype(np.float64)


def vector(where: str, name: str, value: object) -> Float[np.ndarray, " N"]:
    """A row or column of however many numbers, float64.

    Raises:
        WeightsError: ``model_shape``, ``model_not_finite``.
    """
    return flat(where, name, value, numbers(where, name, value).size)


def triangles(where: str, name: str, indices: object, count: int, first: int) -> tuple[Int[np.ndarray, "F 3"], str]:
    """Triangles from 0, of a table with three columns or three rows, and a note; see `components.from_zero`.

    Raises:
        WeightsError: ``model_shape``, ``model_index``.
    """
    table = numbers(where, name, indices)
    if table.ndim == 2 and table.shape[0] == 3 and table.shape[1] != 3:
        table = table.T
    return from_zero(where, table, count, first)


def vertex_mask(where: str, name: str, indices: object, count: int) -> Bool[np.ndarray, " N"]:
    """A mask of the vertices that a list of numbers from 1 names.

    Raises:
        WeightsError: ``model_shape``, ``model_index``.
    """
    listed = whole(where, name, numbers(where, name, indices).reshape(-1))
    if listed.size and not (1 <= listed.min() and listed.max() <= count):
        what = f"`{name}` runs from {listed.min()} to {listed.max()}, vertices from 1 to {count}"
        raise WeightsError("model_index", what, where, "give the file as its publisher made it")
    mask = np.zeros(count, bool)
    mask[listed - 1] = True
    return mask
