"""ICT-FaceKit Light as published: its own topology, units and names, as a head.

V = 26,719 vertices, F triangles, T texture vertices, K identity modes, E expressions.
The folder holds ``generic_neutral_mesh.obj``, ``identity000.obj`` ... (the mean and one standard deviation of a mode)
and one OBJ per expression, all of the same polygons; ``all_modes.npz`` holds the same as arrays. Centimeters, y up, z
out of the face. The open head of headform is another thing: it is made from this model, with parts left out and
triangles cut alike on both sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.errors import InputError, WeightsError
from headform.heads.checks import check_finite, check_indices, check_shape
from headform.heads.linear import PARTS, LinearHead
from headform.heads.provenance import provenance_of
from headform.importers import _ict_obj as ict_obj
from headform.importers._companions import Companions
from headform.importers._model_mesh import as_model_error, on_one_tile
from headform.importers.ict import EXPRESSIONS, IDENTITIES, LANDMARKS68, NEUTRAL, VERTICES
from headform.importers.importing import ImportedModel, linear_head
from headform.io.npz_file import array_shapes, read_npz

KIND = "ict"
LICENSE = "MIT, (c) 2020 USC Institute for Creative Technologies"
EXTRA = ("cheekRaiser_L", "cheekRaiser_R", "PupilDilate_L", "PupilDilate_R")
"""Shapes that come with the model without being on its list of 53."""
_ARRAYS = ("neutral", "uv", "polygons", "polygon_uvs", "identity", "expression", "expression_names")
_RANGES = (
    ("face", 0, 9409, "face"),
    ("narrow_face", 0, 6706, "face"),
    ("head_and_neck", 9409, 11248, "head"),
    ("mouth_socket", 11248, 13294, "mouth"),
    ("left_eye_socket", 13294, 13678, "socket_left"),
    ("right_eye_socket", 13678, 14062, "socket_right"),
    ("gums_and_tongue", 14062, 17039, "tongue"),
    ("teeth", 17039, 21451, "teeth"),
    ("left_eyeball", 21451, 23021, "eye_left"),
    ("right_eyeball", 23021, 24591, "eye_right"),
    ("lacrimal_fluid", 24591, 24999, ""),
    ("eye_blend", 24999, 25047, ""),
    ("eye_occlusion", 25047, 25351, ""),
    ("lashes", 25351, 26719, ""),
)
"""Region, first vertex, end, and which of `PARTS` it is; the films and lashes about the eyes belong to the socket of
their side."""


@dataclass(frozen=True, eq=False)
class _Content:
    neutral: Float[np.ndarray, "V 3"]
    uv: Float[np.ndarray, "T 2"]
    polygons: Int[np.ndarray, "P 4"]
    polygon_uvs: Int[np.ndarray, "P 4"]
    identity: Float[np.ndarray, "K V 3"]
    expression: dict[str, np.ndarray]
    sources: tuple[Path, ...]
    notes: tuple[str, ...]


def recognizes(path: Path) -> bool:
    """Whether a folder has the neutral mesh or ``all_modes.npz``, or a file has the arrays of the latter."""
    try:
        if path.is_dir():
            return _folder(path) is not None or (path / "all_modes.npz").is_file()
        return path.name == f"{NEUTRAL}.obj" or set(_ARRAYS) <= set(array_shapes(path))
    except (OSError, ValueError):
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read the OBJ folder (FaceXModel, or its parent), or ``all_modes.npz``.

    A folder may be incomplete: expressions that are absent are left out, identity modes are taken up to the first one
    that is absent, so that the others keep their numbers; the provenance names what is missing.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key`` (no neutral mesh, or an array that is
            absent), ``model_shape``, ``model_index``, ``model_not_finite``, ``model_unit``.
    """
    path = Path(path)
    Companions(path, companions).close()
    folder = _folder(path)
    if folder is not None:
        content = _from_folder(folder)
    elif path.is_dir() and not (path / "all_modes.npz").is_file():
        what = f"there is neither {NEUTRAL}.obj nor all_modes.npz"
        raise WeightsError("model_missing_key", what, repr(str(path)), "name the folder FaceXModel")
    else:
        content = _from_npz(path / "all_modes.npz" if path.is_dir() else path)
    return _head(content, repr(str(path)))


