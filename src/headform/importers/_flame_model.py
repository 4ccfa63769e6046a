"""The arrays of a FLAME model file, checked; keys and shapes as in the published pickles. Its release, by digest or name.

V 5023, F 9976, K 300 identity and E 100 expression columns, J 5 joints (root, neck, jaw, left and right eye),
P 36 = 9 (J - 1) pose correctives. Meters, y up, z out of the face; faces from 0, counter-clockwise.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import ORIGINAL_FILE, check_indices
from headform.importers._arrays import ModelArrays
from headform.io.npz_file import holds_objects, read_npz
from headform.io.unpickle import read_pickle

VERTICES, FACES = 5023, 9976
IDENTITIES, EXPRESSIONS = 300, 100
JOINTS = 5
REQUIRED = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")
DIGESTS = {
    "efcd14cc4a69f3a3": "2020",
    "8fb1af0db1abb510": "2023",
    "b291fcd1": "2023-no-jaw",
    "e75a0990728ba038": "2023-open",
}
"""First digits of the SHA-256 of files that are known."""
_BYTES_KEY = re.compile(r"b'([^'/]*)'")
"""A key of Python 2 that Python 3 saved again as bytes."""
OPEN_KEY = "supr_expression_metadata"
"""Key that only FLAME 2023 Open has."""
_OPEN_LICENSE = "CC BY 4.0, FLAME 2023 Open, Max Planck Institute for Intelligent Systems"
_LICENSE = "FLAME model license, Max Planck Society, https://flame.is.tue.mpg.de/modellicense.html"


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


@dataclass(frozen=True)
class FlameVersion:
    """A release and how it was identified.

    Attributes:
        version: ``2017``, ``2019``, ``2020``, ``2023``, ``2023-no-jaw``, ``2023-open`` or ``unknown``, with `` male`` or
            `` female`` behind it for those models.
        note: Reason.
    """

    version: str
    note: str

    @property
    def license(self) -> str:
        """License of the release, one line."""
        if not self.version.startswith("2023-open"):
            return _LICENSE
        if "by the name" in self.note:
            return f"{_OPEN_LICENSE}, if it is that, as its name alone says; else {_LICENSE}"
        return _OPEN_LICENSE


def read_arrays(path: Path) -> FlameArrays:
    """Read a model from its .pkl or .npz.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_kind`` (none of FLAME's
            arrays); ``model_missing_key``, ``model_shape``, ``model_not_finite``, ``model_index``.
    """
    where = repr(str(path))
    arrays = read_file(path)
    keys = frozenset(name.partition("/")[0] for name in arrays)
    if len(keys & set(REQUIRED)) < 2:
        what = f"not a FLAME model: the file holds {', '.join(sorted(keys)[:20]) or 'nothing'}"
        raise WeightsError("model_kind", what, where, "give generic_model.pkl or its like")
    for name in REQUIRED:
        if name not in keys:
            what = f"there is no `{name}`; the file holds {', '.join(sorted(keys)[:20])}"
            raise WeightsError("model_missing_key", what, where, ORIGINAL_FILE)
    table = ModelArrays(where, arrays | {"J_regressor": dense_matrix(arrays, "J_regressor", where)})
    shapes = table.finite("shapedirs", VERTICES, 3, IDENTITIES + EXPRESSIONS).transpose(2, 0, 1)
    faces = table.indices("f", FACES, 3, kinds="iu")
    check_indices(where, VERTICES, f=faces)
    # parents come before their children; the root's entry is -1, as an unsigned number or not
    parents = (-1, *(int(n) for n in table.numbers("kintree_table", 2, JOINTS, kinds="iu")[0, 1:]))
    if any(not 0 <= parent < joint for joint, parent in enumerate(parents) if joint):
        raise table.error("model_index", f"`kintree_table` is not a tree of joints: parents {parents}")
    return FlameArrays(
        mean=table.finite("v_template", VERTICES, 3, kinds="f"),
        faces=faces,
        identity=shapes[:IDENTITIES],
        expression=shapes[IDENTITIES:],
        correctives=table.finite("posedirs", VERTICES, 3, 9 * (JOINTS - 1)).transpose(2, 0, 1),
        regressor=table.finite("J_regressor", JOINTS, VERTICES),
        skinning=table.finite("weights", VERTICES, JOINTS),
        parents=parents,
        keys=keys,
    )


def read_file(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a .pkl, .npy or .npz, by name; only objects go through the unpickler.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``.
    """
    if path.suffix.lower() == ".npz" and not holds_objects(path):
        return read_npz(path)
    return {_BYTES_KEY.sub(r"\1", name): array for name, array in read_pickle(path).items()}


