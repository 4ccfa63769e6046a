"""The Surrey Face Model as eos stores it (``sfm_shape_3448.bin``): versions 1 to 4 of its binary archive.

V vertices, F triangles, K and A components, E expressions, T texture vertices.
Layout (eos, MorphableModel.hpp, little-endian): u32 version; shape model; colour model; from version 2 an optional
expression model, either components (variant 0) or named blendshapes (variant 1); from version 3 optional landmark
definitions (text to i32); texture coordinates (u, v from the top, float64); from version 4 triangles over them. A model
is a mean (3V x 1), orthonormal components (3V x K), their variances (K x 1) and triangles from 0, counter-clockwise.
Millimetres; colours 0 to 1.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.heads.formats import surrey_companions as beside
from headform.heads.formats.cereal import Archive
from headform.heads.formats.companions import Companions, first_bytes, size_of
from headform.heads.formats.components import coordinates, per_sigma
from headform.heads.importing import ImportedModel, check_shape, linear_head
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.weights.file_bytes import read_bytes

KIND = "surrey"
LICENCE = "Surrey Face Model (University of Surrey, CVSSP): free for non-commercial use only"
UNIT = "mm"
_VERSIONS = range(1, 5)


@dataclass(frozen=True)
class Components:
    """A mean and its principal components.

    Attributes:
        mean: (3V, 1) coordinates or colours; empty where a model has none.
        basis: (3V, K) orthonormal.
        variance: (K, 1).
        triangles: (F, 3) from 0.
    """

    mean: Float[np.ndarray, "N a"]
    basis: Float[np.ndarray, "M K"]
    variance: Float[np.ndarray, "L b"]
    triangles: Int[np.ndarray, "F 3"]


@dataclass(frozen=True, eq=False)
class Content:
    """What a Surrey file holds, in millimetres.

    Attributes:
        mean: Mean shape, with the mean expression.
        shape: Shape model.
        colour: Colour model; an empty mean where there is none.
        expression_names: Empty where the expressions have none.
        expression: At weight 1, or per standard deviation; None where the file has none.
        landmarks: Vertices by name.
        texture: Texture coordinates, v from the top; empty where there are none.
        texture_triangles: Over `texture`; empty where it is one per vertex.
        notes: Sentences for the provenance.
    """

    mean: Float[np.ndarray, "V 3"]
    shape: Components
    colour: Components
    expression_names: tuple[str, ...]
    expression: Float[np.ndarray, "E V 3"] | None
    landmarks: dict[str, int]
    texture: Float[np.ndarray, "T 2"]
    texture_triangles: Int[np.ndarray, "G 3"]
    notes: tuple[str, ...]


def recognises(path: Path) -> bool:
    """Whether a file starts as an eos model does: version, then a column of whole vertices that fits into it."""
    head = first_bytes(path, 12)
    if len(head) < 12:
        return False
    version, rows, columns = struct.unpack("<Iii", head)
    return (
        version in _VERSIONS
        and columns == 1
        and rows > 0
        and rows % 3 == 0
        and 4 * rows < size_of(path)
    )


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read an eos model file.

    Read beside it by name: ``expression_blendshapes_<V>.bin`` (where the model has no expressions itself),
    ``ibug_to_sfm.txt``, ``sfm_model_contours.json``, ``sfm_reference_symmetry.txt`` (845 vertices only).

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_kind`` (another version), ``model_shape``,
            ``model_index``, ``model_not_finite``, ``model_unit``, ``model_mismatch`` (a companion for another model).
    """
    path = Path(path)
    where = repr(str(path))
    archive = Archive(read_bytes(path), where)
    version = archive.number("I", "version")
    if version not in _VERSIONS:
        raise archive.damaged(f"version {version} of eos's format, 1 to 4 are known")
    shape, colour = _components(archive, "shape"), _components(archive, "colour")
    mean = coordinates(where, "shape mean", _column(where, "shape mean", shape.mean))
    names: tuple[str, ...] = ()
    shapes: np.ndarray | None = None
    notes = list[str]()
    if version >= 2 and not archive.absent("expression model"):
        if archive.number("i", "expression model") == 1:
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
    content = Content(
        mean, shape, colour, names, shapes, points, texture, uv_faces, tuple(filter(None, notes))
    )
    return assemble(content, Companions(path, companions), where)


