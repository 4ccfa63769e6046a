"""Build the open head from ICT-FaceKit Light: simplify, pack the texture, learn the albedo, write the asset and its card.

V vertices of the source, W vertices of the open head, S shapes. Centimeters until the last step.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.geometry.seven_landmarks import OF_68
from headform.heads import asset
from headform.heads.landmark_offset import jaw_outline_offset
from headform.heads.linear import PARTS, LinearHead
from headform.importers import ict_model
from headform.mesh.simplify import simplify
from headform.openhead._albedo_basis import learn_albedo
from headform.openhead._atlas import pack_charts, upright_charts
from headform.openhead._card import write_card
from headform.openhead._regions import NECK_PIVOT_CM, contour, neck_weight, regions
from headform.openhead._source import IRISES, OpenSource, prepare

NAME = "open"
LICENSE = "MIT; made from ICT-FaceKit Light (MIT, USC Institute for Creative Technologies)"
TARGETS = {"skin": 7700, "tongue": 520, "teeth": 1260, "eyes": 1160}
"""Vertices to keep of each group of parts."""
_GROUPS = {
    "skin": ("face", "head", "mouth", "socket_right", "socket_left"),
    "tongue": ("tongue",),
    "teeth": ("teeth",),
    "eyes": ("eye_right", "eye_left"),
}
_IRIS_CM = 0.78  # eyeball vertices this near to the axis stay, so that iris and pupil are round
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
        ict: what `headform.importers.ict_model.read` reads.
        out: the asset; the same source gives the same bytes.

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
    """The open head in memory, not yet quantized."""
    kept, faces, uv, uv_faces = _simplified(source)
    number = np.full(len(source.mean), -1, np.int64)
    number[kept] = np.arange(len(kept))
    mean, part = source.mean[kept], source.part[kept]
    mirror = number[source.mirror[kept]]
    uv, uv_faces = pack_charts(uv, uv_faces, mean, faces, part)
    landmarks = number[source.landmarks]
    masks = regions(mean, part, mean[landmarks])
    count = len(kept)

    def single(array: Float[np.ndarray, "..."]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))

    def whole(array: Int[np.ndarray, "..."]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.int64))

    fields: dict[str, Any] = {
        "name": NAME,
        "sha256": "",
        "license": LICENSE,
        "mean": single(mean / 100),
        "identity": single(source.identity[:, kept] / 100),
        "expression": single(source.expression[:, kept] / 100),
        "expression_names": source.expression_names,
        "faces": whole(faces),
        "mirror": whole(mirror),
        "part": torch.from_numpy(part),
        "regions": {name: torch.from_numpy(mask) for name, mask in masks.items()},
        "uv": single(uv),
        "uv_faces": whole(uv_faces),
        "landmark_vertices": whole(np.repeat(landmarks[:, None], 3, axis=1)),
        "landmark_weights": single(np.tile([1.0, 0.0, 0.0], (68, 1))),
        "landmark_offset": single(jaw_outline_offset(mean, faces, (part < 2) & ~masks["ears"], mean[landmarks]) / 100),
        "contour": whole(contour(mean, masks["face"], mirror, landmarks)),
        "now7": whole(landmarks[list(OF_68)]),
        "dense": whole(number[source.dense]),
        "dense_mirror": whole(source.dense_mirror),
        "neck_weight": single(neck_weight(mean, part)),
        "neck_pivot": single(np.array(NECK_PIVOT_CM) / 100),
    }
    bare = LinearHead(**fields, albedo_mean=torch.zeros(count, 3), albedo=torch.zeros(1, count, 3))
    albedo_mean, albedo = learn_albedo(bare)
    return LinearHead(**fields, albedo_mean=single(albedo_mean), albedo=single(albedo))


def shape_set(source: OpenSource, ids: Int[np.ndarray, " v"]) -> Float[np.ndarray, "S v 3"]:
    """Shapes that the simplified mesh must follow: the mean, ±2σ of the first modes, the strongest expressions."""
    mean = source.mean[ids]
    shapes = [mean]
    for k in range(5):
        shapes += [mean + sign * 2.0 * source.identity[k, ids] for sign in (-1.0, 1.0)]
    for group in _EXPRESSION_GROUPS:
        moved = sum(source.expression[source.expression_names.index(name)][ids] for name in group)
        if np.abs(moved).max() > 0.01:
            shapes.append(mean + moved)
    return np.stack(shapes)


def importance(source: OpenSource) -> Float[np.ndarray, " V"]:
    """How much the surface matters about each source vertex."""
    mean, part, marks = source.mean, source.part, source.mean[source.landmarks]
    masks = regions(mean, part, marks)
    weight = np.ones(len(mean))
    for name, value in (
        ("neck", 0.35),
        ("scalp", 0.5),
        ("ears", 1.5),
        ("face", 2.0),
        ("brows", 4.0),
        ("nose", 5.0),
        ("mouth", 5.0),
        ("eyes", 24.0),
        ("lips", 20.0),
    ):
        weight[masks[name]] = value
    # behind the lips, before the teeth, flesh must not cut corners
    bag = part == PARTS.index("mouth")
    weight[bag] = np.where(mean[bag, 2] > 8.5, 6.0, 0.25)
    weight[(part == PARTS.index("socket_right")) | (part == PARTS.index("socket_left"))] = 2.0
    # the front teeth are seen
    teeth = (part == PARTS.index("teeth")) | (part == PARTS.index("tongue"))
    weight[teeth] = np.where(mean[teeth, 2] > 8.0, 3.0, 1.0)
    return weight


def _simplified(
    source: OpenSource,
) -> tuple[Int[np.ndarray, " W"], Int[np.ndarray, "F 3"], Float[np.ndarray, "T 2"], Int[np.ndarray, "F 3"]]:
    """Kept source vertices (ascending), triangles over them, texture coordinates and triangles over those."""
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
            spread=3e-3,
        )
        if less.uv_faces is None:
            raise AssertionError("texture corners went in and must come out")
        faces.append(ids[less.vertices][less.faces])
        uv_faces.append(less.uv_faces)
    over_source = np.concatenate(faces)
    kept = np.unique(over_source)
    return kept, np.searchsorted(kept, over_source), uv, np.concatenate(uv_faces)


def _must_stay(source: OpenSource) -> Bool[np.ndarray, " V"]:
    """Landmarks, dense points, their mirror images, and the discs of the irises."""
    keep = np.zeros(len(source.mean), np.bool_)
    keep[source.landmarks] = True
    keep[source.dense] = True
    for name in ("eye_right", "eye_left"):
        ids = np.flatnonzero(source.part == PARTS.index(name))
        pole = source.mean[ids[np.argmax(source.mean[ids, 2])]]
        near = np.linalg.norm(source.mean[ids, :2] - pole[:2], axis=1) < _IRIS_CM
        keep[ids[near & (source.mean[ids, 2] > pole[2] - 1.0)]] = True
    keep[source.mirror[keep]] = True
    return keep
