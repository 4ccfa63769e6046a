"""Distance of seven landmarks from the mesh that they are said to lie on.

P points, V vertices. Landmarks of another unit, frame or file give numbers that look like any others.
"""

from typing import cast, get_args

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.spatial import cKDTree

from headform.errors import InputError
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.sanity_checks import Finding, on_border
from headform.geometry.seven_landmarks import NAMES
from headform.geometry.units import MM_PER_M, OUTER_EYES_M, MeshUnit, mm_per
from headform.mesh.closest_point import closest_points

OFF = 5.0
"""Millimeters from the mesh beyond which a landmark is refused. Picks and model vertices lie on it, landmarks of a full head
0.2 mm from a thinned one; seven that are turned by 90 or 180 degrees about any axis leave it by 5.2 at least."""

BESIDE = 15.0
"""Millimeters that a landmark may lie beyond the border of a mesh that does not reach as far as the landmarks."""

DOUBTFUL = 2.0
"""Millimeters from which on there is a warning."""

_EXTENT_MM = 260.0
"""Longest side of the box around a head or a face with its neck, about; tells a unit from the next, ten times as large."""


def check_on_mesh(landmarks: Float[np.ndarray, "7 3"], mesh: Surface, *, mm_per_unit: float) -> Finding | None:
    """Refuse landmarks that do not lie on their mesh.

    Args:
        landmarks: (7, 3) finite, in the protocol's order.
        mesh: The mesh or the points that they belong to.
        mm_per_unit: Size of a unit of the landmarks.

    Returns:
        A warning where they lie off it by less than what is refused.

    Raises:
        InputError: `landmarks_elsewhere`; names the units that landmarks and mesh seem to have.
    """
    points = np.asarray(landmarks, np.float64)
    away, beside = _distances(points, mesh)
    away = mm_per_unit * away
    row = int((away / np.where(beside, BESIDE, OFF)).argmax())
    what = f"landmark {row} ({NAMES[row]}) lies {away[row]:.4g} mm from the surface of the mesh"
    if away[row] > (BESIDE if beside[row] else OFF):
        raise InputError("landmarks_elsewhere", f"{what}: {apart(points, mesh)}", mesh.name, _FIX)
    return Finding("landmarks_astray", what) if away[row] > DOUBTFUL and not beside[row] else None


_FIX = "give the landmarks of this very mesh, in its frame and unit"


def _distances(
    points: Float64[np.ndarray, "P 3"], mesh: Surface
) -> tuple[Float64[np.ndarray, " P"], Bool[np.ndarray, " P"]]:
    """Distance to the triangles, and a mask of the points beside their border.

    To the nearest vertex, less the spacing of the vertices there, where there are no triangles.
    """
    if len(mesh.faces):
        found = closest_points(points, mesh.vertices, mesh.faces)
        return np.sqrt(found.squared), on_border(mesh.faces, found.triangle, found.weights)
    tree = cKDTree(mesh.vertices)
    distance, nearest = tree.query(points)
    spacing = tree.query(mesh.vertices[nearest], k=min(4, len(mesh.vertices)))[0].reshape(len(points), -1)[:, -1]
    return np.maximum(distance - spacing, 0.0), np.zeros(len(points), bool)


def apart(landmarks: Float[np.ndarray, "7 3"], mesh: Surface) -> str:
    """Say which units landmarks and mesh seem to have, by the eye corners and by the extent."""
    eyes = float(np.linalg.norm(landmarks[0] - landmarks[3]))
    used = mesh.vertices[np.unique(mesh.faces)] if len(mesh.faces) else mesh.vertices
    extent = float(np.ptp(used, axis=0).max())
    theirs, its = _unit(eyes, OUTER_EYES_M * MM_PER_M), _unit(extent, _EXTENT_MM)
    sizes = f"outer eye corners {eyes:.4g} apart, mesh {extent:.4g} across"
    if theirs == its:
        return f"both seem to be in {its} ({sizes}), so the landmarks are turned, shifted, or another mesh's"
    return f"the landmarks seem to be in {theirs}, the mesh in {its} ({sizes})"


def _unit(size: float, millimeters: float) -> MeshUnit:
    """The unit that brings `size` nearest to so many millimeters, by ratio."""
    ratio = {u: abs(np.log(max(size, 1e-300) * mm_per(u) / millimeters)) for u in get_args(MeshUnit)}
    return cast(MeshUnit, min(ratio, key=ratio.__getitem__))
