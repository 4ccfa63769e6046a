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
from jaxtyping import Float, Int

from headform.errors import HeadformError, WeightsError
from headform.geometry.landmarks68 import outer_eye_distance
from headform.geometry.units import infer_unit
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions
from headform.importers._statismo_landmarks import ibug_of, points_of
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import UNKNOWN_LICENSE
from headform.importers.model_size import is_plausible, longest_side, sure_unit
from headform.io.hdf5_file import is_hdf5, list_hdf5, read_hdf5

KIND = "bfm2017"
LICENSE = "Basel Face Model 2017/2019, University of Basel: signed form, non-commercial, no redistribution"
OTHER = "statismo"
"""Kind of the models of others in the same format."""
_ALBEDO_LICENSE = "AlbedoMM (Smith et al. 2020): academic use only"
VERSIONS = {53149: "2017", 28588: "2017-face12", 47439: "2019", 27657: "2019-face12"}
"""Releases by the number of vertices."""
_MODEL = ("mean", "pcaBasis", "pcaVariance")
_CELLS = ("shape/representer/cells", "shape/representer/reference-mesh/triangle-list")
_LANDMARKS = ("metadata/landmarks/json", "metadata/landmarks/text")
_MAX_BYTES = 6 << 30
_LENGTH_TOLERANCE = 0.1
"""Relative difference between the length of the first component and the expected one that is worth a note."""
Colors = tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "K V 3"]]


