"""Basel Face Models of 2017 and 2019 and other heads in statismo's and scalismo's HDF5 (Gerig et al., 2018).

V vertices, F triangles, K components. Groups ``shape``, ``color`` and ``expression``, each with ``model/mean`` (3V),
``model/pcaBasis`` (3V x K), ``model/pcaVariance`` (K) and ``representer``: ``points`` (3 x V) and ``cells`` (3 x F, from
0), or in old files ``reference-mesh/vertex-coordinates`` and ``triangle-list``. Components are of unit length, but in
files of version 0.8 they are already multiplied by the standard deviations. Millimeters; colors 0 to 1 as displayed. The
mean head is the sum of the means of shape and expression. K is 199 for shape and color and 100 for expressions.

AlbedoMM (Smith et al. 2020) gives the mesh of 2017 a linear ``diffuseAlbedo`` in place of ``color``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from headform.errors import HeadformError, WeightsError
from headform.geometry.landmarks68 import OUTER_EYE_CORNERS
from headform.geometry.units import infer_unit
from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._basel_arrays import flat, modes, triangles
from headform.importers._companions import Companions
from headform.importers._components import coordinates, numbers
from headform.importers._statismo_landmarks import ibug_of, points_of
from headform.importers.importing import ImportedModel, linear_head
from headform.io.hdf5_file import is_hdf5, list_hdf5, read_hdf5

KIND = "bfm2017"
LICENSE = "Basel Face Model 2017/2019, University of Basel: signed form, non-commercial, no redistribution"
VERSIONS = {53149: "2017", 28588: "2017-face12", 47439: "2019", 27657: "2019-face12"}
"""By the number of vertices."""
_MODEL = ("mean", "pcaBasis", "pcaVariance")
_NEW, _OLD = (
    ("points", "cells"),
    ("reference-mesh/vertex-coordinates", "reference-mesh/triangle-list"),
)
_MAX_BYTES = 6 << 30


def recognizes(path: Path) -> bool:
    """Whether it is an HDF5 file with a model of shape."""
    if not is_hdf5(path):
        return False
    try:
        return {f"shape/model/{name}" for name in _MODEL} <= set(list_hdf5(path))
    except HeadformError:
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model.

    Args:
        path: ``model2017-1_bfm_nomouth.h5``, ``model2019_face12.h5`` ...
        companions: ``albedoModel2020_bfm_albedoPart.h5`` of AlbedoMM (only when named): its albedo takes the place of the
            colors.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``, ``model_unit``, ``model_mismatch`` (an albedo of another mesh), ``model_kind``.
    """
    path = Path(path)
    where = repr(str(path))
    data = _read(path)
    count = numbers(where, "shape/model/mean", data["shape/model/mean"]).size // 3
    files = Companions(path, companions)
    albedo = files.fetch(["albedomodel*.h5*"], lambda p: _albedo(p, count))
    files.close()
    notes: list[str] = []
    identity, sigma = _modes(where, data, "shape", count, notes)
    mean = coordinates(where, "shape/model/mean", _column(where, data, "shape", count))
    expression = None
    if "expression/model/mean" in data:
        expression = _modes(where, data, "expression", count, notes)[0]
        added = _column(where, data, "expression", count)
        mean = mean + coordinates(where, "expression/model/mean", added)
    else:
        notes.append("the file has no expressions")
    color = albedo or _colors(where, data, count, notes)
    faces, note = triangles(where, "cells", _part(where, data, 1), count, 0)
    landmarks, told = ibug_of(points_of(data), mean)
    unit, unit_note = _unit(mean, landmarks, count)
    version, version_note = _version(path, count)
    notes += [note, *told, *files.notes, unit_note, version_note]
    return linear_head(
        ImportedModel(
            name=f"{KIND}-{version}" if version else KIND,
            license=LICENSE,
            provenance=provenance_of(
                KIND, files.sources, version=version, license=LICENSE, notes=[n for n in notes if n]
            ),
            unit=unit,
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            expression=expression,
            albedo_mean=color[0] if color else None,
            albedo=color[1] if color else None,
            albedo_space="linear" if albedo else "srgb",
            landmarks=landmarks if (landmarks >= 0).any() else None,
        )
    )


def _read(path: Path) -> dict[str, Any]:
    wanted = [f"shape/model/{name}" for name in _MODEL]
    groups = ("color", "expression")
    optional = [f"{group}/model/{name}" for group in groups for name in _MODEL]
    optional += [f"shape/representer/{name}" for name in (*_NEW, *_OLD)]
    optional += [
        "metadata/landmarks/json",
        "metadata/landmarks/text",
        "color/representer@colorspace",
    ]
    for owner in ("", "shape/", "color/", "expression/"):
        optional += [f"{owner}version/{part}Version" for part in ("major", "minor")]
    data: dict[str, Any] = read_hdf5(path, wanted, _MAX_BYTES, optional=optional)
    for group in groups:
        there = [name for name in _MODEL if f"{group}/model/{name}" in data]
        if there and len(there) < len(_MODEL):
            absent = next(name for name in _MODEL if name not in there)
            what = f"there is no `{group}/model/{absent}`, though there is `{group}/model/{there[0]}`"
            raise WeightsError("model_missing_key", what, repr(str(path)), "get the file again")
    return data