def assemble(content: Content, files: Companions, where: str) -> LinearHead:
    """The head of what a Surrey file holds, with the files beside it; see `read`."""
    mean, shape, colour = content.mean, content.shape, content.colour
    names, shapes, count = content.expression_names, content.expression, len(content.mean)
    texture, uv_faces = content.texture, content.texture_triangles
    if shapes is None:
        found = files.fetch(
            (f"expression_blendshapes_{count}.bin", "*blendshapes*.bin"),
            lambda p: beside.read_blendshapes(p, count),
            f"no expressions: expression_blendshapes_{count}.bin was not found",
        )
        names, shapes = found or ((), None)
    landmarks = _numbered(content.landmarks)
    if landmarks is None:
        landmarks = files.fetch(
            ("ibug_to_sfm.txt", "ibug_to_*.txt"),
            lambda p: beside.read_landmarks(p, count),
            "no landmarks: ibug_to_sfm.txt was not found",
        )
    contour = None
    if landmarks is not None and landmarks[8] >= 0:
        contour = files.fetch(
            ("sfm_model_contours.json", "*contours*.json"),
            lambda p: beside.read_contour(p, count, int(landmarks[8])),
            "no jaw-line candidates: sfm_model_contours.json was not found",
        )
    symmetry = ("sfm_reference_symmetry.txt",) if count == beside.REFERENCE_VERTICES else ()
    mirror = files.fetch((*symmetry, "*symmetry*.txt"), lambda p: beside.read_symmetry(p, count))
    files.close()
    variance = _column(where, "shape variances", shape.variance)
    check_shape(where, "shape components", shape.basis, 3 * count, None)
    identity, sigma, scaled = per_sigma(where, "shape", shape.basis, variance)
    albedo_mean, albedo, scaled_colour = _colours(where, colour, count)
    if not len(texture):
        files.notes.append("no texture coordinates")
    elif not len(uv_faces):
        check_shape(where, "texture coordinates", texture, count, 2)
    else:
        check_shape(where, "texture triangles", uv_faces, len(shape.triangles), 3)
    known = [n for n in (*content.notes, scaled, scaled_colour, *files.notes) if n]
    provenance = provenance_of(
        KIND, files.sources, version=str(count), licence=LICENCE, notes=known
    )
    return linear_head(
        ImportedModel(
            name=KIND,
            licence=LICENCE,
            provenance=provenance,
            unit=UNIT,
            mean=mean,
            faces=shape.triangles.astype(np.int64),
            identity=identity,
            sigma=sigma,
            expression=shapes,
            expression_names=names,
            albedo_mean=albedo_mean,
            albedo=albedo,
            albedo_space="srgb",
            uv=texture * [1, -1] + [0, 1] if len(texture) else None,
            uv_faces=uv_faces.astype(np.int64) if len(uv_faces) else None,
            landmarks=landmarks,
            contour=contour,
            mirror=mirror,
        )
    )


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
    variance = _column(where, "expression variances", model.variance)
    shapes, _, note = per_sigma(where, "expression", model.basis, variance)
    return coordinates(where, "expression mean", model.mean[:, 0]), shapes, note


def _colours(
    where: str, colour: Components, count: int
) -> tuple[np.ndarray | None, np.ndarray | None, str]:
    if not colour.mean.size:
        return None, None, "no colours: this is the shape alone"
    check_shape(where, "colour mean", colour.mean, 3 * count, 1)
    check_shape(where, "colour components", colour.basis, 3 * count, None)
    variance = _column(where, "colour variances", colour.variance)
    modes, _, note = per_sigma(where, "colour", colour.basis, variance)
    mean = coordinates(where, "colour mean", colour.mean[:, 0])
    if np.abs(mean).max() <= 2.0:
        return mean, modes, note
    return mean / 255, modes / 255, "; ".join(filter(None, (note, "colours from 0 to 255")))


def _column(where: str, name: str, matrix: Float[np.ndarray, "N C"]) -> Float[np.ndarray, " N"]:
    check_shape(where, name, matrix, None, 1)
    return matrix[:, 0]


def _numbered(points: dict[str, int]) -> Int[np.ndarray, "68"] | None:
    """Landmark definitions whose names are the numbers 1 to 68 of the iBUG points; others have no fixed meaning."""
    landmarks = np.full(68, -1)
    for name, vertex in points.items():
        if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= 68:
            landmarks[int(name) - 1] = vertex
    return landmarks if (landmarks >= 0).any() else None
