"""The Basel Face Model without its neck, of 3DDFA_V2.

Guo et al., "Towards fast, accurate and stable 3D dense face alignment", 2020.

``bfm_noneck_v3.pkl``: V = 38,365 vertices; ``u`` (mean), ``w_shp`` (40 modes of shape), ``w_exp`` (10 of expression),
``keypoints`` (the 204 coordinates of the 68 points), ``tri``. Micrometers, indices from 0. ``tri.pkl`` (3 x 76,073) has
the rebuilt triangles that the authors use instead.

The modes of shape are unit columns, whose coefficients run to hundreds of thousands; their standard deviations are in
``param_mean_std_62d_120x120.pkl`` (62 means and standard deviations: 12 of pose, 40, 10), which lies beside the model in
the authors' repository and without which such a file is refused. Expressions stay as published: weight 1 is coefficient 1.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions
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
_STD = "param_mean_std_62d_120x120.pkl"
_POSE = 12
"""Parameters before those of shape."""
_MEMORY = 4 << 30
_UNIT_COLUMN = 10.0
"""Columns shorter than this are of unit length; in micrometers, one standard deviation is thousands of times longer."""


def recognizes(path: Path) -> bool:
    """Return whether it has the name of this model and begins like a pickle. It is not opened any further."""
    name = path.name.lower()
    return name.startswith("bfm_noneck") and name.endswith(".pkl") and first_bytes(path, 1) in (b"\x80", b"(", b"}")


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the model.

    Args:
        path: ``bfm_noneck_v3.pkl``.
        companions: ``tri.pkl`` and ``param_mean_std_62d_120x120.pkl``; also looked for beside the model.

    Raises:
        WeightsError: see `registry.Importer.read`; ``weights_missing`` also for the standard deviations.
    """
    files = Companions(path, companions)
    table = ModelArrays(files.where, read_pickle(files.path, memory_bytes=_MEMORY), files.notes)
    mean = table.points("u", NO_NECK)
    shape = table.numbers("w_shp", 3 * NO_NECK, None)[:, :IDENTITY]
    landmarks = _landmarks(table)
    faces = files.fetch(["tri.pkl"], lambda p: _pickled(p, files.notes).triangles("value", NO_NECK, 0))
    sigma = files.fetch(["param_mean_std*.pkl", _STD], _deviations)
    files.close()
    if faces is None:
        faces = table.triangles("tri", NO_NECK, 0)
        files.notes.append("tri.pkl was not given; the triangles are those of the model file")
    if sigma is not None:
        sigma = sigma[: shape.shape[1]]
    else:
        if np.linalg.norm(shape, axis=0).max(initial=0) < _UNIT_COLUMN:
            what = f"its modes are unit columns, their standard deviations are in {_STD}"
            left_out = [note for note in files.notes if note.startswith(_STD)]
            raise table.error("weights_missing", "; ".join([what, *left_out]), "give that file with --with")
        sigma = np.ones(shape.shape[1])
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, LICENSE),
            unit="um",
            mean=mean,
            faces=faces,
            identity=table.modes("w_shp", NO_NECK, sigma, IDENTITY),
            sigma=sigma,
            expression=table.modes("w_exp", NO_NECK, most=EXPRESSION),
            landmarks=landmarks,
        )
    )


def _pickled(path: Path, notes: list[str] | None = None) -> ModelArrays:
    return ModelArrays(repr(str(path)), read_pickle(path), notes)


def _deviations(path: Path) -> Float[np.ndarray, "40"]:
    """Read the standard deviations of the parameters of shape."""
    return _pickled(path).vector("std", _POSE + IDENTITY + EXPRESSION)[_POSE : _POSE + IDENTITY]


def _landmarks(table: ModelArrays) -> Int[np.ndarray, "68"]:
    """Return the vertices of the 68 points, which the file names by their three coordinates, 3v, 3v + 1, 3v + 2.

    Raises:
        WeightsError: ``model_shape``, ``model_index``.
    """
    places = table.indices("keypoints").reshape(-1)
    if len(places) == 68:
        return places
    check_shape(table.where, "keypoints", places, 3 * 68)
    vertex = places.reshape(68, 3) // 3
    if not np.array_equal(places.reshape(68, 3), 3 * vertex[:, :1] + np.arange(3)):
        raise table.error("model_index", "`keypoints` are not the three coordinates of 68 vertices")
    return vertex[:, 0]
