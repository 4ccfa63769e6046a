"""Hair, lashes, hats, shoulders and a shirt of MakeHuman, carried to the open head and bound to it.

W vertices of a piece, F triangles. Meters, mean open head, but for MakeHuman's own decimeters.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.spatial
from jaxtyping import Float64, Int64

from tools.appearance.alignment import Alignment
from tools.appearance.binding import LASH_SHARES, Binder, Binding
from tools.appearance.makehuman import PolygonMesh, components, fitted_vertices, read_obj, split_at_seams

_TORSO_LOW_M, _TORSO_HIGH_M, _TORSO_HALF_WIDTH_M = -0.46, -0.085, 0.27
_UNDER_M = 0.004
"""Depth of the shoulders under the head's own neck."""
_CLOTH_M = 0.003
_LASH_BINS = 12
_EVENING = 12  # rounds
_ROOT_M = 0.0007
"""Lashes' vertices so near to the rim are roots."""


@dataclass(frozen=True)
class FittedPiece:
    """Piece on the mean head; `root` is where each vertex of lashes grows, a number of a vertex."""

    position: Float64[np.ndarray, "W 3"]
    uv: Float64[np.ndarray, "W 2"]
    faces: Int64[np.ndarray, "F 3"]
    binding: Binding
    root: Int64[np.ndarray, " W"] | None = None


def hair(folder: Path, base: PolygonMesh, alignment: Alignment, binder: Binder) -> FittedPiece:
    """Carry a hair style; nothing of it is inside the skull."""
    mesh, points = _on_body(_mesh_file(folder), base)
    return _finished(mesh, binder.outside(alignment.carry(points)), binder)


def hat(path: Path, base: PolygonMesh, alignment: Alignment, binder: Binder) -> FittedPiece:
    """Carry a hat; it stays clear of the skull by a few millimeters."""
    mesh, points = _on_body(path, base)
    return _finished(mesh, binder.outside(alignment.carry(points), 0.006), binder)


def lashes(folder: Path, base: PolygonMesh, alignment: Alignment, binder: Binder) -> FittedPiece:
    """Carry lashes; their roots are put onto the outer edges of the open head's lids."""
    mesh, points = _on_body(_mesh_file(folder), base)
    carried = alignment.carry(points)
    anchor, weight = np.zeros((len(carried), LASH_SHARES), np.int64), np.zeros((len(carried), LASH_SHARES))
    component, root = components(mesh.faces, len(carried)), np.arange(len(carried))
    for each in range(component.max() + 1):
        own = np.flatnonzero(component == each)
        side = "left" if carried[own, 0].mean() > 0 else "right"
        upper, lower = (binder.mean[binder.lids[side][k]] for k in (0, 1))
        is_upper = carried[own, 1].mean() > (upper[:, 1].mean() + lower[:, 1].mean()) / 2
        carried[own] = _rooted(carried[own], upper if is_upper else lower)
        root[own] = _roots(carried, mesh.faces, own, upper if is_upper else lower)
        even = _evened(carried[root], mesh.faces, len(carried))[own]
        bound = binder.lash(carried[own], even, side, bool(is_upper))
        anchor[own], weight[own] = bound.anchor, bound.weight
    source, uv, faces = split_at_seams(mesh)
    first = np.unique(source, return_index=True)[1]  # of the vertices that a seam has split
    place = np.zeros(len(carried), np.int64)
    place[source[first]] = first
    return FittedPiece(carried[source], uv, faces, Binding(anchor[source], weight[source]), place[root[source]])


def shoulders(base: PolygonMesh, alignment: Alignment, binder: Binder, group: str) -> FittedPiece:
    """Carry neck, shoulders and chest (group ``body``), or the tights over them; under the neck of the open head."""
    part = base.part(group)
    carried = alignment.carry(base.vertices)
    corners = carried[part.faces]
    near = (corners[..., 1] > _TORSO_LOW_M) & (np.abs(corners[..., 0]) < _TORSO_HALF_WIDTH_M)
    if group == "body":
        near &= corners[..., 1] < _TORSO_HIGH_M
    kept = near.all(1)
    mesh = PolygonMesh(carried, part.faces[kept], part.uv, part.uv_faces[kept], part.group[kept])
    if group != "body":
        return _finished(mesh, binder.outside(carried, _CLOTH_M), binder)
    found = binder.surface.closest(carried)
    height = ((carried - found.positions) * found.normals).sum(1)
    high = (height > -_UNDER_M) & (found.distance < 0.02) & ~found.at_border
    return _finished(mesh, carried - found.normals * np.where(high, height + _UNDER_M, 0)[:, None], binder)


