"""From a publisher's arrays to a `LinearHead`: meters, outward triangles, per-sigma modes, sound indices.

Letters: those of `heads.linear`. Every importer ends here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from headform.errors import WeightsError
from headform.geometry.landmarks68 import NOW7, OUTER_EYE_CORNERS, outer_eye_distance
from headform.geometry.units import METERS_PER, OUTER_EYES_M
from headform.heads.checks import check_finite, check_indices
from headform.heads.linear import LinearHead
from headform.heads.provenance import Provenance


@dataclass(frozen=True, eq=False)
class ImportedModel:
    """What an importer read, in the publisher's unit; absent parts are None.

    Attributes:
        name: What the head will be called.
        license: One line.
        provenance: Of the files read.
        unit: A key of `METERS_PER`.
        mean: Mean shape.
        faces: From 0; either winding.
        identity: Per standard deviation.
        sigma: Published standard deviations.
        expression: Per standard deviation, or at weight 1.
        expression_names: One for each; numbered if empty.
        albedo_mean: RGB in `albedo_space`, in [0, 1].
        albedo: In the same space, per standard deviation.
        albedo_space: ``linear`` or ``srgb``.
        uv: In [0, 1], origin at the bottom left.
        uv_faces: Into `uv`; `faces` where `uv` is one per vertex and this is None.
        landmarks: Vertex of each of the 68 iBUG points; -1 where unknown.
        contour: Candidates for each of the 17 jaw points.
        now7: Vertices of the seven NoW landmarks; of the 68 points if None and they are known.
        mirror: Vertex on the other side of each vertex.
        regions: Named vertex masks.
    """

    name: str
    license: str
    provenance: Provenance
    unit: str
    mean: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
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


def linear_head(model: ImportedModel) -> LinearHead:
    """The head of an imported model, checked.

    Positions become meters. Triangles that face inwards are turned round, with a note in the provenance.

    Raises:
        WeightsError: ``model_not_finite`` (also: too large for single precision), ``model_index`` (an index outside its
            array), ``model_unit`` (the outer eye
            corners are less than a third or more than three times of their usual distance apart).
    """
    return LinearHead(**head_fields(model))


def head_fields(model: ImportedModel) -> dict[str, Any]:
    """The fields of `linear_head(model)` by name, for a class that adds some; see there."""
    scale = METERS_PER[model.unit]
    count = len(model.mean)
    where = model.provenance.label
    check_finite(where, mean=model.mean, identity=model.identity, expression=model.expression)
    check_finite(where, albedo_mean=model.albedo_mean, albedo=model.albedo, uv=model.uv)
    check_indices(where, count, faces=model.faces, contour=model.contour, mirror=model.mirror)
    check_indices(where, count, now7=model.now7)
    uv_faces = model.faces if model.uv_faces is None else model.uv_faces
    if model.uv is not None:
        check_indices(where, len(model.uv), uv_faces=uv_faces)
    provenance = model.provenance
    faces = model.faces
    if inward(model.mean, faces):
        faces, uv_faces = faces[:, ::-1], uv_faces[:, ::-1]
        note = "the triangles faced inwards and were turned round"
        provenance = replace(provenance, notes=(*provenance.notes, note))
    known = np.zeros(68, bool) if model.landmarks is None else model.landmarks >= 0
    landmarks = np.zeros(68, np.int64) if model.landmarks is None else model.landmarks.clip(0)
    check_indices(where, count, landmarks=landmarks)
    if known[list(OUTER_EYE_CORNERS)].all():
        check_unit(where, scale * outer_eye_distance(model.mean[landmarks]))
    now7 = model.now7
    if now7 is None and known[list(NOW7)].all():
        now7 = landmarks[list(NOW7)]
    marked = 68 if known.any() else 0
    expression = _or_empty(model.expression, (0, count, 3))
    names = tuple(model.expression_names) or tuple(f"{k:03d}" for k in range(len(expression)))
    found: dict[str, Any] = {
        "name": model.name,
        "sha256": "",
        "license": model.license,
        "mean": _single(model.mean, scale),
        "identity": _single(_or_empty(model.identity, (0, count, 3)), scale),
        "expression": _single(expression, scale),
        "expression_names": names,
        "faces": _whole(faces),
        "mirror": _whole(_or_empty(model.mirror, (0,))),
        "part": torch.zeros(0, dtype=torch.uint8),
        "regions": {n: torch.from_numpy(m.copy()) for n, m in model.regions.items()},
        "uv": _single(_or_empty(model.uv, (0, 2))),
        "uv_faces": _whole(uv_faces if model.uv is not None else np.zeros((0, 3))),
        "landmark_vertices": _whole(np.repeat(landmarks[:marked, None], 3, axis=1)),
        "landmark_weights": _single(known[:marked, None] * np.array([[1.0, 0.0, 0.0]])),
        "landmark_offset": torch.zeros(marked, 3),
        "contour": _whole(_or_empty(model.contour, (0, 0))),
        "now7": _whole(_or_empty(now7, (0,))),
        "dense": _whole(np.zeros(0)),
        "dense_mirror": _whole(np.zeros(0)),
        "albedo_mean": _single(_or_empty(model.albedo_mean, (0, 3))),
        "albedo": _single(_or_empty(model.albedo, (0, _rows(model.albedo_mean), 3))),
        "neck_weight": torch.zeros(0),
        "neck_pivot": torch.zeros(3),
        "sigma": _single(_or_empty(model.sigma, (0,))),
        "provenance": provenance,
        "albedo_space": model.albedo_space,
    }
    numbers = {n: v for n, v in found.items() if isinstance(v, torch.Tensor)}
    check_finite(where, **{n: v.numpy() for n, v in numbers.items() if v.is_floating_point()})
    return found


def inward(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> bool:
    """Whether most of the surface faces its own center, as with clockwise triangles.

    The flux of (x - center) through the surface: three times the volume of a closed mesh, and of the same sign for a mask.
    """
    corners = vertices[faces].astype(np.float64)  # (F, 3, 3)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return bool(((corners.mean(1) - vertices.mean(0)) * normal).sum() < 0)


def check_unit(where: str, distance_m: float) -> None:
    """Refuse a head whose outer eye corners are not a head's distance apart.

    Raises:
        WeightsError: ``model_unit``.
    """
    if not OUTER_EYES_M / 3 < distance_m < OUTER_EYES_M * 3:
        raise WeightsError(
            "model_unit",
            f"the outer eye corners are {distance_m:.4g} m apart, on a head it is about {OUTER_EYES_M} m",
            where,
            "give the file as its publisher made it, in the published unit",
        )


def _rows(array: np.ndarray | None) -> int:
    return 0 if array is None else len(array)


def _or_empty(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape) if array is None else array


def _single(array: np.ndarray, scale: float = 1.0) -> torch.Tensor:
    with np.errstate(over="ignore"):  # what becomes infinite is refused
        if scale == 1.0:
            return torch.from_numpy(np.ascontiguousarray(array, np.float32))
        scaled = np.empty(array.shape, np.float32)  # multiplied in double precision, piece by piece
        np.multiply(array, scale, out=scaled, casting="same_kind", dtype=np.float64)
    return torch.from_numpy(scaled)


def _whole(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.int64))
