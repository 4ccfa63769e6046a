"""A triangle mesh at several resolutions, with the operators that carry signals between them.

L coarser levels, so L + 1 meshes; V_l vertices and F_l triangles at level l, level 0 the finest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from headform.errors import InputError
from headform.mesh.decimate import Decimated, decimate
from headform.mesh.manifold import require_manifold
from headform.mesh.scaled_laplacian import EdgeWeight, scaled_laplacian
from headform.mesh.simplify import simplify
from headform.mesh.upsampling import hang

Rule = Literal["coma", "symmetric"]
"""How levels are made. ``coma``: the collapses of `mesh.decimate`. ``symmetric``: those of `mesh.simplify`, which keep the
surface manifold and its triangles well formed, let no component vanish, and obey `keep` and `mirror`."""

FACTORS = (4, 4, 4, 4)
"""Each level has one vertex for so many of the level above: what CoMA and Lin et al. use."""


@dataclass(frozen=True, eq=False)
class MeshHierarchy:
    """Meshes from fine to coarse over subsets of one mesh's vertices.

    Down-sampling D picks rows: ``coarse = fine[kept[l]]``. Up-sampling U is a weighted sum of three coarse rows:
    ``fine = (coarse[up_vertices[l]] * up_weights[l][..., None]).sum(-2)``, and D U = I.

    Attributes:
        faces: L + 1 arrays (F_l, 3) int64.
        kept: L arrays (V_{l+1},) int64, ascending indices into level l.
        up_vertices: L arrays (V_l, 3) int64, indices into level l + 1.
        up_weights: L arrays (V_l, 3) float64, >= 0, rows sum to 1.
        laplacians: L + 1 matrices (V_l, V_l) float64, see `mesh.scaled_laplacian`.
        counts: V_0 ... V_L.
        edge_weight: the convention of the Laplacians.
        topology: SHA-256 of level 0, see `topology_hash`.
    """

    faces: tuple[Int[np.ndarray, "F 3"], ...]
    kept: tuple[Int[np.ndarray, " W"], ...]
    up_vertices: tuple[Int[np.ndarray, "V 3"], ...]
    up_weights: tuple[Float[np.ndarray, "V 3"], ...]
    laplacians: tuple[csr_matrix, ...]
    counts: tuple[int, ...]
    edge_weight: EdgeWeight
    topology: str


def topology_hash(faces: Int[np.ndarray, "F 3"], count: int) -> str:
    """SHA-256, in hexadecimal, of the vertex count and the triangles as little-endian 64-bit integers."""
    head = np.array([count, len(faces)], "<i8").tobytes()
    return hashlib.sha256(head + np.ascontiguousarray(faces, "<i8").tobytes()).hexdigest()


def build_hierarchy(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    factors: Sequence[int] = FACTORS,
    *,
    rule: Rule = "coma",
    keep: Bool[np.ndarray, " V"] | None = None,
    mirror: Int[np.ndarray, " V"] | None = None,
    edge_weight: EdgeWeight = "once",
) -> MeshHierarchy:
    """Coarsen a mesh level by level; every level aims at ceil(V_l / factor) vertices.

    Args:
        vertices: (V, 3) finite, any unit; they decide which vertices stay and how the others hang on them.
        faces: an oriented surface with or without boundary, see `require_manifold`.
        factors: one per coarser level, each at least 2.
        rule: see `Rule`.
        keep: vertices that stay at every level; `symmetric` only.
        mirror: partner of every vertex, -1 for none (such vertices stay); `symmetric` only.
        edge_weight: convention of the Laplacians.

    Returns:
        The levels. `symmetric` may stop above its aim where `keep`, `mirror` or the surface's form allow no further
        collapse: `counts` says where.

    Raises:
        InputError: see `require_manifold`; `mesh_not_finite`; `hierarchy_empty` when no triangle is left at a level;
            `hierarchy_keep` when more vertices must stay than a level is to have.
        ValueError: a factor below 2, another rule, or `keep` or `mirror` with rule ``coma``.
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule must be one of {get_args(Rule)}, got {rule!r}")
    if rule == "coma" and not (keep is None and mirror is None):
        raise ValueError("rule coma knows no vertices to keep and no mirror; use symmetric")
    if any(factor < 2 for factor in factors):
        raise ValueError(f"factors must be at least 2, got {tuple(factors)}")
    if not np.isfinite(vertices).all():
        raise InputError("mesh_not_finite", "a position is not finite", "vertices")
    require_manifold(faces, len(vertices))
    points = np.ascontiguousarray(vertices, dtype=np.float64)
    levels = [np.ascontiguousarray(faces, dtype=np.int64)]
    kept, up_vertices, up_weights, counts = [], [], [], [len(points)]
    for level, factor in enumerate(factors, start=1):
        target = -(-len(points) // factor)
        if keep is not None and keep.sum() > target:
            what = f"{keep.sum()} vertices must stay, but level {level} is to have {target}"
            raise InputError("hierarchy_keep", what, "keep", "keep fewer or build fewer levels")
        if rule == "coma":
            less = decimate(points, levels[-1], target)
        else:
            less = _simplified(points, levels[-1], target, keep, mirror)
        if not len(less.faces):
            what = f"no triangle is left at level {level}, which is to have {target} vertices"
            raise InputError("hierarchy_empty", what, "faces", "build fewer levels")
        hung, weights = hang(points, levels[-1], less.kept, less.faces, less.went)
        if mirror is not None:
            partner = mirror[less.kept]
            mirror = np.where(partner >= 0, np.searchsorted(less.kept, partner), -1)
        keep = None if keep is None else keep[less.kept]
        points = points[less.kept]
        levels.append(less.faces)
        kept.append(less.kept)
        up_vertices.append(hung)
        up_weights.append(weights)
        counts.append(len(points))
    laplacians = [
        scaled_laplacian(f, n, edge_weight=edge_weight) for f, n in zip(levels, counts, strict=True)
    ]
    return MeshHierarchy(
        faces=tuple(levels),
        kept=tuple(kept),
        up_vertices=tuple(up_vertices),
        up_weights=tuple(up_weights),
        laplacians=tuple(laplacians),
        counts=tuple(counts),
        edge_weight=edge_weight,
        topology=topology_hash(levels[0], counts[0]),
    )


def _simplified(
    points: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    target: int,
    keep: Bool[np.ndarray, " V"] | None,
    mirror: Int[np.ndarray, " V"] | None,
) -> Decimated:
    """`simplify` with the answer of `decimate`."""
    less = simplify(points[None], faces, target, keep=keep, mirror=mirror, exact=True)
    place = np.full(len(points), -1, np.int64)
    place[less.vertices] = np.arange(len(less.vertices))
    return Decimated(kept=less.vertices, faces=less.faces, went=place[less.went])
