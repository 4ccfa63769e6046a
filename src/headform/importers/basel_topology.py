"""The meshes of the Basel Face Model of 2009 and how each is cut out of the one before.

53,490 vertices as published → 53,215 without the inside of the mouth (LSFM, expressions of Guo et al.) → 35,709 in front
(Deep3D) or 38,365 without the neck (3DDFA_V2). The index arrays are in users' files: ``trimIndex`` of ``BFM_exp_idx.mat``
(from 1, into 53,490), ``idx`` of ``BFM_front_idx.mat`` (from 1, into 53,215), ``select_vertex_id`` of
``select_vertex_id.mat`` (from 1, into 53,490, which is the first two in one) and ``indices.npy`` of 3DDFA_V2 (from 0, into
53,215).

V vertices of the source mesh, N of the cut one. Basel 2017 (53,149 vertices) is another mesh.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from headform.errors import WeightsError
from headform.heads.checks import ORIGINAL_FILE
from headform.heads.linear import LinearHead
from headform.heads.sub_mesh import cut
from headform.importers._arrays import ModelArrays
from headform.importers._basel_landmarks import BASEL_2017, LANDMARKS
from headform.io.mat_file import is_mat, read_mat
from headform.io.npz_file import read_npy

FULL, TRIMMED, FRONT, NO_NECK = 53490, 53215, 35709, 38365
WITHOUT_MOUTH_2017 = 53149
"""Vertices of Basel 2017 without the mouth."""
_KEYS = {"trimIndex": (FULL, TRIMMED), "idx": (TRIMMED, FRONT), "select_id": (FULL, FRONT)}
_NAMES = ("BFM_exp_idx.mat", "BFM_front_idx.mat", "select_vertex_id.mat", "indices.npy")
_AGREE = 51
"""Landmarks, of the 68, that must be the same vertices in both meshes: all but the jaw line's."""


def landmark_vertices(count: int) -> tuple[int, ...] | None:
    """Return the vertices of iBUG's 68 points on the Basel mesh of so many vertices, None where they are not known.

    Those of 53,149 vertices (Basel 2017) are uncertain: check the points that they give.
    """
    return {**LANDMARKS, WITHOUT_MOUTH_2017: BASEL_2017}.get(count)


@dataclass(frozen=True, eq=False)
class Selection:
    """Vertices of one mesh that make another.

    Attributes:
        source: Number of vertices V of the mesh that is cut.
        vertices: Indices from 0 into it, in the order of the cut mesh.
        name: Name of the file, for error messages.
    """

    source: int
    vertices: Int[np.ndarray, " N"]
    name: str = ""

    @property
    def target(self) -> int:
        """Number of vertices N of the cut mesh."""
        return len(self.vertices)

    def then(self, other: "Selection") -> "Selection":
        """Return this cut and another one after it, as one.

        Raises:
            WeightsError: ``model_mismatch``.
        """
        other._require_source(self.target)
        name = f"{self.name} and {other.name}" if self.name and other.name else ""
        return Selection(self.source, self.vertices[other.vertices], name)

    def cut(self, head: LinearHead) -> LinearHead:
        """Cut a head of the source mesh; see `heads.sub_mesh.cut`.

        Raises:
            WeightsError: ``model_mismatch``.
        """
        self._require_source(len(head.mean))
        note = f"cut from {self.source} to {self.target} vertices by {self.name or 'an index array'}"
        return cut(head, self.vertices, note)

    def _require_source(self, count: int) -> None:
        if self.source != count:
            what = f"{self.name or 'the index array'} is for {self.source} vertices, not for {count}"
            hint = f"the chain is {FULL} to {TRIMMED} to {FRONT} or {NO_NECK}"
            raise WeightsError("model_mismatch", what, "", hint)


def selection_of(indices: object, source: int, target: int, *, origin: int, name: str = "") -> Selection:
    """Check an index array of a user's file.

    Between meshes whose landmarks are known, the landmarks of the one must be those of the other: a test of the file and
    of its index origin. A file that counts from the other origin than documented is read as it counts, where that is
    certain.

    Args:
        indices: An array of numbers of any shape and type.
        source: Vertices of the mesh it indexes.
        target: Vertices of the mesh it makes.
        origin: 0 or 1, as documented.
        name: Name of the file.

    Raises:
        WeightsError: ``model_shape``, ``model_index`` (out of range, repeated or not whole), ``model_mismatch`` (its
            landmarks are others).
    """
    where = name or "an index array"
    whole = ModelArrays(where, {"indices": indices}).indices("indices").reshape(-1)
    if len(whole) != target:
        what = f"{len(whole)} indices, expected {target} into {source} vertices"
        raise WeightsError("model_shape", what, where, ORIGINAL_FILE)
    low, high = int(whole.min()), int(whole.max())
    if low == 0 or high == source:  # certain, whatever is documented
        origin = 1 if high == source else 0
    whole = whole - origin
    if low < origin or high - origin >= source or len(np.unique(whole)) != target:
        what = f"indices from {low} to {high} into {source} vertices, or a repeated one"
        raise WeightsError("model_index", what, where, ORIGINAL_FILE)
    here, there = LANDMARKS.get(source), LANDMARKS.get(target)
    if here is not None and there is not None:
        agree = int((whole[np.array(there)] == np.array(here)).sum())
        if agree < _AGREE:
            what = f"only {agree} of 68 landmarks of {target} vertices are those of {source}"
            raise WeightsError("model_mismatch", what, where, "give the index file of this mesh")
    return Selection(source, whole, name)


def read_selection(path: Path | str) -> Selection:
    """Read one of the files that the module docstring names, by its keys and sizes.

    Raises:
        WeightsError: ``weights_missing``, ``weights_damaged``, ``model_missing_key``, and as `selection_of`.
    """
    path = Path(path)
    if not is_mat(path):
        return selection_of(read_npy(path), TRIMMED, NO_NECK, origin=0, name=path.name)
    found: dict[str, Any] = read_mat(path, (), optional=tuple(_KEYS))
    for key, (source, target) in _KEYS.items():
        if key in found:
            return selection_of(found[key], source, target, origin=1, name=path.name)
    what = f"there is no {' or '.join(f'`{key}`' for key in _KEYS)}"
    raise WeightsError("model_missing_key", what, repr(str(path)), f"give one of {', '.join(_NAMES)}")


def is_selection(path: Path) -> bool:
    """Return whether a file has one of the names that this module knows."""
    return path.name.lower() in [name.lower() for name in _NAMES]