def arkit_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """Weights of ICT's expressions for weights of ARKit's.

    ``Left`` and ``Right`` become ``_L`` and ``_R``; ``browInnerUp`` and ``cheekPuff`` move both sides. ICT has no
    ``tongueOut``; that and names of neither are left out.
    """
    found: dict[str, float] = {}
    for name, weight in weights.items():
        stem = name.removesuffix("Left").removesuffix("Right")
        sides = ("_L", "_R") if f"{name}_L" in EXPRESSIONS else ("",)
        sides = ("_L",) if name.endswith("Left") else sides
        sides = ("_R",) if name.endswith("Right") else sides
        for side in sides:
            target = name if name in EXPRESSIONS else stem + side
            if target in EXPRESSIONS:
                found[target] = weight
    return found


def _head(content: _Content, where: str) -> LinearHead:
    count = len(content.neutral)
    triangle = content.polygons[:, 3] < 0
    quads = np.flatnonzero(~triangle)
    order = np.argsort(np.concatenate([np.arange(len(triangle)), quads]), kind="stable")

    def cut(corners: Int[np.ndarray, "P 4"]) -> Int[np.ndarray, "F 3"]:
        return np.concatenate([corners[:, :3], corners[quads][:, [0, 2, 3]]])[order]

    faces, uv_faces = cut(content.polygons), cut(content.polygon_uvs)
    check_indices(where, count, polygons=faces)
    check_indices(where, len(content.uv), polygon_uvs=uv_faces)
    check_finite(where, uv=content.uv)
    uv, uv_faces, tiles = on_one_tile(content.uv, uv_faces)
    notes = [*content.notes]
    if tiles > 1:
        notes.append(f"the {tiles} texture tiles lie on top of each other; one image fits one material")
    provenance = provenance_of(KIND, content.sources, version="light", license=LICENSE, notes=notes)
    head = linear_head(
        ImportedModel(
            name=KIND,
            license=LICENSE,
            provenance=provenance,
            unit="cm",
            mean=content.neutral,
            faces=faces,
            identity=content.identity,
            expression=np.array(list(content.expression.values()), np.float32).reshape(
                len(content.expression), count, 3
            ),
            expression_names=tuple(content.expression),
            uv=uv,
            uv_faces=uv_faces,
            landmarks=np.array(LANDMARKS68),
            regions={name: _range(first, end) for name, first, end, _ in _RANGES},
        )
    )
    part = np.where(content.neutral[:, 0] > 0, *(PARTS.index(f"socket_{s}") for s in ("left", "right")))
    for _, first, end, name in reversed(_RANGES):
        if name:
            part[first:end] = PARTS.index(name)
    return replace(head, part=torch.from_numpy(part.astype(np.uint8)))


def _range(first: int, end: int) -> Bool[np.ndarray, " V"]:
    mask = np.zeros(VERTICES, bool)
    mask[first:end] = True
    return mask


def _folder(path: Path) -> Path | None:
    """The folder of the neutral mesh, at, in or around `path`."""
    candidates = (
        path,
        path / "FaceXModel",
        *([path.parent] if path.name == f"{NEUTRAL}.obj" else []),
    )
    return next((f for f in candidates if (f / f"{NEUTRAL}.obj").is_file()), None)


