"""Build a triangle mesh at several resolutions, with the operators that carry signals between them.

V vertices and F triangles of the finest mesh; V_l vertices at level l, level 0 the finest.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from headform.errors import InputError
from headform.mesh._upsampling import barycentric_embedding
from headform.mesh.decimate import Decimated, decimate
from headform.mesh.manifold import require_manifold
from headform.mesh.mesh_hierarchy import MeshHierarchy, topology_hash
from headform.mesh.scaled_laplacian import EdgeWeight, scaled_laplacian
from headform.mesh.simplify import simplify
from headform.mesh.topology import components

__all__ = ["FACTORS", "MeshHierarchy", "Rule", "build_hierarchy", "topology_hash"]

Rule = Literal["coma", "symmetric"]
"""How levels are made. ``coma``: the collapses of `mesh.decimate`. ``symmetric``: those of `mesh.simplify`, which keep the
surface manifold and its triangles well formed, and obey `keep` and `mirror`. Small parts: ``coma`` lets them die out as
their edges get cheap; ``symmetric`` gives up, whole, the components that are due fewer than 4 vertices, which is what they
have in the finest mesh over all factors so far."""

FACTORS = (4, 4, 4, 4)
"""Each level has one vertex for so many of the level above: what CoMA and Lin et al. use."""

_SOLID = 4  # vertices of the smallest closed surface


def build_hierarchy(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    factors: Sequence[int] = FACTORS,
    *,
    rule: Rule = "coma",
    keep: Bool[np.ndarray, " V"] | None = None,
    keep_levels: int | None = None,
    mirror: Int[np.ndarray, " V"] | None = None,
    edge_weight: EdgeWeight = "once",
) -> MeshHierarchy:
    """Coarsen a mesh level by level; every level aims at ceil(V_l / factor) vertices.

    Args:
        vertices: (V, 3) finite, any unit; they decide which vertices stay and how the others are embedded in them.
        faces: an oriented surface with or without boundary, see `require_manifold`.
        factors: one per coarser level, each at least 2; at least one.
        rule: see `Rule`.
        keep: vertices that stay, such as landmarks; `symmetric` only.
        keep_levels: at how many of the coarser levels `keep` holds, from the finest on; None: at all.
        mirror: partner of every vertex, -1 for none (such vertices stay); `symmetric` only. Levels and up-sampling are
            then their own mirror images, except that a vertex on the midline may be embedded in a triangle of one side.
        edge_weight: convention of the Laplacians.

    Returns:
        The levels. `symmetric` may stop above its aim where `keep`, `mirror` or the surface's form allow no further
        collapse: `counts` says where.

    Raises:
        InputError: see `require_manifold`; `mesh_not_finite`; `hierarchy_empty` when no triangle is left at a level;
            `hierarchy_keep` when more vertices must stay than a level is to have.
        ValueError: no factor or one below 2, another rule, `keep` or `mirror` with rule ``coma``, or a `mirror` that
            does not pair the vertices.
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule must be one of {get_args(Rule)}, got {rule!r}")
    if rule == "coma" and not (keep is None and mirror is None):
        raise ValueError("rule coma knows no vertices to keep and no mirror; use symmetric")
    if not factors or min(factors) < 2:
        raise ValueError(f"factors must be one or more, each at least 2, got {tuple(factors)}")
    if mirror is not None and not _is_mirror(mirror, len(vertices)):
        raise ValueError("mirror must pair the vertices: mirror[mirror[v]] == v, or -1 for none")
    if not np.isfinite(vertices).all():
        raise InputError("mesh_not_finite", "a position is not finite", "vertices")
    require_manifold(faces, len(vertices))
    points = np.ascontiguousarray(vertices, dtype=np.float64)
    levels = [np.ascontiguousarray(faces, dtype=np.int64)]
    part = components(levels[0], len(points))
    fair = np.bincount(part[np.unique(levels[0])], minlength=part.max() + 1).astype(np.float64)
    kept, up_vertices, up_weights, counts = [], [], [], [len(points)]
    for level, factor in enumerate(factors, start=1):
        target = -(-len(points) // factor)
        if keep_levels is not None and level > keep_levels:
            keep = None
        if keep is not None and keep.sum() > target:
            what = f"{keep.sum()} vertices must stay, but level {level} is to have {target}"
            raise InputError("hierarchy_keep", what, "keep", "keep fewer or build fewer levels")
        if rule == "coma":
            simplified = decimate(points, levels[-1], target)
        else:
            fair = fair / factor  # vertices that each component of the finest mesh is due
            simplified = _simplified(points, levels[-1], target, part, fair, keep, mirror)
        if not len(simplified.faces):
            what = f"no triangle is left at level {level}, which is to have {target} vertices"
            raise InputError("hierarchy_empty", what, "faces", "build fewer levels")
        parents, weights = barycentric_embedding(
            points, levels[-1], simplified.kept, simplified.faces, simplified.collapsed_to
        )
        if mirror is not None:
            partner = mirror[simplified.kept]
            coarse_mirror = np.where(partner >= 0, np.searchsorted(simplified.kept, partner), -1)
            left = np.flatnonzero(mirror > np.arange(len(mirror)))
            parents[mirror[left]], weights[mirror[left]] = (
                coarse_mirror[parents[left]],
                weights[left],
            )
            mirror = coarse_mirror
        keep = None if keep is None else keep[simplified.kept]
        points, part = points[simplified.kept], part[simplified.kept]
        levels.append(simplified.faces)
        kept.append(simplified.kept)
        up_vertices.append(parents)
        up_weights.append(weights)
        counts.append(len(points))
    laplacians = [scaled_laplacian(f, n, edge_weight=edge_weight) for f, n in zip(levels, counts, strict=True)]
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


def _is_mirror(mirror: Int[np.ndarray, " V"], count: int) -> bool:
    if not ((mirror >= -1) & (mirror < count)).all():
        return False
    paired = np.flatnonzero(mirror >= 0)
    return bool((mirror[mirror[paired]] == paired).all())


def _simplified(
    points: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    target: int,
    part: Int[np.ndarray, " V"],
    fair: Float[np.ndarray, " C"],
    keep: Bool[np.ndarray, " V"] | None,
    mirror: Int[np.ndarray, " V"] | None,
) -> Decimated:
    """`simplify` to `target` vertices of the parts that can be afforded, with the answer of `decimate`."""
    stays = np.zeros(len(points), bool) if keep is None else keep.copy()
    if mirror is not None:
        stays |= stays[mirror] & (mirror >= 0)
    afforded = _afforded(part[np.unique(faces)], fair, target) | np.isin(np.arange(len(fair)), part[stays])
    left = faces[afforded[part[faces[:, 0]]]]
    simplified = simplify(points[None], left, target, keep=stays, mirror=mirror, exact=True)
    place = np.full(len(points), -1, np.int64)
    place[simplified.vertices] = np.arange(len(simplified.vertices))
    return Decimated(
        kept=simplified.vertices,
        faces=simplified.faces,
        collapsed_to=place[simplified.collapsed_to],
    )


def _afforded(part: Int[np.ndarray, " U"], fair: Float[np.ndarray, " C"], target: int) -> Bool[np.ndarray, " C"]:
    """Which components go on: those due 4 vertices or more, the fewest of a closed surface.

    Smaller ones go on too where fewer than `target` vertices would be left without them and all that are smaller still.
    """
    sizes = np.bincount(part, minlength=len(fair))
    small = fair < _SOLID
    without = len(part) - np.array([sizes[small & (fair <= due)].sum() for due in fair])
    return ~(small & (without >= target))
