"""The arrays of a FLAME model file, checked; keys and shapes as in the published pickles.

V 5023, F 9976, K 300 identity and E 100 expression columns, J 5 joints (root, neck, jaw, left and right eye),
P 36 = 9 (J - 1) pose correctives. Meters, y up, z out of the face; faces from 0, counter-clockwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_finite, check_indices, check_shape
from headform.io.npz_file import holds_objects, read_npz
from headform.io.unpickle import read_pickle

VERTICES, FACES = 5023, 9976
IDENTITIES, EXPRESSIONS = 300, 100
JOINTS = 5
REQUIRED = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")
_AGAIN = "give the file as its publisher made it"


@dataclass(frozen=True, eq=False)
class FlameArrays:
    """A model as published.

    Attributes:
        mean: `v_template`, meters.
        faces: `f`.
        identity: Columns 0 to 299 of `shapedirs`, +1 is one standard deviation.
        expression: Its columns 300 to 399.
        correctives: `posedirs`, for the entries of R - I of joints 1 to 4, row by row.
        regressor: `J_regressor`, dense.
        skinning: `weights`.
        parents: First row of `kintree_table`, -1 for the root.
        keys: Names of all that the file holds.
    """

    mean: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    identity: Float[np.ndarray, "K V 3"]
    expression: Float[np.ndarray, "E V 3"]
    correctives: Float[np.ndarray, "P V 3"]
    regressor: Float[np.ndarray, "J V"]
    skinning: Float[np.ndarray, "V J"]
    parents: tuple[int, ...]
    keys: frozenset[str]


def read_arrays(path: Path) -> FlameArrays:
    """A model from its .pkl or .npz.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_kind`` (none of FLAME's
            arrays); ``model_missing_key``, ``model_shape``, ``model_not_finite``, ``model_index``.
    """
    where = repr(str(path))
    arrays = read_file(path)
    keys = frozenset(name.partition("/")[0] for name in arrays)
    if len(keys & set(REQUIRED)) < 2:
        there = ", ".join(sorted(keys)[:20]) or "nothing"
        what = f"not a FLAME model: the file holds {there}"
        raise WeightsError("model_kind", what, where, "give generic_model.pkl or its like")
    for name in REQUIRED:
        if name not in keys:
            what = f"there is no `{name}`, there are {', '.join(sorted(keys)[:20])}"
            raise WeightsError("model_missing_key", what, where, _AGAIN)
    columns = IDENTITIES + EXPRESSIONS
    mean = _numbers(arrays, "v_template", where, VERTICES, 3)
    shapes = _numbers(arrays, "shapedirs", where, VERTICES, 3, columns)
    poses = _numbers(arrays, "posedirs", where, VERTICES, 3, 9 * (JOINTS - 1))
    skinning = _numbers(arrays, "weights", where, VERTICES, JOINTS)
    faces = _indices(arrays, "f", where, FACES, 3)
    check_indices(where, VERTICES, f=faces)
    arrays = dict(arrays)
    arrays["J_regressor"] = dense_matrix(arrays, "J_regressor", where)
    regressor = _numbers(arrays, "J_regressor", where, JOINTS, VERTICES)
    modes = shapes.transpose(2, 0, 1)
    return FlameArrays(
        mean=mean,
        faces=faces,
        identity=modes[:IDENTITIES],
        expression=modes[IDENTITIES:],
        correctives=poses.transpose(2, 0, 1),
        regressor=regressor,
        skinning=skinning,
        parents=_parents(_indices(arrays, "kintree_table", where, 2, JOINTS), where),
        keys=keys,
    )


def read_file(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a .pkl, .npy or .npz, by name; only objects go through the unpickler.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``.
    """
    if path.suffix.lower() == ".npz" and not holds_objects(path):
        return read_npz(path)
    return read_pickle(path)


def dense_matrix(arrays: Mapping[str, np.ndarray], name: str, where: str) -> np.ndarray:
    """A matrix that is dense in the file, or sparse in one of scipy's three simple forms.

    Raises:
        WeightsError: ``model_missing_key``, ``model_shape``, ``model_index``.
    """
    if name in arrays:
        return arrays[name]
    kind = str(arrays.get(f"{name}/format", ""))
    parts = ("row", "col") if kind == "coo" else ("indices", "indptr")
    for part in ("shape", "data", *parts):
        if f"{name}/{part}" not in arrays:
            what = f"`{name}` is neither an array nor a sparse matrix"
            raise WeightsError("model_missing_key", what, where, _AGAIN)
    shape = tuple(int(n) for n in np.ravel(arrays[f"{name}/shape"]))
    if len(shape) != 2 or not 0 < shape[0] * shape[1] <= JOINTS * VERTICES:
        what = f"`{name}` is a matrix of {shape}, expected {JOINTS} x {VERTICES}"
        raise WeightsError("model_shape", what, where, _AGAIN)
    data, first, second = (np.ravel(arrays[f"{name}/{part}"]) for part in ("data", *parts))
    if any(part.dtype.kind not in "iu" for part in (first, second)):
        what = f"the places in `{name}` are not whole numbers"
        raise WeightsError("model_shape", what, where, _AGAIN)
    first, second = first.astype(np.int64), second.astype(np.int64)
    if kind != "coo":
        along = shape[1] if kind == "csc" else shape[0]
        steps = np.diff(second)
        if len(second) != along + 1 or (steps < 0).any() or second[0] or second[-1] != len(data):
            what = f"`{name}` is a malformed sparse matrix"
            raise WeightsError("model_shape", what, where, _AGAIN)
        outer = np.repeat(np.arange(along), steps)
        first, second = (first, outer) if kind == "csc" else (outer, first)
    if not len(first) == len(second) == len(data):
        what = f"`{name}` is a malformed sparse matrix"
        raise WeightsError("model_shape", what, where, _AGAIN)
    check_indices(where, shape[0], **{f"{name} rows": first})
    check_indices(where, shape[1], **{f"{name} columns": second})
    dense = np.zeros(shape)
    np.add.at(dense, (first, second), data)
    return dense


def _numbers(arrays: Mapping[str, Any], name: str, where: str, *shape: int) -> np.ndarray:
    array = arrays.get(name)
    if array is None or array.dtype.kind != "f":
        what = f"`{name}` is no array of real numbers"
        raise WeightsError("model_shape", what, where, _AGAIN)
    check_shape(where, name, array, *shape)
    check_finite(where, **{name: array})
    return array


def _indices(arrays: Mapping[str, Any], name: str, where: str, *shape: int) -> np.ndarray:
    array = arrays.get(name)
    if array is None or array.dtype.kind not in "iu":
        what = f"`{name}` is no array of whole numbers"
        raise WeightsError("model_shape", what, where, _AGAIN)
    check_shape(where, name, array, *shape)
    return array.astype(np.int64)


def _parents(tree: np.ndarray, where: str) -> tuple[int, ...]:
    """Parents come before their children; the root's entry is -1, as an unsigned number or not."""
    parents = [-1, *(int(n) for n in tree[0, 1:])]
    if any(not 0 <= parent < joint for joint, parent in enumerate(parents) if joint):
        what = f"`kintree_table` is no tree of joints: parents {parents}"
        raise WeightsError("model_index", what, where, _AGAIN)
    return tuple(parents)
