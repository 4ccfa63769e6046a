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

from headform.heads.checks import check_indices, check_shape
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions
from headform.importers._model_mesh import on_one_tile
from headform.importers.importing import ImportedModel, linear_head
from headform.io.npz_file import array_shapes, read_npz

KIND = "facescape"
LICENSE = "FaceScape (Nanjing University): on request, non-commercial research only"
SHAPES = 52
_KEYS = ("shape_bm_core", "id_mean", "id_var", "fv_indices", "ft_indices", "texcoords", "lm_list_v16")
_SIZE_SPREAD = 0.5
"""Largest relative difference in size between a face's shapes; components of expressions differ by more."""


def recognizes(path: Path) -> bool:
    """Return whether a .npz has the core tensor of version 1.6."""
    return {"shape_bm_core", "fv_indices", "lm_list_v16"} <= set(array_shapes(path))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read one of the four files of version 1.6 whose expressions are not components of their own (not ``..._id_exp``).

    The file with 300 factors takes 5 GB of memory; it is refused as too large, the ones with 50 are recommended.

    Raises:
        WeightsError: see `registry.Importer.read`; ``weights_damaged`` also if it is too large.
    """
    files = Companions(path, companions).close()
    files.notes.append(
        "bilinear data made linear: identity modes are those of the neutral face, expressions those of the mean identity"
    )
    table = ModelArrays(files.where, read_npz(files.path, _KEYS), files.notes)
    core = table.finite("shape_bm_core", None, SHAPES, None)
    center, sigma = table.finite("id_mean", core.shape[2]), table.deviations("id_var", core.shape[2])
    if not len(sigma):
        raise table.error("model_shape", "it has no identity factors")
    shapes = {str(k): core[:, k] @ center for k in range(SHAPES)}
    shaped = np.stack([ModelArrays(files.where, shapes).points(name) for name in shapes])
    mean, size = shaped[0], np.linalg.norm(shaped, axis=(1, 2))
    if (np.abs(size - size[0]) > _SIZE_SPREAD * size[0]).any():
        what = "the 52 shapes are components, not faces: this is the file `..._id_exp`"
        raise table.error("model_kind", what, "use facescape_bm_v1.6_847_50_52_id_front.npz")
    faces = table.triangles("fv_indices", len(mean), 1)
    uv = table.finite("texcoords", None, 2)
    uv_faces = table.triangles("ft_indices", len(uv), 1)
    check_shape(files.where, "ft_indices", uv_faces, len(faces), 3)
    uv, uv_faces, tiles = on_one_tile(uv, uv_faces)
    if tiles > 1:
        files.notes.append(f"the {tiles} texture tiles lie on top of each other")
    check_shape(files.where, "lm_list_v16", landmarks := table.indices("lm_list_v16").reshape(-1), 68)
    check_indices(files.where, len(mean), lm_list_v16=landmarks)
    files.notes.append("vertex colors are not read: they cover the front alone and have no variances")
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, LICENSE, "1.6"),
            unit="mm",
            mean=mean,
            faces=faces,
            identity=(core[:, 0] * sigma).T.reshape(len(sigma), len(mean), 3),
            sigma=sigma,
            expression=shaped[1:] - mean,
            expression_names=tuple(f"{k:02d}" for k in range(1, SHAPES)),
            uv=uv,
            uv_faces=uv_faces,
            landmarks=landmarks,
        )
    )
