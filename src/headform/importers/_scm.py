"""The full Surrey Face Model as its publisher ships it (``.scm``), with colors.

V vertices, F triangles, K and A components.
Layout (eos, cvssp.hpp, little-endian): u32 V, u32 F, F x 3 u32 triangles from 0; u32 K, u32 3V, the orthonormal
components one after the other, float64; u32 3V and the mean; u32 K and the variances; then the same four for the
colors, RGB. Texture coordinates are a text file of their own, two numbers a line ("isomap"), of any range, v from the
bottom. Millimeters.
"""

import struct
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_finite
from headform.importers._cereal import Archive
from headform.importers._companions import Companions
from headform.importers._components import coordinates
from headform.importers._sniff import first_bytes, size_of
from headform.importers._surrey_model import Components, Content
from headform.io.file_bytes import read_bytes

_MAX_TEXT = 1 << 26


def recognizes(path: Path) -> bool:
    """Whether a file is called ``.scm`` and its counts fit into it."""
    head = first_bytes(path, 8)
    if path.suffix.lower() != ".scm" or len(head) < 8:
        return False
    vertices, triangles = struct.unpack("<II", head)
    return bool(vertices and triangles and 12 * triangles + 24 * vertices < size_of(path))


def read_content(path: Path, files: Companions) -> Content:
    """Read a ``.scm`` file, and its texture coordinates where `files` holds an ``*isomap*``.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_shape``, ``model_mismatch`` (texture coordinates of
            another resolution).
    """
    where = repr(str(path))
    archive = Archive(read_bytes(path), where)
    vertices, faces = archive.number("I", "vertices"), archive.number("I", "triangles")
    triangles = archive.block("<u4", 3 * faces, "triangles").astype(np.int64).reshape(faces, 3)
    shape = _components(archive, "shape", triangles)
    mean = coordinates(where, "shape mean", shape.mean[:, 0])
    if len(mean) != vertices:
        raise archive.damaged(f"the mean has {len(mean)} vertices, the file claims {vertices}")
    notes = []
    if archive.remaining:
        color = _components(archive, "color", triangles)
    else:
        nothing = np.zeros((0, 1))
        color = Components(nothing, nothing, nothing, triangles)
    if archive.remaining:
        notes.append(f"{archive.remaining} bytes after the colors are of unknown meaning")
    texture = files.fetch(("*isomap*",), lambda p: _read_isomap(p, vertices))
    if texture is None:
        texture = np.zeros((0, 2))
    return Content(mean, shape, color, (), None, {}, texture, triangles[:0].astype(np.int32), tuple(notes))


def _components(archive: Archive, name: str, triangles: Int[np.ndarray, "F 3"]) -> Components:
    count, length = archive.number("I", f"{name} components"), archive.number("I", name)
    basis = archive.block("<f8", count * length, f"{name} components").reshape(count, length).T
    mean = archive.block("<f8", archive.number("I", f"{name} mean"), f"{name} mean")
    if len(mean) != length:
        raise archive.damaged(f"{name}: components for {length} numbers, a mean of {len(mean)}")
    variance = archive.block("<f8", archive.number("I", f"{name} variances"), f"{name} variances")
    return Components(mean[:, None], basis, variance[:, None], triangles)


def _read_isomap(path: Path, vertices: int) -> Float[np.ndarray, "V 2"]:
    """Texture coordinates scaled to 0 to 1, v from the top as in eos's files."""
    where = repr(str(path))
    try:
        words = read_bytes(path, max_bytes=_MAX_TEXT).split()
        table = np.array([float(word) for word in words]).reshape(-1, 2)
    except ValueError as error:
        raise WeightsError("weights_damaged", "not two numbers a line", where) from error
    if len(table) != vertices:
        what = f"{len(table)} texture coordinates for a model of {vertices} vertices"
        raise WeightsError("model_mismatch", what, where, "use the isomap of this resolution")
    check_finite(where, isomap=table)
    extent = np.ptp(table, axis=0)
    if not extent.all():
        raise WeightsError("weights_damaged", "the texture coordinates are one line", where)
    scaled = (table - table.min(0)) / extent
    return np.asarray(scaled * [1, -1] + [0, 1])
