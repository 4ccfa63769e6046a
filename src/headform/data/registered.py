"""Registered meshes from files: many scans or artists' heads that share one topology.

N meshes, B batch, V vertices, F triangles.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from headform.data import npz_meshes
from headform.data.mesh_outliers import MIXED, Outliers, require_alike
from headform.errors import InputError, check_choice
from headform.geometry.similarity import fit_similarity
from headform.geometry.units import METERS_PER, InputUnit
from headform.io.mesh import obj, ply

HEAD_SIZE = (0.08, 0.6)
"""Longest side of the bounding box of a face or head, meters; wider than any real one."""
_ENDINGS = (".obj", ".ply", ".npz")
KEEP = "; `outliers` (`--outliers keep`) takes the set as it is"
"""Advice for a set whose outliers are meant."""
_SAME = "export all meshes from one template, with the order of vertices and faces kept"


@dataclass(frozen=True, eq=False)
class RegisteredMeshes:
    """A `MeshDataset` in memory.

    Attributes:
        name: Name of the set.
        license: One line.
        faces: (F, 3) int64.
        table: (N, V, 3) float32 meters, in the frame of the files (or of `aligned`).
        files: Name of each mesh, such as `anna.obj` or `all.npz[3]`, in the order of `table`.
        unit: InputUnit of the files, as named or as found.
    """

    name: str
    license: str
    faces: Int64[np.ndarray, "F 3"]
    table: Float32[Tensor, "N V 3"]
    files: tuple[str, ...]
    unit: str

    @property
    def count(self) -> int:
        """Number of meshes."""
        return len(self.table)

    def vertices(self, indices: Int64[np.ndarray, " B"]) -> Float32[Tensor, "B V 3"]:
        """Meshes of these indices, meters."""
        return self.table[torch.from_numpy(indices)]

    def aligned(self, reference: Int64[np.ndarray, " R"] | None = None) -> "RegisteredMeshes":
        """The same meshes, each moved and turned (not scaled) onto the mean of some of them.

        Generalized Procrustes analysis (Gower 1975) without scale: align to the mean, take the mean
        again, until it converges. CoMA's data come aligned; scans in the frames of their scanner
        do not, and a model would spend its coefficients on where people sat. The frame is that of the
        first reference mesh.

        Args:
            reference: Meshes that make up the mean, such as the training part; all if absent.

        Raises:
            InputError: ``mesh_degenerate``: a mesh of fewer than three vertices, or whose vertices coincide, names it.
        """
        rows = self.table.double().numpy()
        for row, label in zip(rows, self.files, strict=True):
            _check_placed(row, label)
        chosen = np.arange(self.count) if reference is None else reference
        goal = rows[chosen[0]]
        for _ in range(50):
            moved = np.stack([_onto(row, goal) for row in rows[chosen]])
            # the mean may drift as a whole: put it back onto the first mesh
            mean = _onto(moved.mean(0), rows[chosen[0]])
            change, goal = float(np.abs(mean - goal).max()), mean
            if change < 1e-9:
                break
        table = np.stack([_onto(row, goal) for row in rows]).astype(np.float32)
        return replace(self, table=torch.from_numpy(table))


def read_registered(
    source: Path,
    *,
    unit: InputUnit = "auto",
    name: str = "",
    license: str = "not stated",
    outliers: Outliers = "refuse",
) -> RegisteredMeshes:
    """Read a folder of .obj, .ply and .npz files, or one such file, and check that they correspond.

    Files are read in the order of their names. An .npz holds one mesh or many (`npz_meshes.read`).
    With unit "auto" the longest side of the bounding box decides, by its median over the meshes:
    0.08 to 0.6 are meters, 8 to 60 centimeters, 80 to 600 millimeters; anything else must be named.

    Args:
        source: The folder (folders below it are not searched) or file.
        unit: InputUnit of the files.
        name: Name of the set; that of `source` if absent.
        license: One line.
        outliers: Refuse the set or keep it when meshes do not correspond to the others, see `data.mesh_outliers`.

    Raises:
        InputError: `no_meshes` when there is none; `mesh_topology` when a mesh has another vertex
            count or other triangles than the first, naming both; `mesh_index`; `mesh_not_finite`;
            `mesh_unit` when the unit cannot be inferred or one mesh is of another size (`mesh_outliers.MIXED`) than the
            others; `mesh_outlier` when the vertices of a mesh are in another order, mirrored, turned or displaced;
            `mesh_unsorted`; and those of the readers for a broken file.
        UsageError: an unknown `unit` or `outliers`.
    """
    check_choice(unit, get_args(InputUnit), "unit")
    check_choice(outliers, get_args(Outliers), "outliers")
    source = Path(source)
    labels: list[str] = []
    shapes: list[Float32[np.ndarray, "V 3"]] = []
    first: Int64[np.ndarray, "F 3"] | None = None
    for path in _files(source):
        for label, vertices, faces in _meshes(path):
            if first is None:
                first = faces
                _check_faces(faces, len(vertices), label)
            else:
                _check_same(vertices, faces, label, shapes[0], first, labels[0])
            if not np.isfinite(vertices).all():
                row = int(np.flatnonzero(~np.isfinite(vertices).all(1))[0])
                what = "a coordinate is NaN or infinite"
                raise InputError("mesh_not_finite", what, f"{label!a}, vertex {row}")
            labels.append(label)
            shapes.append(vertices.astype(np.float32))
    if first is None:
        raise AssertionError("every file holds at least one mesh")
    table = np.stack(shapes)
    if outliers == "refuse":
        _require_one_unit(table, labels)
    found = _unit(table, source) if unit == "auto" else unit
    table *= np.float32(METERS_PER[found])
    meshes = RegisteredMeshes(
        name=name or source.stem,
        license=license,
        faces=first,
        table=torch.from_numpy(table),
        files=tuple(labels),
        unit=found,
    )
    if outliers == "refuse":
        require_alike(meshes, lambda index: ascii(labels[index]), more=KEEP)
    return meshes


def _files(source: Path) -> list[Path]:
    if source.is_file():
        found = [source]
    elif source.is_dir():
        found = sorted(path for path in source.iterdir() if path.suffix.lower() in _ENDINGS)
    else:
        raise InputError("no_meshes", "no such folder or file", ascii(str(source)))
    if not found or found[0].suffix.lower() not in _ENDINGS:
        what = "no .obj, .ply or .npz mesh"
        raise InputError("no_meshes", what, ascii(str(source)), "put the meshes into this folder")
    return found


def _meshes(
    path: Path,
) -> Iterator[tuple[str, Float[np.ndarray, "V 3"], Int64[np.ndarray, "F 3"]]]:
    kind = path.suffix.lower()
    if kind == ".npz":
        rows, faces = npz_meshes.read(path)
        for number, vertices in enumerate(rows):
            yield (f"{path.name}[{number}]" if len(rows) > 1 else path.name), vertices, faces
    else:
        mesh = obj.read(path) if kind == ".obj" else ply.read(path)
        yield path.name, mesh.vertices, mesh.faces


def _check_faces(faces: Int64[np.ndarray, "F 3"], count: int, label: str) -> None:
    if not len(faces):
        raise InputError("mesh_empty", "vertices but no faces", ascii(label))
    wrong = np.flatnonzero((faces < 0).any(1) | (faces >= count).any(1))
    if wrong.size:
        what = f"a face names a vertex outside 0 to {count - 1}"
        raise InputError("mesh_index", what, f"{label!a}, face {int(wrong[0])}")


def _check_same(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int64[np.ndarray, "F 3"],
    label: str,
    first_vertices: Float[np.ndarray, "W 3"],
    first_faces: Int64[np.ndarray, "G 3"],
    first: str,
) -> None:
    if len(vertices) != len(first_vertices):
        what = f"{len(vertices)} vertices, but {first!a} has {len(first_vertices)}"
    elif len(faces) != len(first_faces):
        what = f"{len(faces)} triangles, but {first!a} has {len(first_faces)}"
    else:
        wrong = np.flatnonzero((faces != first_faces).any(1))
        if not wrong.size:
            return
        row = int(wrong[0])
        what = f"triangle {row} is {faces[row].tolist()}, but {first_faces[row].tolist()} in {first!a}"
        what += f" ({wrong.size} of {len(faces)} differ)"
    raise InputError("mesh_topology", what, ascii(label), _SAME)


def _require_one_unit(table: Float32[np.ndarray, "N V 3"], labels: list[str]) -> None:
    sizes = np.ptp(table, axis=1).max(1)
    size = float(np.median(sizes))
    ratio = np.maximum(sizes, 1e-30) / max(size, 1e-30)
    odd = int(np.argmax(np.abs(np.log(ratio))))
    if not 1 / MIXED < ratio[odd] < MIXED:
        what = f"the mesh is {sizes[odd]:.4g} long, the others about {size:.4g}"
        raise InputError("mesh_unit", what, ascii(labels[odd]), "bring all meshes to one unit")


def _unit(table: Float32[np.ndarray, "N V 3"], source: Path) -> str:
    size = float(np.median(np.ptp(table, axis=1).max(1)))
    for unit in ("m", "cm", "mm"):
        if HEAD_SIZE[0] <= size * METERS_PER[unit] <= HEAD_SIZE[1]:
            return unit
    what = f"the meshes are {size:.4g} long, which is no head in meters, centimeters or millimeters"
    raise InputError("mesh_unit", what, ascii(str(source)), "name the unit, or scale the meshes")


def _check_placed(row: Float[np.ndarray, "V 3"], label: str) -> None:
    """Refuse a mesh whose place has no direction."""
    fix = "leave it out, or do without the alignment"
    if len(row) < 3:
        what = f"a mesh of {len(row)} vertices cannot be turned onto another"
        raise InputError("mesh_degenerate", what, ascii(label), fix)
    if not np.ptp(row, axis=0).max() > 1e-6 * np.abs(row).max():
        raise InputError("mesh_degenerate", "all vertices of the mesh coincide", ascii(label), fix)


def _onto(row: Float[np.ndarray, "V 3"], goal: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3"]:
    return fit_similarity(row, goal, scale=False).apply(row)
