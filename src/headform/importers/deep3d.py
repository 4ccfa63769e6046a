"""Deep3D's front of the Basel Face Model (Deng et al., "Accurate 3D face reconstruction ...", 2019).

``BFM_model_front.mat``: V = 35,709 vertices, F = 70,789 triangles, 80 modes of shape, 64 of expression and 80 of color,
each already multiplied by its standard deviation. Decimeters; colors 0 to 255 as displayed; all indices from 1. Its codes
are those of `heads.coefficients.BASEL_FRONT`. As in the authors' loader, the centroid of the mean shape's vertices is moved
to the origin: the translation of a published code counts from there.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int

from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions
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
_RING = 8
"""Columns of ``point_buf``: triangles of a vertex."""


def recognizes(path: Path) -> bool:
    """Return whether it is a MATLAB file with the keys of this model."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model, which has no companions.

    Regions: ``front`` (``frontmask2_idx``), ``skin`` (``skinmask``) and ``visible`` (the vertices of ``tri_mask2``), where
    the file has them.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_mismatch``: ``point_buf`` is of other triangles.
    """
    files = Companions(path, companions).close()
    table = ModelArrays(files.where, read_mat(files.path, _KEYS, optional=_EXTRA), files.notes)
    faces = table.triangles("tri", FRONT, 1)
    check_shape(files.where, "tri", faces, TRIANGLES, 3)
    mean = table.points("meanshape", FRONT)
    counts = {"idBase": IDENTITY, "exBase": EXPRESSION, "texBase": COLOR}
    for name, count in counts.items():
        table.numbers(name, 3 * FRONT, count)
    color, albedo = table.points("meantex", FRONT), table.modes("texBase", FRONT, np.full(COLOR, 1 / 255))
    check_shape(files.where, "keypoints", landmarks := table.indices("keypoints").reshape(-1), 68)
    if landmarks.min() < 1:
        raise table.error("model_index", "`keypoints` counts from 0, the other indices of the file from 1")
    _check_rings(table, faces)
    centroid = mean.mean(0)
    shift = ", ".join(f"{100 * c:.2f}" for c in centroid)
    files.notes.append(f"moved by minus ({shift}) mm: the centroid of the mean's vertices is the origin")
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, LICENSE),
            unit="dm",
            mean=mean - centroid,
            faces=faces,
            identity=table.modes("idBase", FRONT),
            expression=table.modes("exBase", FRONT),
            albedo_mean=color / 255,
            albedo=albedo,
            albedo_space="srgb",
            landmarks=landmarks - 1,
            regions=_regions(table),
        )
    )


def _regions(table: ModelArrays) -> dict[str, Bool[np.ndarray, " V"]]:
    regions = {}
    for region, name in (("front", "frontmask2_idx"), ("visible", "tri_mask2")):
        if name in table:
            listed = table.indices(name)
            if listed.size and not (1 <= listed.min() and listed.max() <= FRONT):
                what = f"`{name}` runs from {listed.min()} to {listed.max()}, vertices from 1 to {FRONT}"
                raise table.error("model_index", what)
            regions[region] = np.isin(np.arange(FRONT), listed - 1)
    if "skinmask" in table:
        regions["skin"] = table.vector("skinmask", FRONT) > 0.5
    return regions


def _check_rings(table: ModelArrays, faces: Int[np.ndarray, "F 3"]) -> None:
    """Check that each vertex's list of triangles (from 1, padded with F + 1) holds triangles that have it.

    Raises:
        WeightsError: ``model_shape``, ``model_mismatch``.
    """
    if "point_buf" not in table:
        return
    at = np.nan_to_num(table.numbers("point_buf", FRONT, _RING)).astype(np.int64) - 1
    real = (at >= 0) & (at < len(faces))
    touched = (faces[np.where(real, at, 0)] == np.arange(FRONT)[:, None, None]).any(-1)
    if not (touched | (at == len(faces))).all():
        raise table.error("model_mismatch", "`point_buf` does not belong to the triangles `tri`")
