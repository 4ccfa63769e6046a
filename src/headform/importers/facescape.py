"""The FaceScape bilinear model, version 1.6 (``facescape_bm_v1.6_847_50_52_id_front.npz`` and its siblings).

V vertices, F triangles, K identity factors, T texture vertices, 52 shapes.
Keys and shapes: zhuhao-nju/facescape, toolkit/src/facescape_bm.py. ``shape_bm_core`` 3V x 52 x K (shape 0 is neutral; a
face is core . identity . expression); ``id_mean`` and ``id_var`` K, mean and variance of the identity factors;
``fv_indices`` F x 3 and ``ft_indices`` F x 3 over ``texcoords`` T x 2, both from 1 as in OBJ files; ``lm_list_v16`` 68
vertices from 0. Millimeters, y up.

The model is bilinear; a `LinearHead` adds identity and expression. Its modes are the identity factors on the neutral face,
its expressions those of the mean identity. The vertex colors (front only, without variances) are not read, and neither are
the keys that hold Python objects.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headform.errors import WeightsError
from headform.heads.checks import check_finite, check_indices, check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._companions import Companions
from headform.importers._components import coordinates, from_zero, numbers, whole
from headform.importers._model_mesh import on_one_tile
from headform.importers.importing import ImportedModel, linear_head
from headform.io.npz_file import array_shapes, read_npz

KIND = "facescape"
LICENSE = "FaceScape (Nanjing University): on request, non-commercial research only"
SHAPES = 52
_AS_PUBLISHED = "give the file as its publisher made it"
_KEYS = (
    "shape_bm_core",
    "id_mean",
    "id_var",
    "fv_indices",
    "ft_indices",
    "texcoords",
    "lm_list_v16",
)
_RULE = (
    "bilinear data made linear: identity modes are those of the neutral face, expressions those of the mean identity"
)


def recognizes(path: Path) -> bool:
    """Whether a .npz has the core tensor of version 1.6."""
    return {"shape_bm_core", "fv_indices", "lm_list_v16"} <= set(array_shapes(path))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read one of the four files of version 1.6 whose expressions are not components of their own (not ``..._id_exp``).

    The file with 300 factors takes 5 GB of memory; it is refused as too large, the ones with 50 are recommended.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged`` (also: too large), ``model_missing_key``, ``model_kind``,
            ``model_shape``,
            ``model_index``, ``model_not_finite``, ``model_unit``, ``unsafe_pickle``.
    """
    path = Path(path)
    where = repr(str(path))
    Companions(path, companions).close()
    table = {n: numbers(where, n, v) for n, v in read_npz(path, _KEYS).items()}
    core, center, variance = table["shape_bm_core"], table["id_mean"], table["id_var"]
    check_shape(where, "shape_bm_core", core, None, SHAPES, None)
    check_shape(where, "id_mean", center, core.shape[2])
    check_shape(where, "id_var", variance, core.shape[2])
    if not len(variance):
        raise WeightsError("model_shape", "it has no identity factors", where, _AS_PUBLISHED)
    check_finite(where, shape_bm_core=core, id_mean=center, id_var=variance)
    if variance.min() < 0:
        raise WeightsError("weights_damaged", "a variance in `id_var` is negative", where)
    shapes = np.stack([coordinates(where, "shape_bm_core", core[:, k] @ center) for k in range(SHAPES)])
    mean, size = shapes[0], np.linalg.norm(shapes, axis=(1, 2))
    if (np.abs(size - size[0]) > 0.5 * size[0]).any():
        what = "the 52 shapes are components, not faces: this is the file `..._id_exp`"
        fix = "use facescape_bm_v1.6_847_50_52_id_front.npz"
        raise WeightsError("model_kind", what, where, fix)
    sigma = np.sqrt(variance)
    identity = (core[:, 0] * sigma).T.reshape(len(sigma), len(mean), 3)
    check_shape(where, "texcoords", table["texcoords"], None, 2)
    faces, counted = from_zero(where, table["fv_indices"], len(mean), 1)
    uv_faces, _ = from_zero(where, table["ft_indices"], len(table["texcoords"]), 1)
    check_shape(where, "ft_indices", uv_faces, len(faces), 3)
    check_finite(where, texcoords=table["texcoords"])
    uv, uv_faces, tiles = on_one_tile(table["texcoords"], uv_faces)
    check_shape(where, "lm_list_v16", table["lm_list_v16"].reshape(-1), 68)
    landmarks = whole(where, "lm_list_v16", table["lm_list_v16"].reshape(-1))
    check_indices(where, len(mean), lm_list_v16=landmarks)
    tiled = f"the {tiles} texture tiles lie on top of each other" if tiles > 1 else ""
    notes = [n for n in (_RULE, counted, tiled) if n]
    notes.append("vertex colors are not read: they cover the front alone and have no variances")
    return linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(KIND, [path], version="1.6", license=LICENSE, notes=notes),
            unit="mm",
            mean=mean,
            faces=faces,
            identity=identity,
            sigma=sigma,
            expression=shapes[1:] - mean,
            expression_names=tuple(f"{k:02d}" for k in range(1, SHAPES)),
            uv=uv,
            uv_faces=uv_faces,
            landmarks=landmarks,
        )
    )
