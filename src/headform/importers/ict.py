"""ICT-FaceKit Light as published: its own topology, units and names, as a head.

V = 26,719 vertices, P polygons, F triangles. Files and layouts: `ict_model`. The open head of headform is another model: it
is made from this one, with parts left out and triangles cut alike on both sides.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from headform.heads.checks import check_finite, check_indices
from headform.heads.linear import PARTS, LinearHead
from headform.importers import ict_model
from headform.importers._companions import Companions
from headform.importers._model_mesh import on_one_tile
from headform.importers.ict_model import BOTH_SIDES, EXPRESSIONS, LANDMARKS68, REGIONS, VERTICES
from headform.importers.importing import ImportedModel, linear_head
from headform.io.npz_file import array_shapes

KIND = "ict"
LICENSE = "MIT, (c) 2020 USC Institute for Creative Technologies"


def recognizes(path: Path) -> bool:
    """Return whether a folder has the neutral mesh or ``all_modes.npz``, or a file has the arrays of the latter."""
    try:
        if path.is_dir():
            return ict_model.find(path) is not None
        return path.name == ict_model.NEUTRAL or set(ict_model.ARRAYS) <= set(array_shapes(path))
    except (OSError, ValueError):
        return False


def read(path: Path, companions: Sequence[Path] = ()) -> LinearHead:
    """Read ``all_modes.npz`` or the OBJ folder (FaceXModel, or its parent), complete or not; see `ict_model.read`.

    Raises:
        WeightsError: what `ict_model.read` raises; ``model_index``, ``model_not_finite``, ``model_unit``.
    """
    files = Companions(path, companions).close()
    model = ict_model.read(files.path)
    files.sources, files.notes = list(model.sources), list(model.notes)
    quads = np.flatnonzero(model.polygons[:, 3] >= 0)
    order = np.argsort(np.concatenate([np.arange(len(model.polygons)), quads]), kind="stable")

    def cut(corners: Int[np.ndarray, "P 4"]) -> Int[np.ndarray, "F 3"]:
        return np.concatenate([corners[:, :3], corners[quads][:, [0, 2, 3]]])[order]

    faces, uv_faces = cut(model.polygons), cut(model.polygon_uvs)
    check_indices(files.where, VERTICES, polygons=faces)
    check_indices(files.where, len(model.uv), polygon_uvs=uv_faces)
    check_finite(files.where, uv=model.uv)
    uv, uv_faces, tiles = on_one_tile(model.uv, uv_faces)
    if tiles > 1:
        files.notes.append(f"the {tiles} texture tiles lie on top of each other; one image fits one material")
    expression = np.array(list(model.expression.values()), np.float32).reshape(-1, VERTICES, 3)
    vertex = np.arange(VERTICES)
    part = np.where(model.neutral[:, 0] > 0, *(PARTS.index(f"socket_{side}") for side in ("left", "right")))
    for _, first, end, name in reversed(REGIONS):
        if name:
            part[first:end] = PARTS.index(name)
    return linear_head(
        ImportedModel(
            provenance=files.provenance(KIND, LICENSE, "light"),
            unit="cm",
            mean=model.neutral,
            faces=faces,
            identity=model.identity,
            expression=expression,
            expression_names=tuple(model.expression),
            uv=uv,
            uv_faces=uv_faces,
            landmarks=np.array(LANDMARKS68),
            regions={name: (first <= vertex) & (vertex < end) for name, first, end, _ in REGIONS},
        ),
        part=torch.from_numpy(part.astype(np.uint8)),
    )


def arkit_name(name: str) -> str:
    """Return ARKit's name of an expression of ICT: ``eyeBlinkLeft`` of ``eyeBlink_L``."""
    stem, _, side = name.partition("_")
    return stem if stem in BOTH_SIDES else stem + {"L": "Left", "R": "Right", "": ""}[side]


def ict_weights_from_arkit(weights: Mapping[str, float]) -> dict[str, float]:
    """Return weights of ICT's expressions for weights by ARKit's names (or ICT's own).

    One weight of ``browInnerUp`` and ``cheekPuff`` moves both sides. ICT has no ``tongueOut``; that and other names that
    neither has are left out.
    """
    known = {name: next((n for n in (name, arkit_name(name)) if n in weights), None) for name in EXPRESSIONS}
    return {name: weights[given] for name, given in known.items() if given is not None}
