"""A mesh hierarchy as one safetensors file, and a cache folder of those that were built.

V vertices, F triangles.

    counts, edge_weight, faces.l, kept.l, up_vertices.l, up_weights.l   see `MeshHierarchy.to_tensors`; weights float64
    sha256                                                             (32,) uint8, digest of all other tensors

What is read back equals what was written, bit by bit.
"""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
from jaxtyping import Bool, Float, Integer

from headform.errors import HeadformError, WeightsError
from headform.geometry.array_checks import require_array, require_faces
from headform.io.atomic import write_bytes
from headform.io.file_bytes import read_bytes
from headform.io.safetensors_bytes import load_arrays
from headform.kernels.cache_places import cache_root
from headform.mesh.hierarchy import FACTORS, Rule, build_hierarchy, require_options
from headform.mesh.mesh_hierarchy import MeshHierarchy, topology_hash
from headform.mesh.scaled_laplacian import EdgeWeight
from headform.mesh.simplification import require_mirror

_ALGORITHM = 1  # increase it with any change of the result of `build_hierarchy`, so that cached files are rebuilt
_DIGEST = "sha256"


def save_hierarchy(path: str | Path, hierarchy: MeshHierarchy) -> None:
    """Write a hierarchy, whole or not at all; the same hierarchy gives the same bytes.

    Raises:
        ResourceError: `write_failed`.
    """
    tensors = hierarchy.to_tensors(np.float64)
    data = safetensors.numpy.save(tensors | {_DIGEST: _digest(tensors)})
    write_bytes(Path(path), data)


def load_hierarchy(path: str | Path) -> MeshHierarchy:
    """Read what `save_hierarchy` wrote.

    Raises:
        WeightsError: `weights_missing` when there is no such file; `hierarchy_damaged` when it is no such file of ours,
            cut, or changed.
    """
    data = read_bytes(path)
    try:
        tensors, _ = load_arrays(data)
    except ValueError as error:
        raise _damaged(path, f"{error}"[:200]) from error
    digest = tensors.pop(_DIGEST, None)
    if digest is None or not np.array_equal(digest, _digest(tensors)):
        raise _damaged(path, "the content does not match its digest")
    try:
        return MeshHierarchy.from_tensors(tensors)
    except WeightsError as error:
        raise _damaged(path, error.message) from error


def cached_hierarchy(
    vertices: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    factors: Sequence[int] = FACTORS,
    *,
    rule: Rule = "coma",
    keep: Bool[np.ndarray, " V"] | None = None,
    keep_levels: int | None = None,
    mirror: Integer[np.ndarray, " V"] | None = None,
    edge_weight: EdgeWeight = "once",
    folder: str | Path | None = None,
) -> MeshHierarchy:
    """Build a hierarchy, or load it from the cache on disk.

    Files are named by the SHA-256 of everything the result depends on, so none is ever out of date; a damaged one is
    rebuilt and replaced. Processes may run at once, since files are written atomically. A folder that cannot be
    written is no error, the hierarchy is then built every time.

    Args:
        vertices: this and all that follow as for `build_hierarchy`.
        faces: triangles.
        factors: one per coarser level.
        rule: rule of coarsening.
        keep: vertices that stay.
        keep_levels: number of levels at which they stay.
        mirror: partner of every vertex.
        edge_weight: convention of the Laplacians.
        folder: cache folder; None: `headform.kernels.cache_places.cache_root`.

    Raises:
        InputError, UsageError: see `build_hierarchy`.
    """
    factors = require_options(factors, rule, keep is None and mirror is None, edge_weight)
    vertices = require_array("vertices", vertices, ("V", 3), finite=True)
    faces = require_faces("faces", faces, len(vertices))
    keep = None if keep is None else require_array("keep", keep, (len(vertices),), "bool")
    mirror = None if mirror is None else require_mirror(mirror, len(vertices))
    options = repr((_ALGORITHM, tuple(factors), rule, keep_levels, edge_weight))
    key = hashlib.sha256(f"{options} {topology_hash(faces, len(vertices))}".encode())
    key.update(np.ascontiguousarray(vertices, "<f8").tobytes())
    for array, dtype in ((keep, "u1"), (mirror, "<i8")):
        key.update(b"none" if array is None else b"some" + array.astype(dtype).tobytes())
    where = cache_root() if folder is None else Path(folder)
    path = None if where is None else where / f"hierarchy-{key.hexdigest()[:32]}.safetensors"
    if path is not None:
        with contextlib.suppress(WeightsError):
            return load_hierarchy(path)
    built = build_hierarchy(
        vertices,
        faces,
        factors,
        rule=rule,
        keep=keep,
        keep_levels=keep_levels,
        mirror=mirror,
        edge_weight=edge_weight,
    )
    if path is not None:
        with contextlib.suppress(OSError, HeadformError):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_hierarchy(path, built)
    return built


def _digest(tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    total = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name]
        total.update(f"{name} {array.dtype.str} {array.shape} ".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(total.digest(), np.uint8)


def _damaged(path: str | Path, what: str) -> WeightsError:
    return WeightsError("hierarchy_damaged", what, repr(str(path)), "build the hierarchy again")
