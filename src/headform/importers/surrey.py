"""The Surrey Face Model, as eos stores it (``sfm_shape_3448.bin``) or as its publisher ships it (``.scm``).

V vertices, F triangles, A color components. Layouts: `_surrey_files`, `_surrey_companions`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.heads.checks import check_finite, check_shape
from headform.heads.linear import LinearHead
from headform.importers import _surrey_companions as beside
from headform.importers import _surrey_files
from headform.importers._arrays import ModelArrays
from headform.importers._companions import Companions
from headform.importers.importing import ImportedModel, linear_head
from headform.importers.licenses import license_of

KIND = "surrey"
LICENSE = "Surrey Face Model (University of Surrey, CVSSP): free for non-commercial use only"
RESOLUTIONS = (845, 1724, 3448, 16759, 29587)
"""Vertices of the published resolutions; eos's layout also holds converted models of others."""
_UV_MARGIN = 0.01
"""Texture coordinates may exceed 0 to 1 by this much."""
_COLOR_LIMIT = 2.0
"""Mean colors beyond this are from 0 to 255."""
_CHIN = 8

recognizes = _surrey_files.recognizes


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read an eos model file, or a ``.scm`` file.

    Read beside it by name: ``expression_blendshapes_<V>.bin`` (where the model has no expressions itself),
    ``ibug_to_sfm.txt``, ``sfm_model_contours.json``, ``sfm_reference_symmetry.txt`` (845 vertices only). An
    ``*isomap*`` file of texture coordinates for a ``.scm`` must be given.

    Raises:
        WeightsError: see `registry.Importer.read`; ``model_mismatch``: a companion for another model.
    """
    files = Companions(path, companions)
    model = _surrey_files.read_file(files)
    mean = model.arrays.points("shape mean")
    count = len(mean)
    identity, sigma = model.arrays.components("shape components", "shape variances", count)
    albedo_mean, albedo = _colors(model.arrays, count)
    names: tuple[str, ...] = ()
    expression = None
    if "expression mean" in model.arrays:
        mean = mean + model.arrays.points("expression mean", count)
        expression, _ = model.arrays.components("expression components", "expression variances", count)
        files.notes.append("the mean of the expression model was added to the mean shape")
    elif shapes := model.blendshapes or files.fetch(
        (f"expression_blendshapes_{count}.bin", "*blendshapes*.bin"),
        lambda p: beside.read_blendshapes(p, count),
        f"no expressions: expression_blendshapes_{count}.bin was not found",
    ):
        names, expression = shapes
    landmarks = _numbered(model.landmarks)
    if landmarks is None:
        landmarks = files.fetch(
            ("ibug_to_sfm.txt", "ibug_to_*.txt"),
            lambda p: beside.read_landmarks(p, count),
            "no landmarks: ibug_to_sfm.txt was not found",
        )
    contour = None
    if landmarks is not None and landmarks[_CHIN] >= 0:
        chin = int(landmarks[_CHIN])
        contour = files.fetch(
            ("sfm_model_contours.json", "*contours*.json"),
            lambda p: beside.read_contour(p, count, chin),
            "no jaw-line candidates: sfm_model_contours.json was not found",
        )
    symmetry = ("sfm_reference_symmetry.txt",) if count == beside.REFERENCE_VERTICES else ()
    mirror = files.fetch((*symmetry, "*symmetry*.txt"), lambda p: beside.read_symmetry(p, count))
    files.close()
    uv = _texture(files, model, count)
    published = count in RESOLUTIONS or path.suffix.lower() == ".scm"
    license = license_of("eos", LICENSE, count, published, files.notes)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, license, str(count)),
            unit="mm",
            mean=mean,
            faces=model.faces,
            identity=identity,
            sigma=sigma,
            expression=expression,
            expression_names=names,
            albedo_mean=albedo_mean,
            albedo=albedo,
            albedo_space="srgb",
            uv=uv,
            uv_faces=model.uv_faces if uv is not None and len(model.uv_faces) else None,
            landmarks=landmarks,
            contour=contour,
            mirror=mirror,
        )
    )


def _colors(table: ModelArrays, count: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return mean color and color components, from 0 to 1."""
    if "color mean" not in table:
        table.notes.append("no colors: this is the shape alone")
        return None, None
    mean = table.points("color mean", count)
    modes, _ = table.components("color components", "color variances", count)
    if np.abs(mean).max() <= _COLOR_LIMIT:
        return mean, modes
    table.notes.append("colors from 0 to 255")
    return mean / 255, modes / 255


def _texture(files: Companions, model: _surrey_files.SurreyFile, count: int) -> Float[np.ndarray, "T 2"] | None:
    """Return texture coordinates, v from the bottom; None where there are none that can be used."""
    check_finite(files.where, **{"texture coordinates": model.uv})
    if not len(model.uv):
        files.notes.append("no texture coordinates")
    elif model.uv.min() < -_UV_MARGIN or model.uv.max() > 1 + _UV_MARGIN:
        files.notes.append("texture coordinates beyond 0 to 1 were left out")
    else:
        if len(model.uv_faces):
            check_shape(files.where, "texture triangles", model.uv_faces, len(model.faces), 3)
        else:
            check_shape(files.where, "texture coordinates", model.uv, count, 2)
        return model.uv * [1, -1] + [0, 1]
    return None


def _numbered(points: dict[str, int]) -> Int[np.ndarray, "68"] | None:
    """Return landmark definitions whose names are the numbers 1 to 68 of iBUG's points; others have no fixed meaning."""
    landmarks = np.full(68, -1)
    for name, vertex in points.items():
        if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= 68:
            landmarks[int(name) - 1] = vertex
    return landmarks if (landmarks >= 0).any() else None