def _mesh_file(folder: Path) -> Path:
    return folder / f"{folder.name}.obj"


def _on_body(path: Path, base: PolygonMesh) -> tuple[PolygonMesh, Float64[np.ndarray, "W 3"]]:
    return read_obj(path), fitted_vertices(path.with_suffix(".mhclo"), base.vertices)


def _finished(mesh: PolygonMesh, position: Float64[np.ndarray, "W 3"], binder: Binder) -> FittedPiece:
    source, uv, faces = split_at_seams(mesh)
    return FittedPiece(position[source], uv, faces, binder.soft(position[source]))


def _rooted(points: Float64[np.ndarray, "W 3"], rim: Float64[np.ndarray, "R 3"]) -> Float64[np.ndarray, "W 3"]:
    """Move lashes so that the nearest of each stretch of the rim touch it."""
    dense = np.stack(
        [np.interp(np.linspace(0, len(rim) - 1, 400), np.arange(len(rim)), rim[:, k]) for k in range(3)], 1
    )
    gap = np.linalg.norm(points[:, None] - dense[None], axis=2)
    near, distance = gap.argmin(1), gap.min(1)
    place = near / (len(dense) - 1)
    rows, shifts = [], []
    for k in range(_LASH_BINS):
        own = np.flatnonzero((place * _LASH_BINS).astype(int).clip(max=_LASH_BINS - 1) == k)
        if len(own):
            root = own[distance[own].argmin()]
            rows.append(place[root])
            shifts.append(dense[near[root]] - points[root])
    degree = min(3, len(rows) - 1)
    fit = np.polynomial.polynomial.polyfit(np.array(rows), np.array(shifts), degree)
    return points + np.polynomial.polynomial.polyval(place, fit).T


def _roots(
    points: Float64[np.ndarray, "N 3"],
    faces: Int64[np.ndarray, "F 3"],
    own: Int64[np.ndarray, " W"],
    rim: Float64[np.ndarray, "R 3"],
) -> Int64[np.ndarray, " W"]:
    """Find where each vertex of one lid's lashes grows: the root that is nearest along the mesh."""
    dense = np.stack(
        [np.interp(np.linspace(0, len(rim) - 1, 400), np.arange(len(rim)), rim[:, k]) for k in range(3)], 1
    )
    a, b = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    length = np.linalg.norm(points[a] - points[b], axis=1) + 1e-9
    graph = scipy.sparse.csr_matrix((length, (a, b)), shape=(len(points), len(points)))
    gap = scipy.spatial.cKDTree(dense).query(points[own])[0]
    start = own[gap <= max(_ROOT_M, float(np.quantile(gap, 0.1)))]
    _, _, source = scipy.sparse.csgraph.dijkstra(
        graph, directed=False, indices=start, min_only=True, return_predecessors=True
    )
    return np.where(source[own] < 0, own, source[own])


def _evened(
    values: Float64[np.ndarray, "N 3"], faces: Int64[np.ndarray, "F 3"], count: int
) -> Float64[np.ndarray, "N 3"]:
    """Average over the neighbors, a few times."""
    a, b = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    graph = scipy.sparse.csr_matrix((np.ones(2 * len(a)), (np.r_[a, b], np.r_[b, a])), shape=(count, count))
    graph.data[:] = 1.0
    share = scipy.sparse.diags(1 / np.maximum(np.asarray(graph.sum(1)).ravel(), 1)) @ graph
    for _ in range(_EVENING):
        values = 0.5 * values + 0.5 * (share @ values)
    return values
