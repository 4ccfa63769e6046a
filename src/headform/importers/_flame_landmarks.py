"""Landmark embeddings of FLAME: points given by a triangle and barycentric weights.

M points; Y 79 yaw bins (0 to 39 degrees, then -1 to -39), R 17 jaw points.

| file | holds |
|---|---|
| ``landmark_embedding.npy`` | ``static_lmk_faces_idx`` (51), ``static_lmk_bary_coords`` (51 x 3); ``dynamic_`` (79 x 17) |
| | and ``full_`` (1 x 68) likewise |
| ``flame_static_embedding.pkl`` | ``lmk_face_idx`` (51), ``lmk_b_coords`` (51 x 3) |
| ``flame_dynamic_embedding.npy`` | the same for 79 x 17 |

Embeddings of 70 points (with the pupils behind the 68) are read as their first 68.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from headform.errors import WeightsError
from headform.heads.checks import check_finite
from headform.importers._flame_model import FACES, read_file

STATIC, JAW, FULL, YAWS = 51, 17, 68, 79
_PAIRS = (
    ("static_lmk_faces_idx", "static_lmk_bary_coords"),
    ("dynamic_lmk_faces_idx", "dynamic_lmk_bary_coords"),
    ("full_lmk_faces_idx", "full_lmk_bary_coords"),
    ("lmk_face_idx", "lmk_b_coords"),
)


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Points on the triangles of a mesh.

    Attributes:
        faces: Triangle of each.
        weights: Barycentric weights of its corners.
    """

    faces: Int[np.ndarray, "*M"]
    weights: Float[np.ndarray, "*M 3"]

    def corners(self, faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, "*M 3"]:
        """The three vertices of each point."""
        return faces[self.faces]

    def vertices(self, faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, "*M"]:
        """The vertex of largest weight of each point."""
        largest = self.weights.argmax(-1)[..., None]
        return np.take_along_axis(self.corners(faces), largest, -1)[..., 0]


@dataclass(frozen=True, eq=False)
class Embeddings:
    """What one or several files say; None where none does.

    Attributes:
        static: The 51 points that stay where they are on the skin.
        contour: The jaw line for each yaw.
        full: All 68 of a face seen from the front.
    """

    static: SurfacePoints | None = None
    contour: SurfacePoints | None = None
    full: SurfacePoints | None = None

    def filled_from(self, other: "Embeddings | None") -> "Embeddings":
        """These, and those of `other` where there are none."""
        if other is None:
            return self
        return Embeddings(self.static or other.static, self.contour or other.contour, self.full or other.full)


def read_embeddings(path: Path) -> Embeddings:
    """The embeddings in a file.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``unsafe_pickle``; ``model_missing_key``; ``model_shape``;
            ``model_not_finite``; ``model_mismatch`` when they are for other points or another mesh.
    """
    where = repr(str(path))
    arrays = read_file(path)
    found = Embeddings()
    pairs = [pair for pair in _PAIRS if any(_base(name) == pair[0] for name in arrays)]
    if not pairs:
        there = ", ".join(sorted({_base(name) for name in arrays})[:20]) or "nothing"
        what = f"there is no `static_lmk_faces_idx` and no `lmk_face_idx`, there is {there}"
        raise WeightsError("model_missing_key", what, where, "give FLAME's landmark embedding")
    for faces, weights in pairs:
        found = found.filled_from(_sorted(_points(arrays, faces, weights, where), where))
    return found


def _base(name: str) -> str:
    return name.partition("/")[0]


def _gathered(arrays: Mapping[str, np.ndarray], name: str, where: str) -> np.ndarray:
    """An array, or a list of arrays (`name/0`, `name/1` ...) stacked."""
    if name in arrays:
        return arrays[name]
    rows: list[np.ndarray] = []
    while f"{name}/{len(rows)}" in arrays:
        rows.append(arrays[f"{name}/{len(rows)}"])
    if not rows or any(row.shape != rows[0].shape for row in rows):
        what = f"there is no array `{name}`"
        raise WeightsError("model_missing_key", what, where, "give FLAME's landmark embedding")
    return np.stack(rows)


def _points(arrays: Mapping[str, np.ndarray], faces: str, weights: str, where: str) -> SurfacePoints:
    index, share = (_gathered(arrays, name, where) for name in (faces, weights))
    if index.ndim > 1 and index.shape[0] == 1:
        index, share = index[0], share[0] if share.shape[:1] == (1,) else share
    if index.dtype.kind not in "iu" or share.dtype.kind != "f" or share.shape != (*index.shape, 3):
        what = f"`{faces}` is {index.dtype} {index.shape}, `{weights}` {share.dtype} {share.shape}"
        raise WeightsError("model_shape", what, where, "give FLAME's landmark embedding")
    check_finite(where, **{weights: share})
    if index.size and not 0 <= int(index.min()) <= int(index.max()) < FACES:
        what = f"the landmarks lie on triangles up to {int(index.max())}, FLAME has {FACES}"
        raise WeightsError("model_mismatch", what, where, "give the embedding made for FLAME")
    if np.abs(share.sum(-1) - 1).max(initial=0.0) > 0.01:
        what = f"`{weights}` are not barycentric: they do not sum to 1"
        raise WeightsError("model_mismatch", what, where, "give the embedding made for FLAME")
    return SurfacePoints(index.astype(np.int64), share.astype(np.float64))


def _sorted(points: SurfacePoints, where: str) -> Embeddings:
    """Which of the sets these points are, by their number."""
    shape = points.faces.shape
    if shape == (STATIC,):
        return Embeddings(static=points)
    if shape == (YAWS, JAW):
        return Embeddings(contour=points)
    if shape in ((FULL,), (FULL + 2,)):
        return Embeddings(full=SurfacePoints(points.faces[:FULL], points.weights[:FULL]))
    what = f"an embedding of {' x '.join(map(str, shape))} points, not 51, 68 or 79 x 17"
    raise WeightsError("model_mismatch", what, where, "give the embedding of the iBUG points")