def _from_folder(folder: Path) -> _Content:
    neutral_path = folder / f"{NEUTRAL}.obj"
    neutral = _positions(neutral_path)
    try:
        uv, polygons, polygon_uvs, _, _ = ict_obj.read_polygons(neutral_path)
    except (InputError, ValueError) as error:
        what = error.message if isinstance(error, InputError) else "a face line of something else"
        raise WeightsError("weights_damaged", what, repr(str(neutral_path))) from error
    there = {name for name in (*IDENTITIES, *EXPRESSIONS, *EXTRA) if (folder / f"{name}.obj").is_file()}
    modes = next((k for k, n in enumerate(IDENTITIES) if n not in there), len(IDENTITIES))
    names = [n for n in (*EXPRESSIONS, *EXTRA) if n in there]
    used = [*IDENTITIES[:modes], *names]
    shapes = {name: (_positions(folder / f"{name}.obj") - neutral).astype(np.float32) for name in used}
    notes = []
    if absent := [n for n in IDENTITIES if n not in there]:
        notes.append(f"{len(absent)} identity modes are missing: {_runs(absent)}")
    if late := [n for n in IDENTITIES[modes:] if n in there]:
        notes.append(f"left out, since their numbers would change: {_runs(late)}")
    if absent := [n for n in EXPRESSIONS if n not in there]:
        notes.append(f"{len(absent)} expressions are missing: {', '.join(absent)}")
    return _Content(
        neutral,
        uv,
        polygons,
        polygon_uvs,
        np.array([shapes[n] for n in IDENTITIES[:modes]], np.float32).reshape(modes, VERTICES, 3),
        {name: shapes[name] for name in names},
        (neutral_path, *(folder / f"{name}.obj" for name in used)),
        tuple(notes),
    )


def _positions(path: Path) -> Float[np.ndarray, "V 3"]:
    try:
        positions = ict_obj.read_positions(path)
    except InputError as error:
        raise as_model_error(error) from error
    check_shape(repr(str(path)), "vertices", positions, VERTICES, 3)
    return positions


def _from_npz(path: Path) -> _Content:
    where = repr(str(path))
    arrays = read_npz(path, _ARRAYS)
    for name in _ARRAYS:
        wanted = "U" if name == "expression_names" else "iu" if name.startswith("poly") else "f"
        if arrays[name].dtype.kind not in wanted:
            what = f"`{name}` holds {arrays[name].dtype}"
            raise WeightsError("model_shape", what, where, "convert the OBJ folder again")
    names = [str(name) for name in arrays["expression_names"].reshape(-1)]
    check_shape(where, "neutral", arrays["neutral"], VERTICES, 3)
    check_shape(where, "uv", arrays["uv"], None, 2)
    check_shape(where, "polygons", arrays["polygons"], None, 4)
    check_shape(where, "polygon_uvs", arrays["polygon_uvs"], len(arrays["polygons"]), 4)
    check_shape(where, "identity", arrays["identity"], None, VERTICES, 3)
    check_shape(where, "expression", arrays["expression"], len(names), VERTICES, 3)
    order = [n for n in (*EXPRESSIONS, *EXTRA) if n in names]
    absent = [n for n in EXPRESSIONS if n not in names]
    note = f"{len(absent)} expressions are missing: {', '.join(absent)}"
    return _Content(
        arrays["neutral"].astype(np.float64),
        arrays["uv"].astype(np.float64),
        arrays["polygons"].astype(np.int64),
        arrays["polygon_uvs"].astype(np.int64),
        arrays["identity"].astype(np.float32, copy=False),
        {name: arrays["expression"][names.index(name)] for name in order},
        (path,),
        (note,) if absent else (),
    )


def _runs(names: Sequence[str]) -> str:
    """``identity002 to identity056, identity058`` for the identities of a list in order."""
    numbers = [int(name.removeprefix("identity")) for name in names]
    groups = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    spans = [[n for _, n in group] for _, group in groups]
    return ", ".join(
        f"identity{s[0]:03d} to identity{s[-1]:03d}" if len(s) > 1 else f"identity{s[0]:03d}" for s in spans
    )
