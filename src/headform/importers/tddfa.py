"""The Basel Face Model without its neck, of 3DDFA_V2.

Guo et al., "Towards fast, accurate and stable 3D dense face alignment", 2020.

``bfm_noneck_v3.pkl``: V = 38,365 vertices; ``u`` (mean), ``w_shp`` (40 modes of shape), ``w_exp`` (10 of expression),
``keypoints`` (the 204 coordinates of the 68 points), ``tri``. Micrometers, indices from 0. ``tri.pkl`` (3 x 76,073) has
the rebuilt triangles that the authors use instead.

The modes of shape are unit columns, whose coefficients run to hundreds of thousands; what one standard deviation is says
``param_mean_std_62d_120x120.pkl`` (62 means and standard deviations: 12 of pose, 40, 10), which lies beside the model in
the authors' repository and without which such a file is refused. Expressions stay as published: weight 1 is coefficient 1.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._basel_arrays import flat, modes, triangles, vector
from headform.importers._companions import Companions
from headform.importers._components import coordinates, numbers, whole
from headform.importers._sniff import first_bytes
from headform.importers.basel_topology import NO_NECK
from headform.importers.importing import ImportedModel, linear_head
from headform.io.unpickle import read_pickle

KIND = "tddfa"
LICENSE = (
    "Basel Face Model 2009 (University of Basel: signed form, non-commercial, no redistribution), cut and "
    "published by the authors of 3DDFA_V2"
)
IDENTITY, EXPRESSION = 40, 10
_KEYS = ("u", "w_shp", "w_exp", "keypoints")
_STD = "param_mean_std_62d_120x120.pkl"
_POSE = 12
_MEMORY = 4 << 30
_UNIT_COLUMN = 10.0


def recognizes(path: Path) -> bool:
    """Whether it has the name of this model and begins like a pickle. It is not opened any further."""
    name = path.name.lower()
    return name.startswith("bfm_noneck") and name.endswith(".pkl") and first_bytes(path, 1) == b"\x80"


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model.

    Args:
        path: ``bfm_noneck_v3.pkl``.
        companions: ``tri.pkl`` and ``param_mean_std_62d_120x120.pkl``; also looked for beside the model.

    Raises:
        WeightsError: ``unsafe_pickle``, ``weights_missing`` (also for the standard deviations), ``weights_damaged``,
            ``model_missing_key``, ``model_shape``, ``model_index``, ``model_not_finite``, ``model_unit``, ``model_kind``.
    """
    path = Path(path)
    where = repr(str(path))
    data = read_pickle(path, memory_bytes=_MEMORY)
    _require(where, data, *_KEYS)
    mean = coordinates(where, "u", flat(where, "u", data["u"], 3 * NO_NECK))
    expression = modes(where, "w_exp", _first(where, "w_exp", data, EXPRESSION), None, NO_NECK)
    columns = _first(where, "w_shp", data, IDENTITY)
    landmarks = _landmarks(where, data["keypoints"])
    files = Companions(path, companions)
    table = files.fetch(["tri.pkl"], _triangles)
    sigma = _sigma(where, columns, files.fetch(["param_mean_std*.pkl", _STD], _deviations))
    files.close()
    notes = list(files.notes)
    if table is None:
        _require(where, data, "tri")
        table = data["tri"]
        notes.append("tri.pkl was not given; the triangles are those of the model file")
    faces, note = triangles(where, "tri", table, NO_NECK, 0)
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, files.sources, license=LICENSE, notes=[n for n in (*notes, note) if n]),
            unit="um",
            mean=mean,
            faces=faces,
            identity=modes(where, "w_shp", columns, sigma, NO_NECK),
            sigma=sigma,
            expression=expression,
            landmarks=landmarks,
        )
    )


def _first(where: str, name: str, data: dict[str, np.ndarray], count: int) -> Float[np.ndarray, "N K"]:
    """The first columns of a basis."""
    basis = numbers(where, name, data[name])
    check_shape(where, name, basis, 3 * NO_NECK, None)
    return basis[:, :count]


def _require(where: str, data: dict[str, np.ndarray], *keys: str) -> None:
    absent = [key for key in keys if key not in data]
    if absent:
        there = ", ".join(sorted(data)[:40]) or "nothing"
        what = f"there is no {', '.join(f'`{k}`' for k in absent)}; the file holds {there}"
        raise WeightsError("model_missing_key", what, where, "give the file as its publisher made it")


def _triangles(path: Path) -> Int[np.ndarray, "3 F"] | Int[np.ndarray, "F 3"]:
    data = read_pickle(path)
    _require(repr(str(path)), data, "value")
    return data["value"]


def _deviations(path: Path) -> Float[np.ndarray, "62"]:
    """Standard deviations of the 62 parameters."""
    data = read_pickle(path)
    where = repr(str(path))
    _require(where, data, "std")
    return flat(where, "std", data["std"], _POSE + IDENTITY + EXPRESSION)


def _sigma(
    where: str, columns: Float[np.ndarray, "N K"], deviations: Float[np.ndarray, "62"] | None
) -> Float[np.ndarray, " K"]:
    """What the columns of shape are multiplied by to be of one standard deviation.

    Raises:
        WeightsError: ``weights_missing`` where the columns are of unit length and their deviations were not given.
    """
    if deviations is not None:
        return deviations[_POSE : _POSE + columns.shape[1]]
    if np.linalg.norm(columns, axis=0).max(initial=0) < _UNIT_COLUMN:
        what = f"its modes are unit columns, their standard deviations lie in {_STD}"
        raise WeightsError("weights_missing", what, where, "give that file with --with")
    return np.ones(columns.shape[1])


def _landmarks(where: str, keypoints: np.ndarray) -> Int[np.ndarray, "68"]:
    """Vertices of the 68 points, which the file names by their three coordinates, 3v, 3v + 1, 3v + 2.

    Raises:
        WeightsError: ``model_shape``, ``model_index``.
    """
    places = whole(where, "keypoints", vector(where, "keypoints", keypoints))
    if len(places) == 68:
        return places
    check_shape(where, "keypoints", places, 3 * 68)
    vertex = places.reshape(68, 3) // 3
    if not np.array_equal(places.reshape(68, 3), 3 * vertex[:, :1] + np.arange(3)):
        what = "`keypoints` are not the three coordinates of 68 vertices"
        raise WeightsError("model_index", what, where, "give the file as its publisher made it")
    return vertex[:, 0]
