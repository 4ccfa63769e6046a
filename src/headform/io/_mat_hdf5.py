"""MATLAB files of version 7.3, which are HDF5: numbers, text and structures of them.

V variables of a file. MATLAB stores arrays column by column, so that their dimensions appear reversed; structures are
groups, cells are references into ``#refs#``, which are not read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headform.io.hdf5_file import list_hdf5, read_hdf5, require_keys

_CLASS = "@MATLAB_class"
_REFERENCES = "#refs#"


def list_mat_hdf5(path: Path) -> dict[str, tuple[int, ...]]:
    """Return names and dimensions of the variables; structures have no dimensions.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for name, shape in list_hdf5(path).items():
        variable, _, inside = name.partition("/")
        if not variable.startswith("#"):
            shapes[variable] = () if inside else shape[::-1]
    return shapes


def read_mat_hdf5(
    path: Path, wanted: Sequence[str] | None, max_bytes: int, *, optional: Sequence[str] = ()
) -> dict[str, Any]:
    """Read variables by name; see `headform.io.mat_file.read_mat`.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``.
    """
    shapes = list_hdf5(path)
    asked = None if wanted is None else {*wanted, *optional}
    names = [name for name in shapes if not name.startswith("#") and (asked is None or name.partition("/")[0] in asked)]
    there = {name.partition("/")[0] for name in shapes if not name.startswith("#")}
    require_keys(path, wanted or (), there)
    values: dict[str, Any] = {}
    found = read_hdf5(path, names, max_bytes, optional=[name + _CLASS for name in names])
    for name in names:
        *groups, last = name.split("/")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = _value(found[name], found.get(name + _CLASS))
    return values


def _value(value: Any, kind: Any) -> Any:
    """Convert an array of HDF5 to that of MATLAB."""
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if not isinstance(kind, str) or array.dtype.kind not in "biu":
        return array.T
    if kind == "char":
        return array.T.astype("<u2").tobytes(order="F").decode("utf-16-le", errors="replace")
    return array.T.astype(bool) if kind == "logical" else array.T
