"""Basel Face Model 2009 (Paysan et al., "A 3D face model for pose and illumination invariant face recognition", 2009).

``01_MorphableModel.mat``: V = 53,490 vertices, K = 199 modes of shape and of color. ``shapeMU``, ``shapePC``, ``shapeEV``,
``texMU``, ``texPC``, ``texEV``; the EV are standard deviations. Micrometers; colors 0 to 255 as displayed; triangles
``tl`` count from 1 and are clockwise. It has no expressions.

Expressions are those of Guo et al. (``Exp_Pca.bin`` with ``std_exp.txt``), which exist on 53,215 vertices: all but those
inside the mouth, which ``BFM_exp_idx.mat`` lists. A head with expressions is therefore cut to those 53,215: inner vertices
that stay in place while the lips move would be torn out of the face. Without any of the three files the head is whole and
has no expressions.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._basel_companions import BaselExpressions, read_expressions, read_mirror
from headform.importers._basel_landmarks import LANDMARKS
from headform.importers._companions import Companions, read_numbers
from headform.importers._sniff import mat_keys
from headform.importers.basel_topology import FULL, read_selection
from headform.importers.importing import ImportedModel, linear_head
from headform.io.mat_file import read_mat

KIND = "bfm2009"
LICENSE = "Basel Face Model 2009, University of Basel: signed form, non-commercial, no redistribution"
_KEYS = ("shapeMU", "shapePC", "shapeEV", "tl")
_COLORS = ("texMU", "texPC", "texEV")
_SEGMENTS = "segbin"
_EXPRESSIONS, _STD, _CUT = "Exp_Pca.bin", "std_exp.txt", "BFM_exp_idx.mat"
_FURTHER = ("BFM_front_idx*.mat", "indices*.npy", "select_vertex_id*.mat")
_SEGMENT_OF = {30: "nose", 36: "eyes", 48: "mouth"}
"""Names of the four segments of the file, by a landmark that lies in them."""


def recognizes(path: Path) -> bool:
    """Return whether it is a MATLAB file with the keys of this model."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model and its companions.

    Args:
        path: ``01_MorphableModel.mat``.
        companions: ``Exp_Pca.bin`` and ``std_exp.txt`` (expressions), ``BFM_exp_idx.mat`` (the cut to 53,215 vertices),
            ``face05_symlist.txt`` (mirror map): these are also looked for beside the model. ``BFM_front_idx.mat``,
            ``select_vertex_id.mat`` or ``indices.npy`` cut further, when they are given.

    Raises:
        WeightsError: see `registry.Importer.read`.
    """
    files = Companions(path, companions)
    data = read_mat(files.path, _KEYS, optional=(*_COLORS, _SEGMENTS))
    table = ModelArrays(files.where, data, files.notes)
    mean = table.points("shapeMU", FULL)
    sigma = table.vector("shapeEV")
    identity = table.modes("shapePC", FULL, sigma)
    del data["shapePC"]
    faces = table.triangles("tl", FULL, 1)
    color = albedo = None
    if all(key in table for key in _COLORS):
        color = table.points("texMU", FULL) / 255
        albedo = table.modes("texPC", FULL, table.vector("texEV") / 255)
        del data["texPC"]
    else:
        files.notes.append("the file has no colors")

    mirror = files.fetch(["face05_symlist.txt"], lambda p: read_mirror(p, mean), "no mirror map was given")
    asked = any(Path(p).name.lower() == _CUT.lower() for p in companions)
    trim = files.fetch([_CUT], read_selection)
    expressions = _expressions(files, trim is not None)
    further = files.fetch(_FURTHER, read_selection)
    files.close()
    if expressions is None and not asked:
        files.sources = [p for p in files.sources if p.name.lower() != _CUT.lower()]
        trim = None
    head = linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, LICENSE),
            unit="um",
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            albedo_mean=color,
            albedo=albedo,
            albedo_space="srgb",
            landmarks=np.array(LANDMARKS[FULL]),
            mirror=mirror,
            regions=_regions(data.get(_SEGMENTS)),
        )
    )
    head = trim.cut(head) if trim is not None else head
    head = expressions.added_to(head) if expressions is not None else head
    return further.cut(head) if further is not None else head


def _expressions(files: Companions, trimmed: bool) -> BaselExpressions | None:
    """Read the expressions where all of their files are there."""
    known = len(files.sources)
    deviations = files.fetch([_STD], read_numbers)
    found = files.fetch(
        [_EXPRESSIONS],
        lambda path: read_expressions(path, deviations, trimmed),
        f"it has no expressions: {_EXPRESSIONS}, {_STD} and {_CUT} were not given",
    )
    if found is None:
        del files.sources[known:]
    return found


def _regions(segments: Any) -> dict[str, Bool[np.ndarray, " V"]]:
    if not isinstance(segments, np.ndarray) or segments.ndim != 2 or FULL not in segments.shape:
        return {}
    masks = (segments if segments.shape[0] == FULL else segments.T) != 0
    return {
        name: np.ascontiguousarray(masks[:, k])
        for landmark, name in _SEGMENT_OF.items()
        for k in range(masks.shape[1])
        if masks[LANDMARKS[FULL][landmark], k]
    }
