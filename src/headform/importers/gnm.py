"""GNM Head 3 (Google, Apache-2.0), its linear part: ``gnm_head.npz``.

V vertices, F triangles, K identity modes, E expressions, G vertex groups.
Keys and shapes: google/GNM, gnm/shape/gnm_data_loader.py and gnm_xnp.py. ``template_vertex_positions`` V x 3, meters, y
up, z out of the face; ``vertex_identity_basis`` K x V x 3 and ``expression_basis`` E x V x 3, both for coefficients of
about -3 to 3; ``triangles`` F x 3 from 0; ``triangle_uvs`` F x 3 x 2; ``mirror_indices`` V; ``vertex_groups`` G x V with
``vertex_group_names``; ``identity_names``, ``expression_names``, ``version``. The joints (neck and eyes) and their
correctives are not read. The 68 points are a text file beside the model, ``head_sparse_68.txt``: three vertices and
their weights a line.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.landmarks68 import NOW7, outer_eye_distance
from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions, read_numbers
from headform.importers._model_mesh import on_one_tile, welded
from headform.importers.importing import ImportedModel, float_tensor, linear_head
from headform.importers.licenses import license_of
from headform.importers.model_size import check_unit
from headform.io.npz_file import array_shapes, read_npz

KIND = "gnm"
LICENSE = "Apache-2.0, (c) 2026 Google LLC"
VERTICES = 17821
_NUMBERS = (
    "template_vertex_positions",
    "vertex_identity_basis",
    "expression_basis",
    "triangles",
    "triangle_uvs",
    "mirror_indices",
    "vertex_groups",
)
_TEXTS = ("version", "identity_names", "expression_names", "vertex_group_names")
_WEIGHT_ERROR = 1e-2
"""Largest difference from 1 of the sum of a landmark's weights."""


def recognizes(path: Path) -> bool:
    """Return whether a .npz has GNM's arrays."""
    return {*_NUMBERS, *_TEXTS} <= set(array_shapes(path))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``gnm_head.npz``, and ``head_sparse_68.txt`` where it is beside it or given.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_mismatch``: landmarks of another model.
    """
    files = Companions(path, companions)
    table = ModelArrays(files.where, read_npz(files.path, (*_NUMBERS, *_TEXTS)), files.notes)
    version, modes, names, groups = (table.texts(name) for name in _TEXTS)
    if not (version and modes and names and groups):
        raise table.error("model_shape", f"one of {', '.join(_TEXTS)} is empty")
    check_shape(files.where, _NUMBERS[0], table.numbers(_NUMBERS[0]), None, 3)
    mean = table.points("template_vertex_positions")
    count = len(mean)
    faces = table.triangles("triangles", count, 0)
    uv, uv_faces = _texture(table, mean, faces)
    masks = table.numbers("vertex_groups", len(groups), count) > 0.5
    points = files.fetch(
        ("head_sparse_68.txt", "*sparse_68*.txt"),
        lambda p: _read_points(p, mean, files.notes),
        "no landmarks: head_sparse_68.txt was not found",
    )
    files.close()
    prefixes = [name.split("_")[0] for name in modes]
    listed = ", ".join(f"{prefixes.count(part)} {part}" for part in dict.fromkeys(prefixes))
    files.notes.append(f"identity modes, in order: {listed}")
    files.notes.append("the joints of neck and eyes, and their correctives, are not read")
    license = license_of(KIND, LICENSE, count, count == VERTICES, files.notes)
    model = ImportedModel(
        provenance=files.provenance(KIND, license, version[0]),
        unit="m",
        mean=mean,
        faces=faces,
        identity=table.numbers("vertex_identity_basis", None, count, 3),
        expression=table.numbers("expression_basis", len(names), count, 3),
        expression_names=names,
        uv=uv,
        uv_faces=uv_faces,
        mirror=table.indices("mirror_indices", count),
        regions=dict(zip(groups, masks, strict=True)),
    )
    if points is None:
        return linear_head(model)
    vertices, weights = points
    check_unit(files.where, outer_eye_distance((mean[vertices] * weights[..., None]).sum(1)))
    nearest = vertices[np.arange(68), weights.argmax(1)]
    return linear_head(
        model,
        landmark_vertices=torch.from_numpy(vertices),
        landmark_weights=float_tensor(weights),
        landmark_offset=torch.zeros(68, 3),
        now7=torch.from_numpy(nearest[list(NOW7)]),
    )


def _texture(
    table: ModelArrays, mean: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> tuple[Float[np.ndarray, "T 2"], Int[np.ndarray, "F 3"]]:
    """Return one list of texture coordinates, v upwards: the publisher does not say where v starts, the face shows it."""
    corners = table.finite("triangle_uvs", len(faces), 3, 2)
    uv, uv_faces, tiles = on_one_tile(*welded(corners.astype(np.float64)))
    if tiles > 1:
        table.notes.append(f"the {tiles} texture tiles lie on top of each other")
    v, y = uv[uv_faces][..., 1].reshape(-1), mean[faces][..., 1].reshape(-1)
    if ((v - v.mean()) * (y - y.mean())).sum() < 0:
        uv = uv * [1, -1] + [0, 1]
        table.notes.append("texture coordinates were flipped to start at the bottom")
    return uv, uv_faces


def _read_points(
    path: Path, mean: Float[np.ndarray, "V 3"], notes: list[str]
) -> tuple[Int[np.ndarray, "68 3"], Float[np.ndarray, "68 3"]]:
    """Read vertices and weights of the 68 points; the jaw is put into iBUG's order where the file has another."""
    where = repr(str(path))
    numbers = read_numbers(path)
    if len(numbers) % 6:
        raise WeightsError("weights_damaged", "not three vertices and their weights a line", where)
    check_shape(where, "landmarks", numbers.reshape(-1, 6), 68, 6)
    vertices, weights = numbers.reshape(68, 6)[:, ::2], numbers.reshape(68, 6)[:, 1::2]
    if np.abs(weights.sum(1) - 1).max() > _WEIGHT_ERROR or (vertices != np.round(vertices)).any():
        raise WeightsError("weights_damaged", "no vertices with weights that sum to 1", where)
    if vertices.min() < 0 or vertices.max() >= len(mean):
        what = f"the landmarks use vertex {vertices.max():.0f}, the model has {len(mean)}"
        raise WeightsError("model_mismatch", what, where, "use the landmarks of this version")
    index = vertices.astype(np.int64)
    height = (mean[index] * weights[..., None]).sum(1)[:17, 1]
    right, left = np.argsort(-height[:8], kind="stable"), np.argsort(height[9:], kind="stable")
    order = np.concatenate([right, [8], left + 9, np.arange(17, 68)])
    if not np.array_equal(order, np.arange(68)):
        notes.append("the jaw points were put into order, ear to chin to ear")
    return index[order], weights[order]
