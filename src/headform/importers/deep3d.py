"""Deep3D's front of the Basel Face Model (Deng et al., "Accurate 3D face reconstruction ...", 2019).

``BFM_model_front.mat``: V = 35,709 vertices, F = 70,789 triangles, 80 modes of shape, 64 of expression and 80 of color,
each already multiplied by its standard deviation. Decimeters; colors 0 to 255 as displayed; all indices from 1. Its codes
are those of `heads.coefficients.BASEL_FRONT`. As in the authors' loader, the middle of the mean shape's vertices is moved
to the origin: the translation of a published code counts from there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._basel_arrays import flat, modes, triangles, vertex_mask
from headform.importers._companions import Companions
from headform.importers._components import coordinates, numbers, whole
from headform.importers._sniff import mat_keys
from headform.importers.basel_topology import FRONT
from headform.importers.importing import ImportedModel, linear_head
from headform.io.mat_file import read_mat

KIND = "deep3d"
LICENSE = (
    "Basel Face Model 2009 (University of Basel: signed form, non-commercial, no redistribution) with expressions of "
    "Guo et al. (research only)"
)
TRIANGLES = 70789
IDENTITY, EXPRESSION, COLOR = 80, 64, 80
_KEYS = ("meanshape", "idBase", "exBase", "meantex", "texBase", "tri", "keypoints")
_EXTRA = ("point_buf", "tri_mask2", "frontmask2_idx", "skinmask")
_ROUND = 8


def recognizes(path: Path) -> bool:
    """Whether it is a MATLAB file with the keys of this model."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model. Nothing goes with it.

    Regions: ``front`` (``frontmask2_idx``), ``skin`` (``skinmask``) and ``visible`` (the vertices of ``tri_mask2``), where
    the file has them.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``, ``model_unit``, ``model_mismatch`` (``point_buf`` is of other triangles), ``model_kind``.
    """
    path = Path(path)
    where = repr(str(path))
    files = Companions(path, companions)
    files.close()
    data = read_mat(path, _KEYS, optional=_EXTRA)
    faces, note = triangles(where, "tri", data["tri"], FRONT, 1)
    check_shape(where, "tri", faces, TRIANGLES, 3)
    mean = coordinates(where, "meanshape", flat(where, "meanshape", data["meanshape"], 3 * FRONT))
    color = coordinates(where, "meantex", flat(where, "meantex", data["meantex"], 3 * FRONT))
    bases = {
        name: _basis(where, name, data, count)
        for name, count in (("idBase", IDENTITY), ("exBase", EXPRESSION), ("texBase", COLOR))
    }
    bases["texBase"] /= np.float32(255)
    landmarks = whole(where, "keypoints", flat(where, "keypoints", data["keypoints"], 68))
    if landmarks.min() < 1:
        what = "`keypoints` counts from 0, the other indices of the file from 1"
        raise WeightsError("model_index", what, where, "give the file as its publisher made it")
    _check_rings(where, data.get("point_buf"), faces)
    middle = mean.mean(0)
    shift = ", ".join(f"{100 * c:.2f}" for c in middle)
    notes = [note, f"moved by minus ({shift}) mm: the middle of the mean's vertices is the origin"]
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, [path], license=LICENSE, notes=[n for n in notes if n]),
            unit="dm",
            mean=mean - middle,
            faces=faces,
            identity=bases["idBase"],
            expression=bases["exBase"],
            albedo_mean=color / 255,
            albedo=bases["texBase"],
            albedo_space="srgb",
            landmarks=landmarks - 1,
            regions=_regions(where, data),
        )
    )


def _basis(where: str, name: str, data: dict[str, Any], count: int) -> Float[np.ndarray, "K V 3"]:
    basis = data.pop(name)
    check_shape(where, name, numbers(where, name, basis), 3 * FRONT, count)
    return modes(where, name, basis, None, FRONT)


def _regions(where: str, data: dict[str, Any]) -> dict[str, Bool[np.ndarray, " V"]]:
    regions = {}
    if "frontmask2_idx" in data:
        front = data["frontmask2_idx"]
        regions["front"] = vertex_mask(where, "frontmask2_idx", front, FRONT)
    if "skinmask" in data:
        regions["skin"] = flat(where, "skinmask", data["skinmask"], FRONT) > 0.5
    if "tri_mask2" in data:
        regions["visible"] = vertex_mask(where, "tri_mask2", data["tri_mask2"], FRONT)
    return regions


def _check_rings(where: str, rings: Any, faces: Int[np.ndarray, "F 3"]) -> None:
    """Each vertex's list of triangles (from 1, filled up with F + 1) must hold triangles that have it.

    Raises:
        WeightsError: ``model_shape``, ``model_mismatch``.
    """
    if rings is None:
        return
    table = numbers(where, "point_buf", rings)
    check_shape(where, "point_buf", table, FRONT, _ROUND)
    at = np.nan_to_num(table).astype(np.int64) - 1
    real = (at >= 0) & (at < len(faces))
    touched = (faces[np.where(real, at, 0)] == np.arange(FRONT)[:, None, None]).any(-1)
    if not (touched | (at == len(faces))).all():
        what = "`point_buf` does not belong to the triangles `tri`"
        raise WeightsError("model_mismatch", what, where, "give the file as its publisher made it")
