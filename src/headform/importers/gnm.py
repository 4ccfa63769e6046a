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
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.errors import WeightsError
from headform.geometry.landmarks68 import NOW7, outer_eye_distance
from headform.heads.checks import check_finite, check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers._companions import Companions
from headform.importers._components import coordinates, from_zero, whole
from headform.importers._model_mesh import on_one_tile, welded
from headform.importers.importing import ImportedModel, check_unit, linear_head
from headform.io.file_bytes import read_bytes
from headform.io.npz_file import array_shapes, read_npz

KIND = "gnm"
LICENSE = "Apache-2.0, (c) 2026 Google LLC"
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
_MAX_TEXT = 1 << 20


def recognizes(path: Path) -> bool:
    """Whether a .npz has GNM's arrays."""
    return set(_NUMBERS) | set(_TEXTS) <= set(array_shapes(path))


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``gnm_head.npz``, and ``head_sparse_68.txt`` where it is beside it or given.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, ``model_shape``, ``model_index``,
            ``model_not_finite``, ``model_unit``, ``model_mismatch`` (landmarks of another model), ``unsafe_pickle``.
    """
    path = Path(path)
    where = repr(str(path))
    table = read_npz(path, (*_NUMBERS, *_TEXTS))
    _check_types(where, table)
    check_shape(where, _NUMBERS[0], table[_NUMBERS[0]], None, 3)
    mean = coordinates(where, "template_vertex_positions", table["template_vertex_positions"])
    count = len(mean)
    names = [str(name) for name in table["expression_names"].reshape(-1)]
    for name, rows in (("vertex_identity_basis", None), ("expression_basis", len(names))):
        check_shape(where, name, table[name], rows, count, 3)
    check_shape(where, "mirror_indices", table["mirror_indices"], count)
    faces, _ = from_zero(where, table["triangles"], count, 0)
    check_shape(where, "triangle_uvs", table["triangle_uvs"], len(faces), 3, 2)
    uv, uv_faces, notes = _texture(where, table["triangle_uvs"], mean, faces)
    files = Companions(path, companions)
    points = files.fetch(
        ("head_sparse_68.txt", "*sparse_68*.txt"),
        lambda p: _read_points(p, mean),
        "no landmarks: head_sparse_68.txt was not found",
    )
    files.close()
    modes = [str(name) for name in table["identity_names"].reshape(-1)]
    notes = (
        *notes,
        *files.notes,
        f"identity modes, in order: {_groups(modes)}",
        "the turning of neck and eyes, and its correctives, are not read",
        *(points[2] if points else ()),
    )
    head = linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance_of(
                KIND,
                files.sources,
                version=str(table["version"].reshape(-1)[0]),
                license=LICENSE,
                notes=notes,
            ),
            unit="m",
            mean=mean,
            faces=faces,
            identity=table["vertex_identity_basis"],
            expression=table["expression_basis"],
            expression_names=names,
            uv=uv,
            uv_faces=uv_faces,
            mirror=whole(where, "mirror_indices", table["mirror_indices"]),
            regions=_regions(where, table, count),
        )
    )
    return head if points is None else _marked(head, where, *points[:2])


def _check_types(where: str, table: dict[str, np.ndarray]) -> None:
    for name, array in table.items():
        kinds = "U" if name in _TEXTS else "fiu"
        if array.dtype.kind not in kinds or not (array.size or name in _NUMBERS):
            what = f"`{name}` holds {array.dtype} of shape {array.shape}"
            raise WeightsError("model_shape", what, where, "give the file as its publisher made it")
        if name in _NUMBERS and array.dtype.kind == "f" and array.dtype.itemsize != 4:
            table[name] = array.astype(np.float64)


def _texture(
    where: str,
    corners: Float[np.ndarray, "F 3 2"],
    mean: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
) -> tuple[Float[np.ndarray, "T 2"], Int[np.ndarray, "F 3"], tuple[str, ...]]:
    """One list of texture coordinates, v upwards: the publisher does not say where v starts, the face shows it."""
    check_finite(where, triangle_uvs=corners)
    uv, uv_faces = welded(corners.astype(np.float64))
    uv, uv_faces, tiles = on_one_tile(uv, uv_faces)
    v, y = uv[uv_faces][..., 1].reshape(-1), mean[faces][..., 1].reshape(-1)
    notes = [f"the {tiles} texture tiles lie on top of each other"] if tiles > 1 else []
    if ((v - v.mean()) * (y - y.mean())).sum() < 0:
        uv = uv * [1, -1] + [0, 1]
        notes.append("texture coordinates were turned to start at the bottom")
    return uv, uv_faces, tuple(notes)


def _regions(where: str, table: dict[str, np.ndarray], count: int) -> dict[str, Bool[np.ndarray, " V"]]:
    names = [str(name) for name in table["vertex_group_names"].reshape(-1)]
    check_shape(where, "vertex_groups", table["vertex_groups"], len(names), count)
    return {name: row > 0.5 for name, row in zip(names, table["vertex_groups"], strict=True)}


def _groups(names: Sequence[str]) -> str:
    """How many modes of which part, such as ``170 head, 3 eyes, 80 teeth``."""
    parts = [name.split("_")[0] for name in names]
    return ", ".join(f"{parts.count(part)} {part}" for part in dict.fromkeys(parts))


def _read_points(
    path: Path, mean: Float[np.ndarray, "V 3"]
) -> tuple[Int[np.ndarray, "68 3"], Float[np.ndarray, "68 3"], tuple[str, ...]]:
    """Vertices and weights of the 68 points; the jaw is put into iBUG's order where the file has another."""
    where = repr(str(path))
    try:
        lines = read_bytes(path, max_bytes=_MAX_TEXT).decode().splitlines()
        words = (line.partition("#")[0].split() for line in lines)
        rows = [[float(word) for word in row] for row in words if row]
        table = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise WeightsError("weights_damaged", "not a table of numbers", where) from error
    check_shape(where, "landmarks", table, 68, 6)
    check_finite(where, landmarks=table)
    vertices, weights = table[:, ::2], table[:, 1::2]
    if np.abs(weights.sum(1) - 1).max() > 1e-2 or (vertices != np.round(vertices)).any():
        raise WeightsError("weights_damaged", "no vertices with weights that sum to 1", where)
    if vertices.min() < 0 or vertices.max() >= len(mean):
        what = f"the landmarks name vertex {vertices.max():.0f}, the model has {len(mean)}"
        raise WeightsError("model_mismatch", what, where, "use the landmarks of this version")
    index = vertices.astype(np.int64)
    height = (mean[index] * weights[..., None]).sum(1)[:17, 1]
    right, left = np.argsort(-height[:8], kind="stable"), np.argsort(height[9:], kind="stable")
    order = np.concatenate([right, [8], left + 9, np.arange(17, 68)])
    note = "the jaw points were put into order, ear to chin to ear"
    notes = () if np.array_equal(order, np.arange(68)) else (note,)
    return index[order], weights[order], notes


def _marked(
    head: LinearHead,
    where: str,
    vertices: Int[np.ndarray, "68 3"],
    weights: Float[np.ndarray, "68 3"],
) -> LinearHead:
    points = (head.mean.numpy()[vertices] * weights[..., None]).sum(1)
    check_unit(where, outer_eye_distance(points))
    nearest = vertices[np.arange(68), weights.argmax(1)]
    return replace(
        head,
        landmark_vertices=torch.from_numpy(vertices),
        landmark_weights=torch.from_numpy(weights.astype(np.float32)),
        landmark_offset=torch.zeros(68, 3),
        now7=torch.from_numpy(nearest[list(NOW7)]),
    )
