"""The Liverpool-York Head Model (LYHM), as eos's ``share/scripts/load_lyhm.py`` reads it.

V vertices, F triangles, K and A components.
Layout: a MATLAB file with the structures ``tri`` (``faces`` F x 3 from 1, clockwise), ``shp`` and ``tex`` (each ``mu`` 1
x 3V, ``eigVec`` 3V x K orthonormal, ``eigVal`` K variances); colors from 0 to 1. No landmarks and no texture coordinates.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from headform.errors import WeightsError
from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._companions import Companions
from headform.importers._components import (
    coordinates,
    from_zero,
    numbers,
    per_sigma,
    unit_by_height,
)
from headform.importers._sniff import mat_keys
from headform.importers.importing import ImportedModel, linear_head
from headform.io.mat_file import read_mat

KIND = "lyhm"
LICENSE = "Liverpool-York Head Model: on request, non-commercial research only"


def recognizes(path: Path) -> bool:
    """Whether a MATLAB file has the structures of LYHM."""
    return mat_keys(path).issuperset(("tri", "shp"))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read one of the LYHM models. The unit is the one that makes the head 0.22 m high, by ratio.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``.
    """
    path = Path(path)
    where = repr(str(path))
    Companions(path, companions).close()
    table = read_mat(path, ("tri", "shp"), optional=("tex",))
    mean, identity, sigma, scaled = _components(where, table, "shp", None)
    faces, counted = from_zero(where, _field(where, table, "tri", "faces"), len(mean), 1)
    unit = unit_by_height(mean)
    notes = [
        scaled,
        counted,
        f"the publisher names no unit; it is {unit} by the height of the head",
    ]
    notes.append("no landmarks and no texture coordinates come with this model")
    color = albedo = None
    if "tex" in table:
        color, albedo, _, note = _components(where, table, "tex", len(mean))
        notes.append(note)
    else:
        notes.append("no colors: `tex` is absent")
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, [path], version=str(len(mean)), license=LICENSE, notes=filter(None, notes)),
            unit=unit,
            mean=mean,
            faces=faces[:, [0, 2, 1]],
            identity=identity,
            sigma=sigma,
            albedo_mean=color,
            albedo=albedo,
            albedo_space="srgb",
        )
    )


def _field(where: str, table: dict[str, Any], name: str, key: str) -> Float[np.ndarray, "..."]:
    """An array of numbers within a structure.

    Raises:
        WeightsError: ``model_missing_key``, ``model_shape``.
    """
    structure = table[name]
    if not isinstance(structure, dict) or key not in structure:
        there = ", ".join(structure) if isinstance(structure, dict) else "no structure"
        what = f"there is no `{name}.{key}`; `{name}` holds {there}"
        raise WeightsError("model_missing_key", what, where, "give the publisher's own file")
    return numbers(where, f"{name}.{key}", structure[key])


def _components(
    where: str, table: dict[str, Any], name: str, vertices: int | None
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "K V 3"], Float[np.ndarray, " K"], str]:
    mean = coordinates(where, f"{name}.mu", _field(where, table, name, "mu").reshape(-1))
    if vertices is not None:
        check_shape(where, f"{name}.mu", mean, vertices, 3)
    basis = _field(where, table, name, "eigVec")
    check_shape(where, f"{name}.eigVec", basis, mean.size, None)
    variance = _field(where, table, name, "eigVal").reshape(-1)
    return mean, *per_sigma(where, name, basis, variance)