def recognizes(path: Path) -> bool:
    """Return whether it is an HDF5 file with a model of shape."""
    if not is_hdf5(path):
        return False
    try:
        return set(_names("shape")) <= set(list_hdf5(path))
    except HeadformError:
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model.

    Args:
        path: ``model2017-1_bfm_nomouth.h5``, ``model2019_face12.h5`` ...
        companions: ``albedoModel2020_bfm_albedoPart.h5`` of AlbedoMM (only when named): its albedo takes the place of the
            colors.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_mismatch``: an albedo of another mesh.
    """
    files = Companions(path, companions)
    optional = [*_names("color"), *_names("expression"), *_CELLS, *_LANDMARKS]
    data = _read(files, "shape", [*optional, *(v for g in ("", "color", "expression") for v in _versions(g))])
    table = ModelArrays(files.where, data, files.notes)
    mean = table.points("shape/model/mean")
    count = len(mean)
    albedo = files.fetch(["albedomodel*.h5*"], lambda p: _albedo(p, count))
    files.close()
    identity, sigma = _modes(table, "shape", count)
    expression = None
    if _has(table, "expression"):
        mean = mean + table.points("expression/model/mean", count)
        expression = _modes(table, "expression", count)[0]
    else:
        files.notes.append("the file has no expressions")
    color = albedo
    if albedo is None and _has(table, "color"):
        color = _color(table, "color", count)
    elif albedo is None:
        files.notes.append("the file has no colors")
    cells = next((name for name in _CELLS if name in table), _CELLS[0])
    faces = table.triangles(cells, count, 0)
    landmarks = ibug_of(points_of(data, files.notes), mean, files.notes)
    version, kind, license = _version(files, count), KIND, LICENSE
    unit = "mm"
    if count not in VERSIONS:
        kind, license = OTHER, UNKNOWN_LICENSE
        files.notes.append(f"no publisher's mesh is known to have {count} vertices: the license is that of its makers")
        if version:
            files.notes.append(
                f"by its name alone it is a Basel Face Model ({version}), under the terms of the University of Basel"
            )
        unit = _unit(mean, faces, landmarks, files.notes)
    license += f"; colors: {_ALBEDO_LICENSE}" if albedo else ""
    return linear_head(
        ImportedModel(
            provenance=files.provenance(kind, license, version),
            unit=unit,
            mean=mean,
            faces=faces,
            name=f"{kind}-{version}" if version and kind == KIND else kind,
            identity=identity,
            sigma=sigma,
            expression=expression,
            albedo_mean=color[0] if color else None,
            albedo=color[1] if color else None,
            albedo_space="linear" if albedo else "srgb",
            landmarks=landmarks if (landmarks >= 0).any() else None,
            is_head_sized=count in VERSIONS,
        )
    )


def _unit(
    mean: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], landmarks: Int[np.ndarray, "68"], notes: list[str]
) -> str:
    """Return the unit of a model of unknown origin: mm, as is usual in this format, unless its size tells another one."""
    if min(landmarks[36], landmarks[45]) >= 0:
        unit = infer_unit(outer_eye_distance(mean[landmarks]))
        if unit != "mm":
            notes.append(f"the unit {unit} is inferred from the distance of the eyes")
        return unit
    side = longest_side(mean, faces)
    if is_plausible(side, "mm"):
        return "mm"
    unit = sure_unit(side)
    notes.append(
        f"the unit {unit} is inferred from the size, {side:.4g} {unit} across"
        if unit
        else f"the unit is not known: as mm it is {side:.4g} mm across, which is no head's size"
    )
    return unit or "mm"


def _names(group: str) -> list[str]:
    return [f"{group}/model/{name}" for name in _MODEL]


def _versions(group: str) -> list[str]:
    owner = f"{group}/" if group else ""
    return [f"{owner}version/{part}Version" for part in ("major", "minor")]


def _read(files: Companions, group: str, optional: Sequence[str]) -> dict[str, Any]:
    return read_hdf5(files.path, _names(group), _MAX_BYTES, optional=[*optional, *_versions(group)])


def _has(table: ModelArrays, group: str) -> bool:
    """Return whether a group has a model, whole or not; a part that is absent is refused when it is read."""
    return any(name in table for name in _names(group))


def _modes(table: ModelArrays, group: str, count: int) -> tuple[Float[np.ndarray, "K V 3"], Float[np.ndarray, " K"]]:
    """Return components per standard deviation, and the standard deviations."""
    _, name, variance = _names(group)
    basis = table.numbers(name, 3 * count, None)
    sigma = table.deviations(variance, basis.shape[1])
    scaled = _scaled(table, group)
    if len(sigma):
        with np.errstate(over="ignore"):
            length = float(np.linalg.norm(basis[:, 0].astype(np.float64)))
        expected = float(sigma[0]) if scaled else 1.0
        if not abs(length - expected) <= _LENGTH_TOLERANCE * expected:
            kind = "scaled" if scaled else "of unit length"
            table.notes.append(f"by its version the {group} components are {kind}, but the first is {length:.3g} long")
    return table.modes(name, count, None if scaled else sigma), sigma


def _scaled(table: ModelArrays, group: str) -> bool:
    """Return whether components are already multiplied by their standard deviations: version 0.8."""
    for owner in (group, ""):
        major, minor = (int(table.vector(n, 1)[0]) if n in table else None for n in _versions(owner))
        if minor is not None:
            return minor == 8 and major in (None, 0)
    return False


def _color(table: ModelArrays, group: str, count: int) -> Colors:
    return table.points(_names(group)[0], count), _modes(table, group, count)[0]


def _albedo(path: Path, count: int) -> Colors:
    """Read AlbedoMM's diffuse albedo.

    Raises:
        WeightsError: ``model_mismatch``.
    """
    files, group = Companions(path), "diffuseAlbedo"
    table = ModelArrays(files.where, _read(files, group, ()))
    found = table.numbers(_names(group)[0]).size // 3
    if found != count:
        what = f"an albedo of {found} vertices for a head of {count}"
        raise WeightsError("model_mismatch", what, files.where, "it goes with model2017-1_bfm_nomouth.h5")
    return _color(table, group, count)


def _version(files: Companions, count: int) -> str:
    """Return the version by the number of vertices, else by the file's name."""
    name = files.path.name.lower()
    named = next((year for year in ("2017", "2019") if f"model{year}" in name), "")
    named += "-face12" if named and "face12" in name else "-fullHead" if "fullhead" in name else ""
    found = VERSIONS.get(count, "")
    if found and named and found != named:
        files.notes.append(f"the file is called {files.path.name}, but its {count} vertices are those of {found}")
    return found or named
