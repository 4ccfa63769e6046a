"""Simplify a triangle mesh to a subset of its own vertices, for several shapes of it at once.

V vertices, F triangles, T texture vertices, S shapes, W vertices and G triangles left.

Quadric edge collapse (Garland and Heckbert, 1997) with subset placement as in CoMA (Ranjan et al., "Generating 3D
faces using convolutional mesh autoencoders", 2018): an edge costs the lesser value of the two summed quadrics at its
ends, that end stays, and edges are taken in order of cost. Different from CoMA: planes may be weighted by area, the
price is summed over several shapes of the same mesh, boundaries and texture seams are kept, triangles do not fold over.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Integer

from headform.errors import InputError, UsageError
from headform.geometry.array_checks import (
    kernel_array,
    require_array,
    require_count,
    require_faces,
    require_indices,
    require_number,
    require_some,
)
from headform.mesh._collapse import collapse
from headform.mesh._quadric import plane_quadric
from headform.mesh.topology import edges

_BOUNDARY = 10.0  # weight of the planes that hold boundary edges, per area


@dataclass(frozen=True)
class Simplified:
    """A simplified mesh.

    Attributes:
        vertices: (W,) the vertices that stay, ascending.
        faces: (G, 3) triangles over those W.
        uv_faces: (G, 3) texture corners, with input indices; None where there were none.
        collapsed_to: (V,) input index of the vertex that each was collapsed onto; itself where it stays.
    """

    vertices: Int[np.ndarray, " W"]
    faces: Int[np.ndarray, "G 3"]
    uv_faces: Int[np.ndarray, "G 3"] | None
    collapsed_to: Int[np.ndarray, " V"]


def simplify(
    shapes: Float[np.ndarray, "S V 3"],
    faces: Integer[np.ndarray, "F 3"],
    target: int,
    *,
    keep: Bool[np.ndarray, " V"] | None = None,
    mirror: Integer[np.ndarray, " V"] | None = None,
    weight: Float[np.ndarray, " V"] | None = None,
    uv: Float[np.ndarray, "T 2"] | None = None,
    uv_faces: Integer[np.ndarray, "F 3"] | None = None,
    spread: float = 1e-3,
    by_area: bool = True,
    exact: bool = False,
) -> Simplified:
    """Collapse edges until `target` vertices are left, or until no further collapse is allowed.

    Args:
        shapes: positions; the first shape is the one whose triangles must stay well formed.
        faces: counter-clockwise from outside.
        target: number of vertices to keep; with `mirror` two are removed at a time, so one fewer may be left (see `exact`).
        keep: vertices that must stay.
        mirror: partner of every vertex, -1 for vertices without one, which then stay. A collapse is made together
            with its mirror image or not at all.
        weight: importance of the surface around each vertex, 1 by default.
        uv: texture coordinates; every texture triangle must have positive area.
        uv_faces: texture corners. Seams keep their ends and forks; a seam vertex moves only along its seam.
        spread: weight of the squared length of a collapse against the squared distance from the planes.
        by_area: weight each triangle's plane by its area; False is CoMA's choice.
        exact: never leave fewer than `target` vertices: remove a pair only where two may be removed.

    Returns:
        The vertices that stay and the triangles between them.

    Raises:
        InputError: `mesh_index`, `mesh_empty`, `mesh_not_finite`, `array_value`, and for other arrays those of
            `geometry.array_checks`; `mesh_degenerate` for a triangle that names a vertex twice; `mesh_not_manifold` for an
            edge with more than two triangles; `mesh_mirror` for partners that do not pair the vertices.
        UsageError: `texture_half` for `uv` without `uv_faces` or the other way round.
    """
    if (uv is None) != (uv_faces is None):
        raise UsageError("texture_half", "uv and uv_faces must be given together")
    shapes = require_array("shapes", shapes, ("S", "V", 3), finite=True)
    require_some("shapes", len(shapes))
    count = shapes.shape[1]
    require_some("vertices", count)
    faces, target = require_faces("faces", faces, count), require_count("target", target)
    spread = require_number("spread", spread)
    _require_surface(faces)
    pairs, uses = edges(faces)
    if len(uses) and uses.max() > 2:
        what = f"{int((uses > 2).sum())} edges belong to more than two triangles"
        raise InputError("mesh_not_manifold", what, "faces", "split the mesh there or remove the extra triangles")
    points = kernel_array(shapes.transpose(1, 0, 2), np.float64)
    importance = np.ones(count) if weight is None else require_array("weight", weight, (count,), finite=True)
    quadrics, mass = _quadrics(points, faces, pairs[uses == 1], importance, by_area)
    stays = np.zeros(count, np.bool_) if keep is None else require_array("keep", keep, (count,), "bool").copy()
    texture, corners = np.zeros((0, 2)), np.zeros_like(faces)
    if uv is not None:
        texture = require_array("uv", uv, ("T", 2), finite=True)
        corners = require_indices("uv_faces", uv_faces, faces.shape, len(texture), of="texture vertices")
    new_faces, new_corners = np.array(faces, np.int64), np.array(corners, np.int64)
    alive, collapsed_to = collapse(
        new_faces,
        new_corners,
        points,
        quadrics,
        mass,
        kernel_array(texture, np.float64),
        stays,
        np.zeros(0, np.int64) if mirror is None else require_mirror(mirror, count),
        target,
        spread,
        exact,
    )
    while (collapsed_to[collapsed_to] != collapsed_to).any():
        collapsed_to = collapsed_to[collapsed_to]
    left = np.unique(new_faces[alive])
    return Simplified(
        vertices=left,
        faces=np.searchsorted(left, new_faces[alive]),
        uv_faces=None if uv is None else new_corners[alive],
        collapsed_to=collapsed_to,
    )


def require_mirror(mirror: Integer[np.ndarray, " V"], count: int) -> Int[np.ndarray, " V"]:
    """Check that partners pair `count` vertices, ``mirror[mirror[v]] == v``, or are -1 for none; return them as int64.

    Raises:
        InputError: `mesh_mirror`, `mesh_index`, and for other arrays those of `geometry.array_checks`.
    """
    partner = require_indices("mirror", mirror, (count,), count, least=-1)
    paired = np.flatnonzero(partner >= 0)
    wrong = paired[partner[partner[paired]] != paired]
    if len(wrong):
        what = f"mirror must pair the vertices: vertex {wrong[0]} has the partner {partner[wrong[0]]}, but not in turn"
        raise InputError("mesh_mirror", what, "mirror", "make mirror[mirror[v]] == v, or -1 for none")
    return partner


def _require_surface(faces: Int[np.ndarray, "F 3"]) -> None:
    """Refuse triangles that name a vertex twice: the collapses count the triangles around a vertex."""
    flat = (faces == np.roll(faces, 1, axis=1)).any(axis=1)
    if flat.any():
        what = f"{int(flat.sum())} triangles name a vertex twice, the first is triangle {int(np.argmax(flat))}"
        raise InputError("mesh_degenerate", what, "faces", "remove them")


def _quadrics(
    points: Float[np.ndarray, "V S 3"],
    faces: Int[np.ndarray, "F 3"],
    boundary: Int[np.ndarray, "B 2"],
    importance: Float[np.ndarray, " V"],
    by_area: bool,
) -> tuple[Float[np.ndarray, "V S 10"], Float[np.ndarray, " V"]]:
    """Sum plane quadrics per vertex and shape, boundary planes included, and the area around each vertex."""
    count, shapes = points.shape[:2]
    quadrics = np.zeros((count, shapes, 10))
    mass = np.zeros(count)
    a, b, c = (points[faces[:, k]] for k in range(3))  # (F, S, 3)
    normal = np.cross(b - a, c - a)
    doubled = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = normal / np.maximum(doubled, 1e-30)
    area = doubled[..., 0] / 2 if by_area else np.ones(doubled.shape[:2])
    area = area * importance[faces].mean(1)[:, None]
    planes = plane_quadric(normal, a) * area[..., None]
    for k in range(3):
        np.add.at(quadrics, faces[:, k], planes)
        np.add.at(mass, faces[:, k], area[:, 0] / 3)
    if len(boundary):
        owner = {tuple(sorted((int(f[k]), int(f[(k + 1) % 3])))): i for i, f in enumerate(faces) for k in range(3)}
        face = np.array([owner[int(p), int(q)] for p, q in boundary])
        p, q = points[boundary[:, 0]], points[boundary[:, 1]]
        side = np.cross(q - p, normal[face])
        length = np.linalg.norm(side, axis=-1, keepdims=True)
        held = plane_quadric(side / np.maximum(length, 1e-30), p)
        held *= _BOUNDARY * (length**2 if by_area else np.ones_like(length))
        np.add.at(quadrics, boundary[:, 0], held)
        np.add.at(quadrics, boundary[:, 1], held)
    return quadrics, mass
