"""FLAME 2017 to 2023 Open (Li et al. 2017; https://flame.is.tue.mpg.de): model, landmarks, regions, colors.

V 5023, F 9976. The layouts are in `flame_model`, `flame_landmarks`, `flame_masks`, `flame_texture`. All releases share
the mesh; embeddings, masks and textures fit any of them, parameters only their own.
"""

import mmap
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int

from headform.errors import InputError, WeightsError
from headform.heads.checks import check_finite
from headform.heads.flame.head import FlameHead
from headform.heads.provenance import Provenance, SourceFile
from headform.heads.texture_space import with_texture
from headform.importers import flame_texture
from headform.importers._companions import Companions
from headform.importers._flame_landmark_fields import chosen_vertices, completed, point_fields
from headform.importers._flame_landmarks import Embeddings, read_embeddings
from headform.importers._flame_model import VERTICES, FlameArrays, read_arrays
from headform.importers._flame_version import identify
from headform.importers._sniff import first_bytes, size_of
from headform.importers.flame_masks import parts_of, read_masks
from headform.importers.importing import ImportedModel, head_fields
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import array_shapes

KIND = "flame"
ALBEDO_MODES = 50
"""Color modes that are put on the vertices; decoders of FLAME use as many."""

_LARGEST = 2 << 30  # bytes of a pickle; no release has a tenth of them
_BOTH = ("landmark_embedding.npy", "landmark_embedding_with_eyes.npy", "*landmark_embedding*.npy")
_STATIC = ("flame_static_embedding.pkl", "*static_embedding*.pkl", "*static_embedding*.np[yz]")
_DYNAMIC = ("flame_dynamic_embedding.npy", "*dynamic_embedding*.pkl", "*dynamic_embedding*.np[yz]")
_MASKS = ("FLAME_masks.pkl", "*masks*.pkl")
_TEMPLATE = ("head_template.obj", "head_template_mesh.obj", "*.obj")
_TEXTURES = ("*texture*.npz", "*albedo*.npz")


def recognizes(path: Path) -> bool:
    """Whether a file looks like a FLAME model: the names of its arrays and a shape of 5023 x 3; nothing is unpickled."""
    start = first_bytes(path, 2)
    if start[:2] == b"PK":
        shapes = array_shapes(path)
        return shapes.get("v_template") == (VERTICES, 3) and {"shapedirs", "posedirs"} <= set(shapes)
    if start[:1] not in (b"\x80", b"(") or size_of(path) > _LARGEST:
        return False
    try:
        with path.open("rb") as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                names = (b"v_template", b"shapedirs", b"posedirs")
                shapes_of = (
                    b"M\x9f\x13K\x03",
                    b"I5023\nI3\n",
                )  # 5023, 3 in the binary protocols, and in text
                return all(data.find(n) >= 0 for n in names) and any(data.find(s) >= 0 for s in shapes_of)
    except (OSError, ValueError):
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> FlameHead:
    """A FLAME model and what belongs to it.

    Args:
        path: ``generic_model.pkl``, ``male_model.pkl``, ``flame2023.pkl``, ``flame2023_Open.pkl``, ``FLAME_NEUTRAL.npz`` ...
        companions: Landmark embeddings, ``FLAME_masks.pkl``, ``head_template.obj`` (for its texture coordinates) and one
            texture file, under the names of their publisher. All but textures are also found beside `path`.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``, ``model_kind``, ``model_missing_key``,
            ``model_shape``, ``model_not_finite``, ``model_index``, ``model_unit``, ``model_mismatch``.
    """
    path = Path(path)
    arrays = read_arrays(path)
    beside = Companions(path, companions)
    marks = _embeddings(beside)
    masks = beside.fetch(_MASKS, read_masks, "no FLAME_masks.pkl: there are no regions") or {}
    space = beside.fetch(_TEXTURES, partial(flame_texture.read, modes=ALBEDO_MODES))
    template = beside.fetch(_TEMPLATE, partial(_read_template, arrays.faces))
    beside.close()
    digested = space.provenance.sources if space else ()
    sources = tuple(
        next((d for d in digested if d.name == source.name), None) or SourceFile.of(source) for source in beside.sources
    )
    version = identify(path, sources[0].sha256, arrays.keys)
    notes = [version.note, *beside.notes]
    marks = completed(marks, notes)
    uv, uv_faces = (template.uv, template.uv_faces) if template else (None, None)
    if space is not None and len(space.uv):
        uv, uv_faces = space.uv.double().numpy(), space.uv_faces.numpy()
    if uv is None:
        notes.append("neither a texture file nor head_template.obj: there are no texture coordinates")
    license = version.license + (f"; colors: {space.provenance.license}" if space else "")
    model = ImportedModel(
        name=f"flame {version.version}",
        license=license,
        provenance=Provenance(KIND, version.version, sources, license, tuple(notes)),
        unit="m",
        mean=arrays.mean,
        faces=arrays.faces,
        identity=arrays.identity,
        expression=arrays.expression,
        uv=uv,
        uv_faces=uv_faces,
        regions=masks,
        **chosen_vertices(marks, arrays.faces),
    )
    skeleton = _skeleton(arrays)
    parts = {n: v.numpy() for n, v in skeleton.items() if isinstance(v, torch.Tensor)}
    check_finite(repr(str(path)), **parts)
    fields = head_fields(model) | {"part": torch.from_numpy(parts_of(masks))}
    head = FlameHead(**(fields | point_fields(marks, arrays.faces)), **skeleton)
    if space is None:
        return _said(head, "no texture was given: there are no colors")
    head = with_texture(head, space, modes=ALBEDO_MODES)
    return _said(head, *space.provenance.notes)


def _said(head: FlameHead, *notes: str) -> FlameHead:
    told = replace(head.provenance, notes=(*head.provenance.notes, *notes))
    return replace(head, provenance=told)


def _embeddings(beside: Companions) -> Embeddings:
    marks = beside.fetch(_BOTH, read_embeddings) or Embeddings()
    if marks.static is None:
        marks = marks.filled_from(beside.fetch(_STATIC, read_embeddings))
    if marks.contour is None:
        marks = marks.filled_from(beside.fetch(_DYNAMIC, read_embeddings))
    return marks


def _skeleton(arrays: FlameArrays) -> dict[str, Any]:
    return {
        "pose_correctives": _single(arrays.correctives),
        "joint_regressor": _single(arrays.regressor),
        "parents": arrays.parents,
        "skinning": _single(arrays.skinning),
    }


def _single(array: np.ndarray) -> torch.Tensor:
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def _read_template(faces: Int[np.ndarray, "F 3"], path: Path) -> TriangleMesh:
    """The published template mesh, for its texture coordinates.

    Raises:
        WeightsError: ``weights_damaged``, ``model_mismatch``.
    """
    where = repr(str(path))
    try:
        mesh = obj.read(path)
    except InputError as error:
        raise WeightsError("weights_damaged", error.message, where, error.hint) from error
    what = ""
    if not np.array_equal(mesh.faces, faces):
        count = f"{len(mesh.vertices)} vertices and {len(mesh.faces)} triangles"
        what = f"a mesh of {count} whose triangles are not those of the model"
    elif mesh.uv is None or mesh.uv_faces is None or int(mesh.uv_faces.min()) < 0:
        what = "a mesh without texture coordinates"
    if what:
        raise WeightsError("model_mismatch", what, where, "give the head_template.obj of FLAME")
    return mesh