def _column(where: str, data: dict[str, Any], group: str, count: int) -> Float[np.ndarray, " N"]:
    return flat(where, f"{group}/model/mean", data[f"{group}/model/mean"], 3 * count)


def _modes(
    where: str, data: dict[str, Any], group: str, count: int, notes: list[str]
) -> tuple[Float[np.ndarray, "K V 3"], Float[np.ndarray, " K"]]:
    """Components per standard deviation, and the standard deviations."""
    name = f"{group}/model/pcaBasis"
    basis = numbers(where, name, data.pop(name))
    variance = data[f"{group}/model/pcaVariance"]
    check_shape(where, name, basis, 3 * count, None)
    spread = flat(where, f"{group}/model/pcaVariance", variance, basis.shape[1])
    if len(spread) and spread.min() < 0:
        what = f"a variance of `{group}` is negative: {spread.min():.4g}"
        raise WeightsError("weights_damaged", what, where, "get the model again")
    sigma = np.sqrt(spread)
    scaled = _scaled(where, data, group)
    with np.errstate(over="ignore"):
        length = float(np.linalg.norm(basis[:, 0].astype(np.float64))) if len(sigma) else 1.0
    expected = float(sigma[0]) if scaled and len(sigma) else 1.0
    if not 0.9 * expected <= length <= 1.1 * expected:
        what = "scaled" if scaled else "of unit length"
        notes.append(f"by its version the {group} components are {what}, but the first is {length:.3g} long")
    return modes(where, name, basis, None if scaled else sigma, count), sigma


def _scaled(where: str, data: dict[str, Any], group: str) -> bool:
    """Whether components are already multiplied by their standard deviations: version 0.8.

    Raises:
        WeightsError: ``model_shape`` where the version is no number.
    """
    for owner in (f"{group}/", ""):
        names = [f"{owner}version/{part}Version" for part in ("major", "minor")]
        major, minor = (flat(where, n, data[n], 1) if n in data else None for n in names)
        if minor is not None:
            return bool(minor[0] == 8 and (major is None or major[0] == 0))
    return False


def _part(where: str, data: dict[str, Any], which: int) -> np.ndarray:
    """The representer's points (0) or cells (1)."""
    for name in (_NEW[which], _OLD[which]):
        if f"shape/representer/{name}" in data:
            return numbers(where, name, data[f"shape/representer/{name}"])
    what = f"there is neither `shape/representer/{_NEW[which]}` nor `{_OLD[which]}`"
    raise WeightsError("model_missing_key", what, where, "get the file again")


def _colors(
    where: str, data: dict[str, Any], count: int, notes: list[str]
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "K V 3"]] | None:
    if "color/model/mean" not in data:
        notes.append("the file has no colors")
        return None
    mean = _column(where, data, "color", count).reshape(-1, 3)
    return mean, _modes(where, data, "color", count, notes)[0]


def _albedo(path: Path, count: int) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "K V 3"]]:
    """AlbedoMM's diffuse albedo.

    Raises:
        WeightsError: ``model_mismatch``.
    """
    where = repr(str(path))
    keys = [f"diffuseAlbedo/model/{name}" for name in _MODEL]
    versions = [f"diffuseAlbedo/version/{part}Version" for part in ("major", "minor")]
    data: dict[str, Any] = read_hdf5(path, keys, _MAX_BYTES, optional=versions)
    found = numbers(where, keys[0], data[keys[0]]).size // 3
    if found != count:
        what = f"an albedo of {found} vertices for a head of {count}"
        raise WeightsError("model_mismatch", what, where, "it goes with model2017-1_bfm_nomouth.h5")
    mean = _column(where, data, "diffuseAlbedo", count).reshape(-1, 3)
    return mean, _modes(where, data, "diffuseAlbedo", count, [])[0]


def _unit(mean: Float[np.ndarray, "V 3"], landmarks: np.ndarray, count: int) -> tuple[str, str]:
    """Millimeters; for a mesh that is none of Basel's, what its eyes say if they are known."""
    right, left = landmarks[list(OUTER_EYE_CORNERS)]
    if count in VERSIONS or min(right, left) < 0:
        return "mm", ""
    unit = infer_unit(float(np.linalg.norm(mean[right] - mean[left])))
    return unit, "" if unit == "mm" else f"the unit {unit} is judged by the distance of the eyes"


def _version(path: Path, count: int) -> tuple[str, str]:
    """Version by the number of vertices, else by the file's name."""
    name = path.name.lower()
    told = next((year for year in ("2017", "2019") if f"model{year}" in name), "")
    told += "-face12" if told and "face12" in name else "-fullHead" if "fullhead" in name else ""
    found = VERSIONS.get(count, "")
    if found and told and found != told:
        return (
            found,
            f"the file is called {path.name}, but its {count} vertices are those of {found}",
        )
    return found or told, ""
