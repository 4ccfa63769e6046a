"""Build the open head from ICT-FaceKit Light: simplify, pack the texture, learn the albedo, write the asset and its card.

V vertices of the source, W vertices of the open head, S shapes. Centimeters until the last step.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.geometry.landmarks68 import NOW7
from headform.heads import asset
from headform.heads.landmark_offset import jaw_outline_offset
from headform.heads.linear import PARTS, LinearHead
from headform.importers import ict_model
from headform.importers.importing import float_tensor, int_tensor
from headform.mesh.simplification import simplify
from headform.openhead._albedo_basis import learn_albedo
from headform.openhead._atlas import pack_charts, upright_charts
from headform.openhead._card import write_card
from headform.openhead._regions import NECK_PIVOT_CM, contour, neck_weight, regions
from headform.openhead._source import IRISES, OpenSource, prepare

NAME = "open"
LICENSE = "MIT; made from ICT-FaceKit Light (MIT, USC Institute for Creative Technologies)"
TARGETS = {"skin": 7700, "tongue": 520, "teeth": 1260, "eyes": 1160}
"""Number of vertices to keep of each group of parts."""
_GROUPS = {
    "skin": ("face", "head", "mouth", "socket_right", "socket_left"),
    "tongue": ("tongue",),
    "teeth": ("teeth",),
    "eyes": ("eye_right", "eye_left"),
}
_CM_PER_M = 100
_IRIS_CM, _IRIS_DEPTH_CM = 0.78, 1.0
"""Eyeball vertices this close to the axis and to the pole are kept, so that iris and pupil are round."""
_SHAPE_MODES, _SHAPE_SIGMA = 5, 2.0
"""Identity modes, and their weight, that the simplified mesh must follow."""
_MOVES_CM = 0.01
"""Expressions that move a group of parts by less are not followed there."""
_SPREAD = 3e-3
"""Price of the squared length of a collapse in the simplification; see `mesh.simplify`."""
_IMPORTANCE = {
    "neck": 0.35,
    "scalp": 0.5,
    "ears": 1.5,
    "face": 2.0,
    "brows": 4.0,
    "nose": 5.0,
    "mouth": 5.0,
    "eyes": 24.0,
    "lips": 20.0,
}
"""Weight of the surface in each region; later ones overwrite earlier ones."""
_SEEN_LIPS_CM, _SEEN_TEETH_CM = 8.5, 8.0
"""Mouth and teeth in front of this z can be seen between the lips."""
_EXPRESSION_GROUPS = (
    ("jawOpen",),
    ("jawOpen", "mouthClose"),
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("eyeLookDownLeft", "eyeLookDownRight"),
    ("eyeWideLeft", "eyeWideRight", "browInnerUp"),
    ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft", "cheekSquintRight"),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthFrownLeft", "mouthFrownRight", "browDownLeft", "browDownRight"),
    ("mouthPucker",),
    ("mouthFunnel",),
    ("mouthRollLower", "mouthRollUpper"),
    ("mouthShrugLower", "mouthShrugUpper"),
    ("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
    ("mouthLowerDownLeft", "mouthLowerDownRight"),
    ("mouthStretchLeft", "mouthStretchRight", "cheekPuff"),
)


def build(ict: Path, out: Path) -> LinearHead:
    """Build the open head and write ``out`` (safetensors) and its card beside it (JSON).

    Args:
        ict: File or folder that `headform.importers.ict_model.read` reads.
        out: The asset; the same source gives the same bytes.

    Returns:
        The head as written.

    Raises:
        WeightsError: ``model_missing_key`` where the source is incomplete, and what `ict_model.read` raises.
        ResourceError: the file cannot be written.
    """
    model = ict_model.read(ict)
    model.require_complete()
    source = prepare(model)
    head = assemble(source)
    asset.write(head, out)
    head = asset.read(out)
    write_card(head, source, out)
    return head


def assemble(source: OpenSource) -> LinearHead:
    """Return the open head in memory, not yet quantized."""
    kept, faces, uv, uv_faces = _simplified(source)
    number = np.full(len(source.mean), -1, np.int64)
    number[kept] = np.arange(len(kept))
    mean, part = source.mean[kept], source.part[kept]
    mirror = number[source.mirror[kept]]
    uv, uv_faces = pack_charts(uv, uv_faces, mean, faces, part)
    landmarks = number[source.landmarks]
    masks = regions(mean, part, mean[landmarks])
    count = len(kept)

    fields: dict[str, Any] = {
        "name": NAME,
        "sha256": "",
        "license": LICENSE,
        "mean": float_tensor(mean / _CM_PER_M),
        "identity": float_tensor(source.identity[:, kept] / _CM_PER_M),
        "expression": float_tensor(source.expression[:, kept] / _CM_PER_M),
        "expression_names": source.expression_names,
        "faces": int_tensor(faces),
        "mirror": int_tensor(mirror),
        "part": torch.from_numpy(part),
        "regions": {name: torch.from_numpy(mask) for name, mask in masks.items()},
        "uv": float_tensor(uv),
        "uv_faces": int_tensor(uv_faces),
        "landmark_vertices": int_tensor(np.repeat(landmarks[:, None], 3, axis=1)),
        "landmark_weights": float_tensor(np.tile([1.0, 0.0, 0.0], (68, 1))),
        "landmark_offset": float_tensor(
            jaw_outline_offset(mean, faces, (part < 2) & ~masks["ears"], mean[landmarks]) / _CM_PER_M
        ),
        "contour": int_tensor(contour(mean, masks["face"], mirror, landmarks)),
        "now7": int_tensor(landmarks[list(NOW7)]),
        "dense": int_tensor(number[source.dense]),
        "dense_mirror": int_tensor(source.dense_mirror),
        "neck_weight": float_tensor(neck_weight(mean, part)),
        "neck_pivot": float_tensor(np.array(NECK_PIVOT_CM) / _CM_PER_M),
    }
    bare = LinearHead(**fields, albedo_mean=torch.zeros(count, 3), albedo=torch.zeros(1, count, 3))
    albedo_mean, albedo = learn_albedo(bare)
    return LinearHead(**fields, albedo_mean=float_tensor(albedo_mean), albedo=float_tensor(albedo))


def shape_set(source: OpenSource, ids: Int[np.ndarray, " v"]) -> Float[np.ndarray, "S v 3"]:
    """Return shapes that the simplified mesh must follow: the mean, ±2σ of the first modes, the strongest expressions."""
    mean = source.mean[ids]
    shapes = [mean]
    for k in range(_SHAPE_MODES):
        shapes += [mean + weight * source.identity[k, ids] for weight in (-_SHAPE_SIGMA, _SHAPE_SIGMA)]
    for group in _EXPRESSION_GROUPS:
        moved = sum(source.expression[source.expression_names.index(name)][ids] for name in group)
        if np.abs(moved).max() > _MOVES_CM:
            shapes.append(mean + moved)
    return np.stack(shapes)


def importance(source: OpenSource) -> Float[np.ndarray, " V"]:
    """Return the weight of the surface about each source vertex in the simplification."""
    mean, part, marks = source.mean, source.part, source.mean[source.landmarks]
    masks = regions(mean, part, marks)
    weight = np.ones(len(mean))
    for name, value in _IMPORTANCE.items():
        weight[masks[name]] = value
    # between lips and teeth, the surface must not enter the teeth
    bag = part == PARTS.index("mouth")
    weight[bag] = np.where(mean[bag, 2] > _SEEN_LIPS_CM, 6.0, 0.25)
    weight[(part == PARTS.index("socket_right")) | (part == PARTS.index("socket_left"))] = 2.0
    teeth = (part == PARTS.index("teeth")) | (part == PARTS.index("tongue"))
    weight[teeth] = np.where(mean[teeth, 2] > _SEEN_TEETH_CM, 3.0, 1.0)
    return weight


def _simplified(
    source: OpenSource,
) -> tuple[Int[np.ndarray, " W"], Int[np.ndarray, "F 3"], Float[np.ndarray, "T 2"], Int[np.ndarray, "F 3"]]:
    """Return kept source vertices (ascending), triangles over them, texture coordinates and triangles over those."""
    keep, weight = _must_stay(source), importance(source)
    uv = upright_charts(source.uv, source.uv_faces)
    hidden = np.zeros(len(source.mean), np.bool_)
    for first, end in IRISES:
        hidden[first:end] = True
    faces, uv_faces = [], []
    for group, names in _GROUPS.items():
        inside = np.isin(source.part, [PARTS.index(n) for n in names]) & ~hidden
        ids = np.flatnonzero(inside)
        number = np.full(len(source.mean), -1, np.int64)
        number[ids] = np.arange(len(ids))
        own = inside[source.faces].all(1)
        less = simplify(
            shape_set(source, ids),
            number[source.faces[own]],
            TARGETS[group],
            keep=keep[ids],
            mirror=number[source.mirror[ids]],
            weight=weight[ids],
            uv=uv,
            uv_faces=source.uv_faces[own],
            spread=_SPREAD,
        )
        if less.uv_faces is None:
            raise AssertionError("simplify has lost the texture coordinates")
        faces.append(ids[less.vertices][less.faces])
        uv_faces.append(less.uv_faces)
    over_source = np.concatenate(faces)
    kept = np.unique(over_source)
    return kept, np.searchsorted(kept, over_source), uv, np.concatenate(uv_faces)


def _must_stay(source: OpenSource) -> Bool[np.ndarray, " V"]:
    """Mark landmarks, dense points, their mirror images, and the disks of the irises."""
    keep = np.zeros(len(source.mean), np.bool_)
    keep[source.landmarks] = True
    keep[source.dense] = True
    for name in ("eye_right", "eye_left"):
        ids = np.flatnonzero(source.part == PARTS.index(name))
        pole = source.mean[ids[np.argmax(source.mean[ids, 2])]]
        near = np.linalg.norm(source.mean[ids, :2] - pole[:2], axis=1) < _IRIS_CM
        keep[ids[near & (source.mean[ids, 2] > pole[2] - _IRIS_DEPTH_CM)]] = True
    keep[source.mirror[keep]] = True
    return keep
