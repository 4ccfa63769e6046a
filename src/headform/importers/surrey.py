"""The Surrey Face Model as eos stores it (``sfm_shape_3448.bin``): versions 1 to 4 of its binary archive.

V vertices, F triangles, K and A components, E expressions, T texture vertices.
Layout (eos, MorphableModel.hpp, little-endian): u32 version; shape model; color model; from version 2 an optional
expression model, either components (variant 0) or named blendshapes (variant 1); from version 3 optional landmark
definitions (text to i32); texture coordinates (u, v from the top, float64); from version 4 triangles over them. A model
is a mean (3V x 1), orthonormal components (3V x K), their variances (K x 1) and triangles from 0, counter-clockwise.
Millimeters; colors 0 to 1.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headform.heads.checks import check_shape
from headform.heads.linear import LinearHead
from headform.importers import _scm as scm
from headform.importers import _surrey_companions as beside
from headform.importers._cereal import Archive
from headform.importers._companions import Companions
from headform.importers._components import coordinates, per_sigma
from headform.importers._sniff import first_bytes, size_of
from headform.importers._surrey_model import Components, Content, assemble, column
from headform.io.file_bytes import read_bytes

KIND = "surrey"
_VERSIONS = range(1, 5)


def recognizes(path: Path) -> bool:
    """Whether a file starts as an eos model does (version, then a column of vertices that fits into it) or is a ``.scm``."""
    if scm.recognizes(path):
        return True
    head = first_bytes(path, 12)
    if len(head) < 12:
        return False
    version, rows, columns = struct.unpack("<Iii", head)
    return version in _VERSIONS and columns == 1 and rows > 0 and rows % 3 == 0 and 4 * rows < size_of(path)


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read an eos model file, or a ``.scm`` file.

    Read beside it by name: ``expression_blendshapes_<V>.bin`` (where the model has no expressions itself),
    ``ibug_to_sfm.txt``, ``sfm_model_contours.json``, ``sfm_reference_symmetry.txt`` (845 vertices only). An
    ``*isomap*`` file of texture coordinates for a ``.scm`` must be given.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_kind`` (another version), ``model_shape``,
            ``model_index``, ``model_not_finite``, ``model_unit``, ``model_mismatch`` (a companion for another model).
    """
    path = Path(path)
    where, files = repr(str(path)), Companions(path, companions)
    if path.suffix.lower() == ".scm":
        return assemble(scm.read_content(path, files), files, where)
    archive = Archive(read_bytes(path), where)
    version = archive.number("I", "version")
    if version not in _VERSIONS:
        raise archive.damaged(f"version {version} of eos's format, 1 to 4 are known")
    shape, color = _components(archive, "shape"), _components(archive, "color")
    mean = coordinates(where, "shape mean", column(where, "shape mean", shape.mean))
    names: tuple[str, ...] = ()
    shapes: np.ndarray | None = None
    notes = list[str]()
    if version >= 2 and not archive.absent("expression model"):
        variant = archive.number("i", "expression model")
        if variant not in (0, 1):
            raise archive.damaged(f"the expression model is of type {variant}, 0 and 1 are known")
        if variant:
            names, shapes = beside.blendshapes(archive, len(mean))
        else:
            offset, shapes, note = _pca_expression(archive, where, len(mean))
            mean = mean + offset
            notes += [note, "the mean of the expression model was added to the mean shape"]
    points: dict[str, int] = {}
    if version >= 3 and not archive.absent("landmark definitions"):
        for _ in range(archive.count("landmark definitions", 12)):
            name = archive.text("landmark name")
            points[name] = archive.number("i", "landmark vertex")
    texture = archive.pairs("texture coordinates")
    uv_faces = archive.triples("texture triangles") if version >= 4 else shape.triangles[:0]
    archive.end()
    content = Content(mean, shape, color, names, shapes, points, texture, uv_faces, tuple(filter(None, notes)))
    return assemble(content, files, where)


def _components(archive: Archive, name: str) -> Components:
    return Components(
        archive.matrix(f"{name} mean"),
        archive.matrix(f"{name} components"),
        archive.matrix(f"{name} variances"),
        archive.triples(f"{name} triangles"),
    )


def _pca_expression(
    archive: Archive, where: str, count: int
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "E V 3"], str]:
    model = _components(archive, "expression")
    check_shape(where, "expression mean", model.mean, 3 * count, 1)
    check_shape(where, "expression components", model.basis, 3 * count, None)
    variance = column(where, "expression variances", model.variance)
    shapes, _, note = per_sigma(where, "expression", model.basis, variance)
    return coordinates(where, "expression mean", model.mean[:, 0]), shapes, note
