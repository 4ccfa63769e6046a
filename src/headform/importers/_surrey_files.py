"""The two file formats of the Surrey Face Model: eos's ``.bin`` and the publisher's ``.scm``.

V vertices, F triangles, K and A components, E expressions, T texture vertices. Little-endian; millimeters; colors 0 to 1.
A model is a mean (3V), orthonormal components (3V x K), their variances (K) and triangles from 0, counter-clockwise.

``.bin`` (eos, MorphableModel.hpp), versions 1 to 4: u32 version; shape model; color model; from version 2 an optional
expression model, either components (variant 0) or named blendshapes (variant 1); from version 3 optional landmark
definitions (text to i32); texture coordinates (u, v from the top, float64); from version 4 triangles over them.

``.scm`` (eos, cvssp.hpp): u32 V, u32 F, F x 3 u32 triangles from 0; u32 K, u32 3V, the components one after the other,
float64; u32 3V and the mean; u32 K and the variances; then the same four for the colors, RGB. Texture coordinates are a
text file of their own, two numbers a line ("isomap"), of any range, v from the bottom.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.importers._arrays import ModelArrays
from headform.importers._cereal import Archive
from headform.importers._companions import Companions, read_numbers
from headform.importers._sniff import first_bytes, size_of
from headform.importers._surrey_companions import Blendshapes, blendshapes
from headform.io.file_bytes import read_bytes

_VERSIONS = range(1, 5)


@dataclass(eq=False)
class SurreyFile:
    """Content of a Surrey file.

    Attributes:
        arrays: ``shape mean``, ``shape components``, ``shape variances``, and the same of ``color`` and ``expression``
            where the file has them.
        faces: Triangles.
        blendshapes: Names and displacements at weight 1; None where the file has none.
        landmarks: Vertices by name.
        uv: Texture coordinates, v from the top; empty where there are none.
        uv_faces: Triangles over `uv`; empty where it is one per vertex.
    """

    arrays: ModelArrays
    faces: Int[np.ndarray, "F 3"]
    blendshapes: Blendshapes | None = None
    landmarks: dict[str, int] = field(default_factory=dict)
    uv: Float[np.ndarray, "T 2"] = field(default_factory=lambda: np.zeros((0, 2)))
    uv_faces: Int[np.ndarray, "G 3"] = field(default_factory=lambda: np.zeros((0, 3), np.int64))


def recognizes(path: Path) -> bool:
    """Return whether a file is a ``.scm`` whose counts fit into it, or starts with a version and a column of vertices."""
    head = first_bytes(path, 12)
    if len(head) < 12:
        return False
    if path.suffix.lower() == ".scm":
        vertices, triangles, _ = struct.unpack("<III", head)
        return bool(vertices and triangles and 12 * triangles + 24 * vertices < size_of(path))
    version, rows, columns = struct.unpack("<Iii", head)
    return version in _VERSIONS and columns == 1 and rows > 0 and rows % 3 == 0 and 4 * rows < size_of(path)


def read_file(files: Companions) -> SurreyFile:
    """Read the model file, and for a ``.scm`` the ``*isomap*`` that was given.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_shape``, ``model_mismatch`` (texture coordinates or
            expressions of another resolution).
    """
    archive = Archive(read_bytes(files.path), files.where)
    return _read_scm(archive, files) if files.path.suffix.lower() == ".scm" else _read_bin(archive, files)


def _read_bin(archive: Archive, files: Companions) -> SurreyFile:
    version = archive.number("I", "version")
    if version not in _VERSIONS:
        raise archive.damaged(f"version {version} of eos's format, 1 to 4 are known")
    values: dict[str, np.ndarray] = {}

    def model(name: str) -> Int[np.ndarray, "F 3"]:
        parts = {f"{name} {part}": archive.matrix(f"{name} {part}") for part in ("mean", "components", "variances")}
        values.update(parts if parts[f"{name} mean"].size else {})
        return archive.triples(f"{name} triangles").astype(np.int64)

    read = SurreyFile(ModelArrays(files.where, values, files.notes), model("shape"))
    model("color")
    if version >= 2 and not archive.absent("expression model"):
        variant = archive.number("i", "expression model")
        if variant not in (0, 1):
            raise archive.damaged(f"the expression model is of type {variant}, 0 and 1 are known")
        if variant:
            read.blendshapes = blendshapes(archive, len(read.arrays.points("shape mean")))
        else:
            model("expression")
    if version >= 3 and not archive.absent("landmark definitions"):
        for _ in range(archive.count("landmark definitions", 12)):
            name = archive.text("landmark name")
            read.landmarks[name] = archive.number("i", "landmark vertex")
    read.uv = archive.pairs("texture coordinates")
    if version >= 4:
        read.uv_faces = archive.triples("texture triangles").astype(np.int64)
    archive.end()
    return read


def _read_scm(archive: Archive, files: Companions) -> SurreyFile:
    vertices, faces = archive.number("I", "vertices"), archive.number("I", "triangles")
    triangles = archive.block("<u4", 3 * faces, "triangles").astype(np.int64).reshape(faces, 3)
    values: dict[str, np.ndarray] = {}
    for name in ("shape", "color"):
        if not archive.remaining and values:
            break  # the shape alone
        count, length = archive.number("I", f"{name} components"), archive.number("I", name)
        components = archive.block("<f8", count * length, f"{name} components").reshape(count, length).T
        mean, variances = (
            archive.block("<f8", archive.number("I", f"{name} {part}"), f"{name} {part}")
            for part in ("mean", "variances")
        )
        if not len(mean) == length == 3 * vertices:
            what = f"components for {length} numbers, a mean of {len(mean)}, and {vertices} vertices"
            raise archive.damaged(f"{name}: {what}")
        values |= {f"{name} mean": mean, f"{name} components": components, f"{name} variances": variances}
    if archive.remaining:
        files.notes.append(f"{archive.remaining} bytes after the colors are of unknown meaning")
    read = SurreyFile(ModelArrays(files.where, values, files.notes), triangles)
    uv = files.fetch(("*isomap*",), lambda path: _read_isomap(path, vertices))
    read.uv = read.uv if uv is None else uv
    return read


def _read_isomap(path: Path, vertices: int) -> Float[np.ndarray, "V 2"]:
    """Read texture coordinates, scaled to 0 to 1, v from the top as in eos's files."""
    where = repr(str(path))
    numbers = read_numbers(path)
    if len(numbers) != 2 * vertices:
        what = f"{len(numbers) / 2:g} texture coordinates for a model of {vertices} vertices"
        code = "weights_damaged" if len(numbers) % 2 else "model_mismatch"
        raise WeightsError(code, what, where, "use the isomap of this resolution")
    table = numbers.reshape(-1, 2)
    extent = np.ptp(table, axis=0)
    if not extent.all():
        raise WeightsError("weights_damaged", "the texture coordinates lie on one line", where)
    return np.asarray((table - table.min(0)) / extent * [1, -1] + [0, 1])
