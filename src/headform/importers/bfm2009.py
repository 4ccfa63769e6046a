"""Basel Face Model 2009 (Paysan et al., "A 3D face model for pose and illumination invariant face recognition", 2009).

``01_MorphableModel.mat``: V = 53,490 vertices, K = 199 modes of shape and of color. ``shapeMU``, ``shapePC``, ``shapeEV``,
``texMU``, ``texPC``, ``texEV``; the EV are standard deviations. Micrometers; colors 0 to 255 as displayed; triangles
``tl`` count from 1 and are clockwise. It has no expressions.

Expressions are those of Guo et al. (``Exp_Pca.bin`` with ``std_exp.txt``), which exist on 53,215 vertices: all but those
inside the mouth. Which they are says ``BFM_exp_idx.mat``. A head with expressions is therefore cut to those 53,215: inner
vertices that stay in place while the lips move would be torn out of the face. Without any of the three files the head is
whole and has no expressions.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._basel_arrays import flat, modes, triangles, vector
from headform.importers._basel_expressions import (
    BasisFile,
    read_deviations,
    read_expressions,
)
from headform.importers._basel_landmarks import LANDMARKS
from headform.importers._basel_symmetry import read_mirror
from headform.importers._companions import Companions
from headform.importers._components import coordinates
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
_NOSE, _EYE, _LIP = 30, 36, 48


def recognizes(path: Path) -> bool:
    """Whether it is a MATLAB file with the keys of this model."""
    return mat_keys(path).issuperset(_KEYS)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model and what goes with it.

    Args:
        path: ``01_MorphableModel.mat``.
        companions: ``Exp_Pca.bin`` and ``std_exp.txt`` (expressions), ``BFM_exp_idx.mat`` (the cut to 53,215 vertices),
            ``face05_symlist.txt`` (mirror map): these are also looked for beside the model. ``BFM_front_idx.mat``,
            ``select_vertex_id.mat`` or ``indices.npy`` cut further, when they are given.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``, ``model_mismatch``, ``model_kind``.
    """
    path = Path(path)
    where = repr(str(path))
    data = read_mat(path, _KEYS, optional=(*_COLORS, _SEGMENTS))
    mean = _points(where, "shapeMU", data)
    sigma = vector(where, "shapeEV", data["shapeEV"])
    identity = modes(where, "shapePC", data.pop("shapePC"), sigma, FULL)
    faces, note = triangles(where, "tl", data["tl"], FULL, 1)
    color = _colors(where, data)

    files = Companions(path, companions)
    mirror = files.fetch(["face05_symlist.txt"], lambda p: read_mirror(p, mean), "no mirror map was given")
    asked = any(Path(p).name.lower() == _CUT.lower() for p in companions)
    trim = files.fetch([_CUT], read_selection)
    expressions = _expressions(files, trim is not None)
    further = files.fetch(_FURTHER, read_selection)
    files.close()
    if expressions is None and not asked:
        files.sources = [p for p in files.sources if p.name.lower() != _CUT.lower()]
        trim = None
    notes = [note, *files.notes, "" if color else "the file has no colors"]
    head = linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, files.sources, license=LICENSE, notes=[n for n in notes if n]),
            unit="um",
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            albedo_mean=color[0] if color else None,
            albedo=color[1] if color else None,
            albedo_space="srgb",
            landmarks=np.array(LANDMARKS[FULL]),
            mirror=mirror,
            regions=_regions(data.get(_SEGMENTS)),
        )
    )
    head = trim.cut(head) if trim is not None else head
    head = expressions.added_to(head) if expressions is not None else head
    return further.cut(head) if further is not None else head


def _points(where: str, name: str, data: dict[str, Any]) -> Float[np.ndarray, "V 3"]:
    return coordinates(where, name, flat(where, name, data[name], 3 * FULL))


def _expressions(files: Companions, trimmed: bool) -> BasisFile | None:
    """The expressions where all of their files are there."""
    known = len(files.sources)
    scale = files.fetch([_STD], read_deviations)
    found = files.fetch(
        [_EXPRESSIONS],
        lambda path: read_expressions(path, scale, trimmed),
        f"it has no expressions: {_EXPRESSIONS}, {_STD} and {_CUT} were not given",
    )
    if found is None:
        files.sources = [p for k, p in enumerate(files.sources) if k < known]
    return found


def _colors(where: str, data: dict[str, Any]) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "K V 3"]] | None:
    """Mean color and color modes, from 0 to 1."""
    if not all(key in data for key in _COLORS):
        return None
    mean = _points(where, "texMU", data) / 255
    sigma = vector(where, "texEV", data["texEV"]) / 255
    return mean, modes(where, "texPC", data.pop("texPC"), sigma, FULL)


def _regions(segments: Any) -> dict[str, Bool[np.ndarray, " V"]]:
    """The four segments of the file, called after the landmark that lies in each."""
    if not isinstance(segments, np.ndarray) or segments.ndim != 2 or FULL not in segments.shape:
        return {}
    masks = (segments if segments.shape[0] == FULL else segments.T) != 0
    landmarks = LANDMARKS[FULL]
    names = {_NOSE: "nose", _EYE: "eyes", _LIP: "mouth"}
    return {
        name: np.ascontiguousarray(masks[:, k])
        for point, name in names.items()
        for k in range(masks.shape[1])
        if masks[landmarks[point], k]
    }
