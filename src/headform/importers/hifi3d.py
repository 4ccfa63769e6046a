"""HIFI3D and HIFI3D++ (Tencent AI Lab), the shape models.

V vertices, F triangles, T texture vertices, K identity modes, E expressions.
Files: ``AI-NExT-Shape-NoAug.mat``, ``AI-NExT-Shape.mat`` (its triangles are those of the face alone), ``HIFI3D++.mat``.
Keys and shapes: tencent-ailab/hifi3dface, 3DMM/scripts/test_basis_io.py, and czh-98/REALY, HIFI3D++/demo.py.
``mu_shape`` 1 x 3V, ``basis_shape`` K x 3V and ``basis_exp`` E x 3V, both for standard normal coefficients; ``tri`` F x
3 from 0; ``mask_face`` V; in HIFI3D also ``vt_list`` T x 2 and ``tri_vt`` F x 3. Centimeters, y up. ``keypoints`` are 86
points that are not the 68 of iBUG, and are not read; nor is ``EVs`` of HIFI3D++, which no public reader uses. The albedo
is an image model in files of its own.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays, unit_by_height
from headform.importers._companions import Companions
from headform.importers._model_mesh import on_one_tile
from headform.importers._sniff import mat_keys
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import license_of
from headform.io.mat_file import read_mat

KIND = "hifi3d"
LICENSE = "HIFI3D (Tencent AI Lab): research only"
UNIT = "cm"
VERTICES = 20481
_KEYS = ("mu_shape", "basis_shape", "basis_exp", "tri")
_OPTIONAL = ("mask_face", "vt_list", "tri_vt")


def recognizes(path: Path) -> bool:
    """Return whether a MATLAB file has the keys of the shape model."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read a shape model. Its size is checked by the height of the head, since it has no known eye corners.

    Raises:
        WeightsError: see `registry.Importer.read`.
    """
    files = Companions(path, companions).close()
    table = ModelArrays(files.where, read_mat(files.path, _KEYS, optional=_OPTIONAL), files.notes)
    mean = table.points("mu_shape")
    if unit_by_height(mean) != UNIT:
        what = f"the mean head is {np.ptp(mean[:, 1]):.4g} high, which is not a head's height in {UNIT}"
        raise table.error("model_unit", what)
    bases = [table.numbers(name, None, mean.size) for name in ("basis_shape", "basis_exp")]
    identity, expression = (basis.reshape(-1, len(mean), 3) for basis in bases)
    faces = table.triangles("tri", len(mean), 0)
    files.notes.append("no landmarks: the publisher's 86 points are not iBUG's 68")
    uv = uv_faces = None
    if "vt_list" in table and "tri_vt" in table:
        uv = table.finite("vt_list", None, 2)
        uv_faces = table.triangles("tri_vt", len(uv), 0)
        check_shape(files.where, "tri_vt", uv_faces, len(faces), 3)
        uv, uv_faces, _ = on_one_tile(uv, uv_faces)
    else:
        files.notes.append("no texture coordinates: `vt_list` and `tri_vt` are absent")
    masked = "mask_face" in table
    license = license_of(KIND, LICENSE, len(mean), len(mean) == VERTICES, files.notes)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, license, f"{len(mean)} x {len(identity)}"),
            unit=UNIT,
            mean=mean,
            faces=faces,
            identity=identity,
            expression=expression,
            uv=uv,
            uv_faces=uv_faces,
            regions={"face": table.vector("mask_face", len(mean)) > 0.5} if masked else {},
        )
    )
