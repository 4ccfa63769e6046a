"""Landmark embeddings of FLAME: points given by a triangle and barycentric weights, and the fields of a head made of them.

M points, F triangles; Y 79 yaw bins (0 to 39 degrees, then -1 to -39), R 17 jaw points.

| file | holds |
|---|---|
| ``landmark_embedding.npy`` | ``static_lmk_faces_idx`` (51), ``static_lmk_bary_coords`` (51 x 3); ``dynamic_`` (79 x 17) |
| | and ``full_`` (1 x 68) likewise |
| ``flame_static_embedding.pkl`` | ``lmk_face_idx`` (51), ``lmk_b_coords`` (51 x 3) |
| ``flame_dynamic_embedding.npy`` | the same for 79 x 17 |

Embeddings of 70 points (with the pupils behind the 68) are read as their first 68.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.geometry.landmarks68 import NOW7_OF_51
from headform.heads.checks import check_finite
from headform.importers._flame_model import FACES, read_file

STATIC, JAW, FULL, YAWS = 51, 17, 68, 79
_PAIRS = (
    ("static_lmk_faces_idx", "static_lmk_bary_coords"),
    ("dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords"),
    ("full_lmk_faces_idx", "full_lmk_bary_coords"),
    ("lmk_face_idx", "lmk_b_coords"),
)
_WEIGHT_ERROR = 0.01
"""Largest difference from 1 of the sum of a point's weights."""
_EMBEDDING = "give FLAME's landmark embedding"


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on the triangles of a mesh.

    Attributes:
        faces: Triangle of each.
        weights: Barycentric weights of its corners.
    """

    faces: Int[np.ndarray, "*M"]
    weights: Float[np.ndarray, "*M 3"]

    def vertices(self, faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, "*M"]:
        """Return the vertex of largest weight of each point."""
        largest = self.weights.argmax(-1)[..., None]
        return np.take_along_axis(faces[self.faces], largest, -1)[..., 0]

    def after(self, faces: Int[np.ndarray, " N"], weights: Float[np.ndarray, "N 3"]) -> "SurfacePoints":
        """Return these points behind others."""
        return SurfacePoints(np.concatenate([faces, self.faces]), np.concatenate([weights, self.weights]))


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Points of one or several files; None where no file has them.

    Attributes:
        static: The 51 points that stay where they are on the skin.
        contour: The jaw line for each yaw.
        full: All 68 of a face seen from the front.
    """

    static: SurfacePoints | None = None
    contour: SurfacePoints | None = None
    full: SurfacePoints | None = None

    def filled_from(self, other: "Embeddings | None") -> "Embeddings":
        """Return these points, and those of `other` where there are none."""
        if other is None:
            return self
        return Embeddings(self.static or other.static, self.contour or other.contour, self.full or other.full)

    def completed(self, notes: list[str]) -> "Embeddings":
        """Derive the 68 points from the others where they are missing, and the other way round.

        Args:
            notes: List to which one sentence is appended for each missing or derived part.
        """
        static, contour, full = self.static, self.contour, self.full
        if full is None and static is None:
            notes.append("no landmark_embedding.npy: there are no landmarks")
            return self
        notes.append("the NoW landmarks are the vertices of largest weight at their published points")
        if full is not None and static is None:
            notes.append("the 51 static landmarks are the last of the 68")
            return replace(self, static=SurfacePoints(full.faces[-STATIC:], full.weights[-STATIC:]))
        if full is None and static is not None:
            if contour is None:
                notes.append("no embedding of the jaw line: landmarks 0 to 16 are unknown")
                return self
            notes.append("the 68 landmarks are the jaw line at yaw 0 and the 51 static ones")
            return replace(self, full=static.after(contour.faces[0], contour.weights[0]))
        return self

    def chosen_vertices(self, faces: Int[np.ndarray, "F 3"]) -> dict[str, Any]:
        """Return single vertices, those of largest weight, as arguments of `ImportedModel`.

        Returns:
            Some of ``landmarks`` (68; -1 unknown), ``now7``, ``contour`` (17, 79: yaw from -39 to 39 degrees).
        """
        chosen: dict[str, Any] = {}
        if self.static is not None:
            vertices = self.static.vertices(faces)
            chosen["now7"] = vertices[list(NOW7_OF_51)]
            chosen["landmarks"] = np.concatenate([np.full(JAW, -1), vertices])
        if self.full is not None:
            chosen["landmarks"] = self.full.vertices(faces)
        if self.contour is not None:  # from -39 to 39 degrees
            rows = np.concatenate([np.arange(YAWS - 1, YAWS // 2, -1), np.arange(YAWS // 2 + 1)])
            chosen["contour"] = self.contour.vertices(faces)[rows].T.copy()
        return chosen

    def point_fields(self, faces: Int[np.ndarray, "F 3"]) -> dict[str, Any]:
        """Return the fields of `FlameHead` that hold barycentric points, empty where unknown.

        Returns:
            ``landmark_``, ``static_`` and ``contour_vertices`` and ``_weights``, ``landmark_offset``.
        """
        sets = {
            "static": self.static or SurfacePoints(np.zeros(0, np.int64), np.zeros((0, 3))),
            "contour": self.contour or SurfacePoints(np.zeros((0, JAW), np.int64), np.zeros((0, JAW, 3))),
        }
        if self.full is not None:
            sets["landmark"] = self.full
        elif self.static is not None:  # the jaw unknown: weights 0
            sets["landmark"] = self.static.after(np.zeros(JAW, np.int64), np.zeros((JAW, 3)))
        fields: dict[str, Any] = {"landmark_offset": torch.zeros(FULL, 3)} if "landmark" in sets else {}
        for name, points in sets.items():
            fields[f"{name}_vertices"] = torch.from_numpy(faces[points.faces])
            fields[f"{name}_weights"] = torch.from_numpy(points.weights).float()
        return fields


def read_embeddings(path: Path) -> Embeddings:
    """Read the embeddings in a file.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_missing_key``; ``model_shape``;
            ``model_not_finite``; ``model_mismatch`` when they are for other points or another mesh.
    """
    where = repr(str(path))
    arrays = read_file(path)
    held = {name.partition("/")[0] for name in arrays}
    pairs = [pair for pair in _PAIRS if pair[0] in held]
    if not pairs:
        there = ", ".join(sorted(held)[:20]) or "nothing"
        what = f"there is neither `static_lmk_faces_idx` nor `lmk_face_idx`; the file holds {there}"
        raise WeightsError("model_missing_key", what, where, _EMBEDDING)
    found = Embeddings()
    for faces, weights in pairs:
        found = found.filled_from(_sorted(_points(arrays, faces, weights, where), where))
    return found


def _stacked(arrays: Mapping[str, np.ndarray], name: str, where: str) -> np.ndarray:
    """Return an array, or a list of arrays (`name/0`, `name/1` ...) stacked."""
    if name in arrays:
        return arrays[name]
    rows: list[np.ndarray] = []
    while f"{name}/{len(rows)}" in arrays:
        rows.append(arrays[f"{name}/{len(rows)}"])
    if not rows or any(row.shape != rows[0].shape for row in rows):
        raise WeightsError("model_missing_key", f"there is no array `{name}`", where, _EMBEDDING)
    return np.stack(rows)


def _points(arrays: Mapping[str, np.ndarray], faces: str, weights: str, where: str) -> SurfacePoints:
    index, share = (_stacked(arrays, name, where) for name in (faces, weights))
    if index.ndim > 1 and index.shape[0] == 1:
        index, share = index[0], share[0] if share.shape[:1] == (1,) else share
    if index.dtype.kind not in "iu" or share.dtype.kind != "f" or share.shape != (*index.shape, 3):
        what = f"`{faces}` is {index.dtype} {index.shape}, `{weights}` {share.dtype} {share.shape}"
        raise WeightsError("model_shape", what, where, _EMBEDDING)
    check_finite(where, **{weights: share})
    what = ""
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < FACES:
        what = f"the landmarks lie on triangles up to {int(index.max())}, FLAME has {FACES}"
    elif np.abs(share.sum(-1) - 1).max(initial=0.0) > _WEIGHT_ERROR:
        what = f"`{weights}` are not barycentric: they do not sum to 1"
    if what:
        raise WeightsError("model_mismatch", what, where, "give the embedding made for FLAME")
    return SurfacePoints(index.astype(np.int64), share.astype(np.float64))


def _sorted(points: SurfacePoints, where: str) -> Embeddings:
    """Return the set that these points are, by their number."""
    shape = points.faces.shape
    if shape == (STATIC,):
        return Embeddings(static=points)
    if shape == (YAWS, JAW):
        return Embeddings(contour=points)
    if shape in ((FULL,), (FULL + 2,)):
        return Embeddings(full=SurfacePoints(points.faces[:FULL], points.weights[:FULL]))
    what = f"an embedding of {' x '.join(map(str, shape))} points, not 51, 68 or 79 x 17"
    raise WeightsError("model_mismatch", what, where, "give the embedding of the iBUG points")