def dense_matrix(arrays: Mapping[str, np.ndarray], name: str, where: str) -> np.ndarray:
    """Return a matrix that is dense in the file, or sparse in one of scipy's three simple forms.

    Raises:
        WeightsError: ``model_missing_key``, ``model_shape``, ``model_index``.
    """
    if name in arrays:
        return arrays[name]
    kind = str(arrays.get(f"{name}/format", ""))
    parts = ("row", "col") if kind == "coo" else ("indices", "indptr")
    if any(f"{name}/{part}" not in arrays for part in ("shape", "data", *parts)):
        what = f"`{name}` is neither an array nor a sparse matrix"
        raise WeightsError("model_missing_key", what, where, ORIGINAL_FILE)
    malformed = WeightsError("model_shape", f"`{name}` is a malformed sparse matrix", where, ORIGINAL_FILE)
    shape = tuple(int(n) for n in np.ravel(arrays[f"{name}/shape"]))
    if len(shape) != 2 or not 0 < shape[0] * shape[1] <= JOINTS * VERTICES:
        what = f"`{name}` is a matrix of {shape}, expected {JOINTS} x {VERTICES}"
        raise WeightsError("model_shape", what, where, ORIGINAL_FILE)
    data, first, second = (np.ravel(arrays[f"{name}/{part}"]) for part in ("data", *parts))
    if any(part.dtype.kind not in "iu" for part in (first, second)):
        raise malformed
    first, second = first.astype(np.int64), second.astype(np.int64)
    if kind != "coo":
        along = shape[1] if kind == "csc" else shape[0]
        steps = np.diff(second)
        if len(second) != along + 1 or (steps < 0).any() or second[0] or second[-1] != len(data):
            raise malformed
        outer = np.repeat(np.arange(along), steps)
        first, second = (first, outer) if kind == "csc" else (outer, first)
    if not len(first) == len(second) == len(data):
        raise malformed
    check_indices(where, shape[0], **{f"{name} rows": first})
    check_indices(where, shape[1], **{f"{name} columns": second})
    dense = np.zeros(shape)
    np.add.at(dense, (first, second), data)
    return dense


def identify(path: Path, sha256: str, keys: Set[str]) -> FlameVersion:
    """Return the release of a model file; parameters of different releases are not interchangeable.

    Args:
        path: Path of the file; the name of its folder may contain the year of the release.
        sha256: SHA-256 of the file, hexadecimal.
        keys: Names of the arrays in the file.
    """
    name = path.stem.lower()
    sex = re.search(r"(?<![a-z])(female|male)(?![a-z])", name)
    suffix = f" {sex.group(1)}" if sex else ""
    for start, version in DIGESTS.items():
        if sha256.startswith(start):
            return FlameVersion(version + suffix, f"version {version}: the file's digest is that of the release")
    if OPEN_KEY in keys:
        return FlameVersion("2023-open" + suffix, f"version 2023-open: the file holds `{OPEN_KEY}`")
    for text in (name, path.absolute().parent.name.lower()):
        year = re.search(r"(?<!\d)20(17|19|20|23)(?!\d)", text)
        if year:
            version = year.group(0)
            if version == "2023":
                version += "-no-jaw" if re.search(r"no_?-?jaw", name) else ""
                version += "-open" if "open" in text else ""
            return FlameVersion(version + suffix, f"version {version}: by the name {text!r} alone")
    note = "the version is unknown from digest, keys and name; parameters of different versions are not interchangeable"
    return FlameVersion("unknown" + suffix, note)
