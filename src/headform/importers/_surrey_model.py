"""What a Surrey file of either format holds, and the head of it with the files that stand beside it.

V vertices, F triangles, K and A components, E expressions, T texture vertices. Millimeters; colors 0 to 1.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from headform.heads.checks import check_finite, check_shape
from headform.heads.linear import LinearHead
from headform.heads.provenance import provenance_of
from headform.importers import _surrey_companions as beside
from headform.importers._companions import Companions
from headform.importers._components import coordinates, per_sigma
from headform.importers.importing import ImportedModel, linear_head

FAMILY = "surrey"
LICENSE = "Surrey Face Model (University of Surrey, CVSSP): free for non-commercial use only"
UNIT = "mm"


@dataclass(frozen=True)
class Components:
    """A mean and its principal components.

    Attributes:
        mean: (3V, 1) coordinates or colors; empty where a model has none.
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
    """What a Surrey file holds, in millimeters.

    Attributes:
        mean: Mean shape, with the mean expression.
        shape: Shape model.
        color: Color model; an empty mean where there is none.
        expression_names: Empty where the expressions have none.
        expression: At weight 1, or per standard deviation; None where the file has none.
        landmarks: Vertices by name.
        texture: Texture coordinates, v from the top; empty where there are none.
        texture_triangles: Over `texture`; empty where it is one per vertex.
        notes: Sentences for the provenance.
    """

    mean: Float[np.ndarray, "V 3"]
    shape: Components
    color: Components
    expression_names: tuple[str, ...]
    expression: Float[np.ndarray, "E V 3"] | None
    landmarks: dict[str, int]
    texture: Float[np.ndarray, "T 2"]
    texture_triangles: Int[np.ndarray, "G 3"]
    notes: tuple[str, ...]


def assemble(content: Content, files: Companions, where: str) -> LinearHead:
    """The head of what a Surrey file holds, with the files beside it.

    Raises:
        WeightsError: ``model_shape``, ``model_index``, ``model_not_finite``, ``model_unit``, ``model_mismatch``, and
            what the
            readers of the companions raise.
    """
    mean, shape, color = content.mean, content.shape, content.color
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
    variance = column(where, "shape variances", shape.variance)
    check_shape(where, "shape components", shape.basis, 3 * count, None)
    identity, sigma, scaled = per_sigma(where, "shape", shape.basis, variance)
    albedo_mean, albedo, scaled_color = _colors(where, color, count)
    check_finite(where, **{"texture coordinates": texture})
    if not len(texture):
        files.notes.append("no texture coordinates")
    elif texture.min() < -0.01 or texture.max() > 1.01:
        files.notes.append("texture coordinates beyond 0 to 1 were left out")
        texture = texture[:0]
    elif not len(uv_faces):
        check_shape(where, "texture coordinates", texture, count, 2)
    else:
        check_shape(where, "texture triangles", uv_faces, len(shape.triangles), 3)
    known = [n for n in (*content.notes, scaled, scaled_color, *files.notes) if n]
    provenance = provenance_of(FAMILY, files.sources, version=str(count), license=LICENSE, notes=known)
    return linear_head(
        ImportedModel(
            name=FAMILY,
            license=LICENSE,
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
            uv_faces=uv_faces.astype(np.int64) if len(uv_faces) and len(texture) else None,
            landmarks=landmarks,
            contour=contour,
            mirror=mirror,
        )
    )


def _colors(where: str, color: Components, count: int) -> tuple[np.ndarray | None, np.ndarray | None, str]:
    if not color.mean.size:
        return None, None, "no colors: this is the shape alone"
    check_shape(where, "color mean", color.mean, 3 * count, 1)
    check_shape(where, "color components", color.basis, 3 * count, None)
    variance = column(where, "color variances", color.variance)
    modes, _, note = per_sigma(where, "color", color.basis, variance)
    mean = coordinates(where, "color mean", color.mean[:, 0])
    if np.abs(mean).max() <= 2.0:
        return mean, modes, note
    return mean / 255, modes / 255, "; ".join(filter(None, (note, "colors from 0 to 255")))


def column(where: str, name: str, matrix: Float[np.ndarray, "N C"]) -> Float[np.ndarray, " N"]:
    """The only column of a matrix.

    Raises:
        WeightsError: ``model_shape`` when it has more or none.
    """
    check_shape(where, name, matrix, None, 1)
    return matrix[:, 0]


def _numbered(points: dict[str, int]) -> Int[np.ndarray, "68"] | None:
    """Landmark definitions whose names are the numbers 1 to 68 of the iBUG points; others have no fixed meaning."""
    landmarks = np.full(68, -1)
    for name, vertex in points.items():
        if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= 68:
            landmarks[int(name) - 1] = vertex
    return landmarks if (landmarks >= 0).any() else None
