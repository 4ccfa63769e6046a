"""Data structure of a triangle mesh at several resolutions, and its conversion to plain arrays for files.

L coarser levels, so L + 1 meshes; V_l vertices and F_l triangles at level l, level 0 the finest; W = V_{l+1}.

`mesh.hierarchy` builds one, `mesh.hierarchy_file` writes and reads it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix

from headform.errors import WeightsError
from headform.mesh.scaled_laplacian import EdgeWeight, laplacian_of_level

_SUM = 1e-6  # tolerance of the sum of a row of single-precision weights


@dataclass(frozen=True, eq=False)
class MeshHierarchy:
    """Meshes from fine to coarse over subsets of one mesh's vertices.

    Down-sampling D picks rows: ``coarse = fine[kept[l]]``. Up-sampling U is a weighted sum of three coarse rows:
    ``fine = (coarse[up_vertices[l]] * up_weights[l][..., None]).sum(-2)``, and D U = I.

    Attributes:
        faces: L + 1 arrays (F_l, 3) int64.
        kept: L arrays (V_{l+1},) int64, ascending indices into level l.
        up_vertices: L arrays (V_l, 3) int64, indices into level l + 1; a kept vertex has itself three times.
        up_weights: L arrays (V_l, 3) float64, >= 0, rows sum to 1; a kept vertex has 1, 0, 0.
        laplacians: L + 1 matrices (V_l, V_l) float64, see `mesh.scaled_laplacian`.
        counts: numbers of vertices V_0 ... V_L.
        edge_weight: the convention of the Laplacians.
        topology: SHA-256 of level 0, see `topology_hash`.
    """

    faces: tuple[Int[np.ndarray, "_ 3"], ...]
    kept: tuple[Int[np.ndarray, " _"], ...]
    up_vertices: tuple[Int[np.ndarray, "_ 3"], ...]
    up_weights: tuple[Float[np.ndarray, "_ 3"], ...]
    laplacians: tuple[csr_matrix, ...]
    counts: tuple[int, ...]
    edge_weight: EdgeWeight
    topology: str

    def to_tensors(self, weights: npt.DTypeLike = np.float32) -> dict[str, np.ndarray]:
        """Convert to arrays; the Laplacians and the hash, which follow from the rest, are left out.

        Args:
            weights: dtype of the up-sampling weights; float64 loses nothing.

        Returns:
            ``counts`` (L + 1,) int32, ``edge_weight`` (1,) uint8 (0 once, 1 per_triangle), and for each level ``faces.l``,
            ``kept.l``, ``up_vertices.l`` int32 and ``up_weights.l``.
        """
        tensors: dict[str, np.ndarray] = {
            "counts": np.array(self.counts, np.int32),
            "edge_weight": np.array([get_args(EdgeWeight).index(self.edge_weight)], np.uint8),
        }
        for name in ("faces", "kept", "up_vertices"):
            for level, array in enumerate(getattr(self, name)):
                tensors[f"{name}.{level}"] = array.astype(np.int32)
        for level, array in enumerate(self.up_weights):
            tensors[f"up_weights.{level}"] = array.astype(weights)
        return tensors

    @staticmethod
    def from_tensors(tensors: Mapping[str, Any]) -> "MeshHierarchy":
        """Build the hierarchy from the arrays of `to_tensors`; every value is checked.

        Args:
            tensors: numpy arrays or what `numpy.asarray` makes some of; any integer and floating dtypes. Weights are
                taken as they are: rows of single precision sum to 1 within 1e-6.

        Raises:
            WeightsError: `hierarchy_damaged`, naming the first tensor that is missing, unexpected or wrong.
        """
        arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
        counts, edge_weight = _head(arrays)
        levels = range(len(counts) - 1)
        expected = {f"{name}.{i}" for name in ("kept", "up_vertices", "up_weights") for i in levels}
        expected |= {f"faces.{i}" for i in range(len(counts))} | {"counts", "edge_weight"}
        for name in sorted(expected ^ arrays.keys()):
            _require(False, name, "is missing" if name in expected else "is not expected")
        faces = tuple(_indices(arrays, f"faces.{i}", (None, 3), n) for i, n in enumerate(counts))
        kept, up_vertices, up_weights = [], [], []
        for i in levels:
            fine, coarse = counts[i], counts[i + 1]
            kept.append(_indices(arrays, f"kept.{i}", (coarse,), fine))
            _require(bool((np.diff(kept[i]) > 0).all()), f"kept.{i}", "is not ascending")
            up_vertices.append(_indices(arrays, f"up_vertices.{i}", (fine, 3), coarse))
            up_weights.append(_weights(arrays, f"up_weights.{i}", fine))
            own = up_vertices[i][kept[i]] == np.arange(coarse)[:, None]
            alone = own.all() and (up_weights[i][kept[i]] == [1.0, 0.0, 0.0]).all()
            _require(bool(alone), f"up_weights.{i}", "moves a vertex that is kept")
        return MeshHierarchy(
            faces=faces,
            kept=tuple(kept),
            up_vertices=tuple(up_vertices),
            up_weights=tuple(up_weights),
            laplacians=tuple(laplacian_of_level(f, n, edge_weight) for f, n in zip(faces, counts, strict=True)),
            counts=counts,
            edge_weight=edge_weight,
            topology=topology_hash(faces[0], counts[0]),
        )


def topology_hash(faces: Int[np.ndarray, "F 3"], count: int) -> str:
    """SHA-256, in hexadecimal, of the vertex count, the triangle count and the triangles as little-endian int64."""
    head = np.array([count, len(faces)], "<i8").tobytes()
    return hashlib.sha256(head + np.ascontiguousarray(faces, "<i8").tobytes()).hexdigest()


def _require(good: bool, name: str, what: str) -> None:
    if not good:
        raise WeightsError("hierarchy_damaged", f"{name} {what}", "mesh hierarchy", "build the hierarchy again")


def _head(arrays: Mapping[str, np.ndarray]) -> tuple[tuple[int, ...], EdgeWeight]:
    for name in ("counts", "edge_weight"):
        _require(name in arrays, name, "is missing")
    counts, which, known = arrays["counts"], arrays["edge_weight"], get_args(EdgeWeight)
    good = counts.ndim == 1 and len(counts) > 1 and np.issubdtype(counts.dtype, np.integer)
    _require(bool(good and (counts > 0).all()), "counts", "must be a list of two or more sizes")
    good = which.shape == (1,) and np.issubdtype(which.dtype, np.integer)
    _require(bool(good and 0 <= which[0] < len(known)), "edge_weight", "is an unknown convention")
    return tuple(counts.tolist()), known[int(which[0])]


def _indices(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int | None, ...], bound: int) -> np.ndarray:
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    _require(fits, name, f"has shape {array.shape}")
    _require(bool(np.issubdtype(array.dtype, np.integer)), name, f"holds {array.dtype}")
    _require(array.size > 0, name, "is empty")
    inside = array.min() >= 0 and array.max() < bound
    _require(bool(inside), name, f"has an index outside 0 to {bound - 1}")
    return array.astype(np.int64)


def _weights(arrays: Mapping[str, np.ndarray], name: str, count: int) -> np.ndarray:
    array = arrays[name]
    _require(array.shape == (count, 3), name, f"has shape {array.shape}")
    _require(bool(np.issubdtype(array.dtype, np.floating)), name, f"holds {array.dtype}")
    wide = array.astype(np.float64)
    good = np.isfinite(wide).all() and (wide >= 0).all() and (np.abs(wide.sum(1) - 1) <= _SUM).all()
    _require(bool(good), name, "has rows that are not barycentric weights")
    return wide
