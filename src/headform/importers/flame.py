"""FLAME 2017 to 2023 Open (Li et al. 2017; https://flame.is.tue.mpg.de): model, landmarks, regions, colors.

V 5023, F 9976. The layouts are in `_flame_model`, `_flame_landmarks`, `flame_masks`, `flame_texture`. All releases share
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

from headform.errors import WeightsError
from headform.heads.checks import check_finite
from headform.heads.flame.head import FlameHead
from headform.heads.provenance import Provenance, SourceFile
from headform.heads.texture_space import with_texture
from headform.importers import flame_texture
from headform.importers._companions import Companions
from headform.importers._flame_landmarks import Embeddings, read_embeddings
from headform.importers._flame_model import VERTICES, identify, read_arrays
from headform.importers._model_mesh import read_mesh
from headform.importers._sniff import first_bytes, size_of
from headform.importers.flame_masks import parts_of, read_masks
from headform.importers.importing import ImportedModel, float_tensor, head_fields
from headform.io.body_models import pickled_shapes
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import array_shapes

KIND = "flame"
ALBEDO_MODES = 50
"""Color modes that are put on the vertices; decoders of FLAME use as many."""

_LARGEST = 2 << 30
"""Bytes of a pickle; no release has a tenth of them."""
_BOTH = ("landmark_embedding.npy", "landmark_embedding_with_eyes.npy", "*landmark_embedding*.npy")
_STATIC = ("flame_static_embedding.pkl", "*static_embedding*.pkl", "*static_embedding*.np[yz]")
_DYNAMIC = ("flame_dynamic_embedding.npy", "*dynamic_embedding*.pkl", "*dynamic_embedding*.np[yz]")
_MASKS = ("FLAME_masks.pkl", "*masks*.pkl")
_TEMPLATE = ("head_template.obj", "head_template_mesh.obj", "*.obj")
_TEXTURES = ("*texture*.npz", "*albedo*.npz")
_PICKLED_NAMES = (b"v_template", b"shapedirs", b"posedirs")
_PICKLED_SHAPES = pickled_shapes(VERTICES)


def recognizes(path: Path) -> bool:
    """Return whether a file has the names of FLAME's arrays and a shape of 5023 x 3; nothing is unpickled."""
    start = first_bytes(path, 2)
    if start[:2] == b"PK":
        shapes = array_shapes(path)
        return shapes.get("v_template") == (VERTICES, 3) and {"shapedirs", "posedirs"} <= set(shapes)
    if start[:1] not in (b"\x80", b"(", b"}") or size_of(path) > _LARGEST:
        return False
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            named = all(data.find(name) >= 0 for name in _PICKLED_NAMES)
            return named and any(data.find(shape) >= 0 for shape in _PICKLED_SHAPES)
    except (OSError, ValueError):
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> FlameHead:
    """Read a FLAME model and its companions.

    Args:
        path: ``generic_model.pkl``, ``male_model.pkl``, ``flame2023.pkl``, ``flame2023_Open.pkl``, ``FLAME_NEUTRAL.npz`` ...
        companions: Landmark embeddings, ``FLAME_masks.pkl``, ``head_template.obj`` (for its texture coordinates) and one
            texture file, under the names of their publisher. All but textures are also found beside `path`.

    Raises:
        WeightsError: see `registry.Importer.read`.
    """
    files = Companions(path, companions)
    arrays = read_arrays(files.path)
    marks = _embeddings(files)
    masks = files.fetch(_MASKS, read_masks, "no FLAME_masks.pkl: there are no regions") or {}
    space = files.fetch(_TEXTURES, partial(flame_texture.read, modes=ALBEDO_MODES))
    template = files.fetch(_TEMPLATE, partial(_read_template, arrays.faces))
    files.close()
    # a texture is large and was digested when it was read
    digests = {source.name: source for source in (space.provenance.sources if space else ())}
    sources = tuple(digests.get(source.name) or SourceFile.of(source) for source in files.sources)
    version = identify(files.path, sources[0].sha256, arrays.keys)
    notes = [version.note, *files.notes]
    marks = marks.completed(notes)
    uv, uv_faces = (template.uv, template.uv_faces) if template else (None, None)
    if space is not None and len(space.uv):
        uv, uv_faces = space.uv.double().numpy(), space.uv_faces.numpy()
    if uv is None:
        notes.append("neither a texture file nor head_template.obj: there are no texture coordinates")
    license = version.license + (f"; colors: {space.provenance.license}" if space else "")
    model = ImportedModel(
        provenance=Provenance(KIND, version.version, sources, license, tuple(notes)),
        unit="m",
        mean=arrays.mean,
        faces=arrays.faces,
        name=f"{KIND} {version.version}",
        identity=arrays.identity,
        expression=arrays.expression,
        uv=uv,
        uv_faces=uv_faces,
        regions=masks,
        **marks.chosen_vertices(arrays.faces),
    )
    skeleton: dict[str, Any] = {
        "pose_correctives": float_tensor(arrays.correctives),
        "joint_regressor": float_tensor(arrays.regressor),
        "skinning": float_tensor(arrays.skinning),
    }
    check_finite(files.where, **{name: tensor.numpy() for name, tensor in skeleton.items()})
    fields = head_fields(model) | marks.point_fields(arrays.faces) | skeleton
    head = FlameHead(**fields | {"part": torch.from_numpy(parts_of(masks)), "parents": arrays.parents})
    if space is None:
        more: tuple[str, ...] = ("no texture was given: there are no colors",)
    else:
        head, more = with_texture(head, space, modes=ALBEDO_MODES), space.provenance.notes
    return replace(head, provenance=replace(head.provenance, notes=(*head.provenance.notes, *more)))


def _embeddings(files: Companions) -> Embeddings:
    marks = files.fetch(_BOTH, read_embeddings) or Embeddings()
    if marks.static is None:
        marks = marks.filled_from(files.fetch(_STATIC, read_embeddings))
    if marks.contour is None:
        marks = marks.filled_from(files.fetch(_DYNAMIC, read_embeddings))
    return marks


def _read_template(faces: Int[np.ndarray, "F 3"], path: Path) -> TriangleMesh:
    """Read the published template mesh, for its texture coordinates.

    Raises:
        WeightsError: ``weights_damaged``, ``model_mismatch``.
    """
    mesh = read_mesh(path)
    what = ""
    if not np.array_equal(mesh.faces, faces):
        count = f"{len(mesh.vertices)} vertices and {len(mesh.faces)} triangles"
        what = f"a mesh of {count} whose triangles are not those of the model"
    elif mesh.uv is None or mesh.uv_faces is None or int(mesh.uv_faces.min()) < 0:
        what = "a mesh without texture coordinates"
    if what:
        raise WeightsError("model_mismatch", what, repr(str(path)), "give the head_template.obj of FLAME")
    return mesh
