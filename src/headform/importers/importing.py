"""From a publisher's arrays to a `LinearHead`: meters, outward triangles, modes per sigma, checked indices.

those of `heads.linear`. Every importer ends here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.geometry.landmarks68 import NOW7, OUTER_EYE_CORNERS, outer_eye_distance
from headform.geometry.units import METERS_PER
from headform.heads.checks import check_finite, check_indices
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance
from headform.importers.model_size import check_size, check_unit


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """Arrays that an importer read, in the publisher's unit; absent parts are None.

    Attributes:
        provenance: Origin of the files read.
        unit: A key of `METERS_PER`.
        mean: Mean shape.
        faces: Triangles, counted from 0, of either winding.
        name: Name of the head; the kind of `provenance` if empty.
        identity: Displacements per standard deviation.
        sigma: Published standard deviations.
        expression: Displacements per standard deviation, or at weight 1.
        expression_names: One for each; numbered if empty.
        albedo_mean: RGB in `albedo_space`, in [0, 1].
        albedo: In the same space, per standard deviation.
        albedo_space: ``linear`` or ``srgb``.
        uv: In [0, 1], origin at the bottom left.
        uv_faces: Triangles over `uv`; `faces` where `uv` is one per vertex and this is None.
        landmarks: Vertex of each of the 68 iBUG points; -1 where unknown.
        contour: Candidates for each of the 17 jaw points.
        now7: Vertices of the seven NoW landmarks; of the 68 points if None and they are known.
        mirror: Vertex on the other side of each vertex.
        regions: Named vertex masks.
        is_head_sized: False for models that may be of anything, whose size is not checked.
    """

    provenance: Provenance
    unit: str
    mean: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    name: str = ""
    identity: Float[np.ndarray, "K V 3"] | None = None
    sigma: Float[np.ndarray, " K"] | None = None
    expression: Float[np.ndarray, "E V 3"] | None = None
    expression_names: Sequence[str] = ()
    albedo_mean: Float[np.ndarray, "V 3"] | None = None
    albedo: Float[np.ndarray, "A V 3"] | None = None
    albedo_space: Literal["linear", "srgb"] = "linear"
    uv: Float[np.ndarray, "T 2"] | None = None
    uv_faces: Int[np.ndarray, "F 3"] | None = None
    landmarks: Int[np.ndarray, "68"] | None = None
    contour: Int[np.ndarray, "17 C"] | None = None
    now7: Int[np.ndarray, "7"] | None = None
    mirror: Int[np.ndarray, " V"] | None = None
    regions: Mapping[str, Bool[np.ndarray, " V"]] = field(default_factory=dict)
    is_head_sized: bool = True


def linear_head(model: ImportedModel, **fields: Any) -> LinearHead:
    """Make the head of an imported model; `fields` replace those that would follow from the model.

    Raises:
        WeightsError: see `head_fields`.
    """
    return LinearHead(**(head_fields(model) | fields))


def head_fields(model: ImportedModel) -> dict[str, Any]:
    """Return the fields of a head by name, checked.

    Positions become meters. Triangles that face inwards are reversed, with a note in the provenance.

    Raises:
        WeightsError: ``model_not_finite`` (also: too large for single precision), ``model_index`` (an index out of range),
            ``model_unit`` (the outer eye corners are less than a third or more than three times their usual distance
            apart; where those are unknown, the head is less than 0.08 or more than 0.8 m across).
    """
    scale, count = METERS_PER[model.unit], len(model.mean)
    provenance, faces = model.provenance, model.faces
    where = provenance.label
    uv_faces = faces if model.uv_faces is None else model.uv_faces
    landmarks = np.full(68, -1) if model.landmarks is None else model.landmarks
    known, landmarks = landmarks >= 0, landmarks.clip(0)
    names = ("mean", "identity", "expression", "albedo_mean", "albedo", "uv")
    check_finite(where, **{name: getattr(model, name) for name in names})
    check_indices(where, count, faces=faces, contour=model.contour, mirror=model.mirror, now7=model.now7)
    check_indices(where, count, landmarks=landmarks)
    if model.uv is not None:
        check_indices(where, len(model.uv), uv_faces=uv_faces)
    if inward(model.mean, faces):
        faces, uv_faces = faces[:, ::-1], uv_faces[:, ::-1]
        provenance = replace(provenance, notes=(*provenance.notes, "the triangles faced inwards and were reversed"))
    if known[list(OUTER_EYE_CORNERS)].all():
        check_unit(where, scale * outer_eye_distance(model.mean[landmarks]), model.unit)
    now7 = landmarks[list(NOW7)] if model.now7 is None and known[list(NOW7)].all() else model.now7
    marked = 68 if known.any() else 0
    expression = _or_empty(model.expression, 0, count, 3)
    albedo_mean = _or_empty(model.albedo_mean, 0, 3)
    fields: dict[str, Any] = {
        "name": model.name or provenance.kind,
        "sha256": "",
        "license": provenance.license,
        "mean": float_tensor(model.mean, scale),
        "identity": float_tensor(_or_empty(model.identity, 0, count, 3), scale),
        "expression": float_tensor(expression, scale),
        "expression_names": tuple(model.expression_names) or tuple(f"{k:03d}" for k in range(len(expression))),
        "faces": int_tensor(faces),
        "mirror": int_tensor(_or_empty(model.mirror, 0)),
        "part": torch.zeros(0, dtype=torch.uint8),
        "regions": {n: torch.from_numpy(m.copy()) for n, m in model.regions.items()},
        "uv": float_tensor(_or_empty(model.uv, 0, 2)),
        "uv_faces": int_tensor(uv_faces if model.uv is not None else np.zeros((0, 3))),
        "landmark_vertices": int_tensor(np.repeat(landmarks[:marked, None], 3, axis=1)),
        "landmark_weights": float_tensor(known[:marked, None] * np.array([[1.0, 0.0, 0.0]])),
        "landmark_offset": torch.zeros(marked, 3),
        "contour": int_tensor(_or_empty(model.contour, 0, 0)),
        "now7": int_tensor(_or_empty(now7, 0)),
        "dense": torch.zeros(0, dtype=torch.int64),
        "dense_mirror": torch.zeros(0, dtype=torch.int64),
        "albedo_mean": float_tensor(albedo_mean),
        "albedo": float_tensor(_or_empty(model.albedo, 0, len(albedo_mean), 3)),
        "neck_weight": torch.zeros(0),
        "neck_pivot": torch.zeros(3),
        "sigma": float_tensor(_or_empty(model.sigma, 0)),
        "provenance": provenance,
        "albedo_space": model.albedo_space,
    }
    tensors = {n: v for n, v in fields.items() if isinstance(v, torch.Tensor) and v.is_floating_point()}
    check_finite(where, **{n: v.numpy() for n, v in tensors.items()})
    if model.is_head_sized and not known[list(OUTER_EYE_CORNERS)].all():
        check_size(where, model.mean, faces, model.unit)
    return fields


def inward(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> bool:
    """Return whether most of the surface faces its own center, as with clockwise triangles.

    The flux of (x - center) through the surface: three times the volume of a closed mesh, and of the same sign for a mask.
    """
    corners = vertices[faces].astype(np.float64)  # (F, 3, 3)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return bool(((corners.mean(1) - vertices.mean(0)) * normal).sum() < 0)


def float_tensor(array: np.ndarray, scale: float = 1.0) -> torch.Tensor:
    """Return an array times a scale as a tensor in single precision, infinite where it does not fit."""
    with np.errstate(over="ignore"):
        if scale == 1.0:
            return torch.from_numpy(np.ascontiguousarray(array, np.float32))
        scaled = np.empty(array.shape, np.float32)  # multiplied in double precision, piece by piece
        np.multiply(array, scale, out=scaled, casting="same_kind", dtype=np.float64)
    return torch.from_numpy(scaled)


def _or_empty(array: np.ndarray | None, *shape: int) -> np.ndarray:
    return np.zeros(shape) if array is None else array


def int_tensor(array: np.ndarray) -> torch.Tensor:
    """Return an array of integers as an int64 tensor."""
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))
