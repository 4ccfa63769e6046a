"""Build a triangle mesh at several resolutions, with the operators that carry signals between them.

V vertices and F triangles of the finest mesh; V_l vertices at level l, level 0 the finest.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from headform.errors import InputError, UsageError
from headform.geometry.array_checks import require_array, require_count, require_faces
from headform.mesh._upsampling import barycentric_embedding
from headform.mesh.decimation import Decimated, decimate
from headform.mesh.manifold import require_manifold
from headform.mesh.mesh_hierarchy import MeshHierarchy, topology_hash
from headform.mesh.scaled_laplacian import EdgeWeight, laplacian_of_level, require_edge_weight
from headform.mesh.simplification import require_mirror, simplify
from headform.mesh.surface_notes import warn_of_loose_parts
from headform.mesh.topology import components

__all__ = ["FACTORS", "MeshHierarchy", "Rule", "build_hierarchy", "topology_hash"]

Rule = Literal["coma", "symmetric"]
"""Rule of coarsening. ``coma``: the collapses of `mesh.decimate`. ``symmetric``: those of `mesh.simplify`, which keep the
surface manifold and its triangles well formed, and obey `keep` and `mirror`. Small parts: in ``coma`` they vanish as
their edges become cheap; ``symmetric`` drops whole components whose share is below 4 vertices, where the share is their
number of vertices in the finest mesh over all factors so far."""

FACTORS = (4, 4, 4, 4)
"""Ratio of vertices from each level to the next coarser one in CoMA and in Lin et al."""

_SOLID = 4  # vertices of the smallest closed surface


def build_hierarchy(
    vertices: Float[np.ndarray, "V 3"],
    faces: Integer[np.ndarray, "F 3"],
    factors: Sequence[int] = FACTORS,
    *,
    rule: Rule = "coma",
    keep: Bool[np.ndarray, " V"] | None = None,
    keep_levels: int | None = None,
    mirror: Integer[np.ndarray, " V"] | None = None,
    edge_weight: EdgeWeight = "once",
) -> MeshHierarchy:
    """Coarsen a mesh level by level; the target of every level is ceil(V_l / factor) vertices.

    Args:
        vertices: (V, 3) finite, any unit; positions decide which vertices stay and how the others are embedded.
        faces: an oriented surface with or without boundary, see `require_manifold`.
        factors: one per coarser level, each at least 2; at least one.
        rule: see `Rule`.
        keep: vertices that stay, such as landmarks; `symmetric` only.
        keep_levels: number of coarser levels at which `keep` holds, from the finest on; None: all.
        mirror: partner of every vertex, -1 for none (such vertices stay); `symmetric` only. Levels and up-sampling are
            then their own mirror images, except that a vertex on the midline may be embedded in a triangle of one side.
        edge_weight: convention of the Laplacians.

    Returns:
        The levels. `symmetric` may stop above its target where `keep`, `mirror` or the surface's form allow no further
        collapse: `counts` says where.

    Raises:
        InputError: see `require_manifold`; `mesh_not_finite`; `hierarchy_empty` when no triangle is left at a level;
            `hierarchy_keep` when more vertices must stay than a level is to have; `mesh_mirror` when `mirror` does not pair
            the vertices; for other arrays those of `geometry.array_checks`.
        UsageError: `hierarchy_options` for no factor or one below 2, another rule, `keep` or `mirror` with rule ``coma``;
            `edge_weight_unknown`.
    """
    factors = require_options(factors, rule, keep is None and mirror is None, edge_weight)
    if keep_levels is not None:
        require_count("keep_levels", keep_levels)
    points = np.ascontiguousarray(require_array("vertices", vertices, ("V", 3), finite=True), np.float64)
    require_manifold(faces, len(points))
    levels = [require_faces("faces", faces, len(points))]
    mirror = None if mirror is None else require_mirror(mirror, len(points))
    keep = None if keep is None else require_array("keep", keep, (len(points),), "bool")
    warn_of_loose_parts(levels[0], len(points))
    part = components(levels[0], len(points))
    share = np.bincount(part[np.unique(levels[0])], minlength=part.max() + 1).astype(np.float64)
    kept, up_vertices, up_weights, counts = [], [], [], [len(points)]
    for level, factor in enumerate(factors, start=1):
        target = -(-len(points) // factor)
        if keep_levels is not None and level > keep_levels:
            keep = None
        if keep is not None and keep.sum() > target:
            what = f"{keep.sum()} vertices to keep exceed the {target} vertices of level {level}"
            raise InputError("hierarchy_keep", what, "keep", "keep fewer or build fewer levels")
        if rule == "coma":
            simplified = decimate(points, levels[-1], target)
        else:
            share = share / factor  # of each component of the finest mesh in the target
            simplified = _simplified(points, levels[-1], target, part, share, keep, mirror)
        if not len(simplified.faces):
            what = f"no triangle is left at level {level}, whose target is {target} vertices"
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
    laplacians = [laplacian_of_level(f, n, edge_weight) for f, n in zip(levels, counts, strict=True)]
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


def require_options(factors: Sequence[int], rule: str, plain: bool, edge_weight: str) -> tuple[int, ...]:
    """Check the options of `build_hierarchy`; `plain` where neither `keep` nor `mirror` is given.

    Returns:
        The factors as plain integers.

    Raises:
        UsageError: `hierarchy_options`, `edge_weight_unknown`.
        InputError: `array_kind` for a factor that is no whole number.
    """
    require_edge_weight(edge_weight)
    if rule not in get_args(Rule):
        raise UsageError("hierarchy_options", f"rule must be one of {get_args(Rule)}, got {rule!r}")
    if rule == "coma" and not plain:
        raise UsageError("hierarchy_options", "rule `coma` supports neither keep nor mirror", "", "use `symmetric`")
    found = tuple(factors) if isinstance(factors, Sequence | np.ndarray) and not isinstance(factors, str) else ()
    found = tuple(require_count("factors", factor) for factor in found)
    if not found or min(found) < 2:
        raise UsageError("hierarchy_options", f"factors must be one or more, each at least 2, got {factors!r}")
    return found


def _simplified(
    points: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    target: int,
    part: Int[np.ndarray, " V"],
    share: Float[np.ndarray, " C"],
    keep: Bool[np.ndarray, " V"] | None,
    mirror: Int[np.ndarray, " V"] | None,
) -> Decimated:
    """Simplify the parts that stay to `target` vertices; the result has the form of `decimate`."""
    stays = np.zeros(len(points), bool) if keep is None else keep.copy()
    if mirror is not None:
        stays |= stays[mirror] & (mirror >= 0)
    stay = _surviving(part[np.unique(faces)], share, target) | np.isin(np.arange(len(share)), part[stays])
    left = faces[stay[part[faces[:, 0]]]]
    simplified = simplify(points[None], left, target, keep=stays, mirror=mirror, exact=True)
    place = np.full(len(points), -1, np.int64)
    place[simplified.vertices] = np.arange(len(simplified.vertices))
    return Decimated(
        kept=simplified.vertices,
        faces=simplified.faces,
        collapsed_to=place[simplified.collapsed_to],
    )


def _surviving(part: Int[np.ndarray, " U"], share: Float[np.ndarray, " C"], target: int) -> Bool[np.ndarray, " C"]:
    """Select the components that stay: those whose share is 4 vertices or more, the fewest of a closed surface.

    Smaller ones stay too where fewer than `target` vertices would be left without them and all even smaller ones.
    """
    sizes = np.bincount(part, minlength=len(share))
    small = share < _SOLID
    without = len(part) - np.array([sizes[small & (share <= due)].sum() for due in share])
    return ~(small & (without >= target))
