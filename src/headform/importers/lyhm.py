"""The Liverpool-York Head Model (LYHM), as eos's ``share/scripts/load_lyhm.py`` reads it.

V vertices, F triangles, K and A components.
Layout: a MATLAB file with the structures ``tri`` (``faces`` F x 3 from 1, clockwise), ``shp`` and ``tex`` (each ``mu`` 1
x 3V, ``eigVec`` 3V x K orthonormal, ``eigVal`` K variances); colors from 0 to 1. No landmarks and no texture coordinates.
"""

from collections.abc import Sequence
from pathlib import Path

from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays, unit_by_height
from headform.importers._companions import Companions
from headform.importers._sniff import mat_keys
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import license_of
from headform.io.mat_file import read_mat

KIND = "lyhm"
LICENSE = "Liverpool-York Head Model: on request, non-commercial research only"
VERTICES = 11510


def recognizes(path: Path) -> bool:
    """Return whether a MATLAB file has the structures of LYHM."""
    return mat_keys(path).issuperset(("tri", "shp"))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``LYHM_*.mat``. The unit is the one that makes the head as high as heads are.

    Raises:
        WeightsError: see `registry.Importer.read`.
    """
    files = Companions(path, companions).close()
    structures = read_mat(files.path, ("tri", "shp"), optional=("tex",))
    values = {
        f"{name}.{key}": value
        for name, structure in structures.items()
        if isinstance(structure, dict)
        for key, value in structure.items()
    }
    table = ModelArrays(files.where, values, files.notes)
    mean = table.points("shp.mu")
    identity, sigma = table.components("shp.eigVec", "shp.eigVal", len(mean))
    faces = table.triangles("tri.faces", len(mean), 1)
    color = albedo = None
    if "tex" in structures:
        color = table.points("tex.mu", len(mean))
        albedo, _ = table.components("tex.eigVec", "tex.eigVal", len(mean))
    else:
        files.notes.append("no colors: `tex` is absent")
    unit = unit_by_height(mean)
    files.notes.append(f"the publisher names no unit; it is {unit} by the height of the head")
    files.notes.append("no landmarks and no texture coordinates come with this model")
    license = license_of(KIND, LICENSE, len(mean), len(mean) == VERTICES, files.notes)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, license, str(len(mean))),
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
