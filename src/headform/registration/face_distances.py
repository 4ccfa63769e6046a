"""Distance from the face of a surface to a fitted head.

S vertices of the surface, F and G triangles, V vertices of the head, L landmarks, M measured points. Meters, but where a
name ends in _mm.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from headform.geometry.camera import FRONTAL, PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler
from headform.geometry.landmarks68 import NOW7
from headform.geometry.seven_landmarks import face_sphere, inside
from headform.geometry.units import MM_PER_M
from headform.geometry.view import look_at
from headform.mesh.closest_point import ClosestPointTree
from headform.registration.surface import Border
from headform.render.visibility import visible_vertices

_VIEWS = ((0.0, 0.0), (-0.7, 0.0), (0.7, 0.0), (0.0, -0.5), (0.0, 0.5))
"""Yaw and pitch, radians, of the views from which a measured point can be seen."""
_SIDE, _DISTANCE = 640, 1.0


@dataclass(frozen=True, eq=False)
class FaceDistance:
    """Distances of the measured part of a surface.

    Attributes:
        measured: (S,) mask of the vertices that count.
        distance_mm: (S,) distance to the head; NaN outside of the sphere.
        median_mm: Median over the measured vertices.
        mean_mm: Mean over the measured vertices.
        p90_mm: 90th percentile over the measured vertices.
    """

    measured: Bool[np.ndarray, " S"]
    distance_mm: Float64[np.ndarray, " S"]
    median_mm: float
    mean_mm: float
    p90_mm: float


def face_distance(
    surface: Float64[np.ndarray, "S 3"],
    surface_faces: Int[np.ndarray, "F 3"],
    landmarks: Float[np.ndarray, "68 3"],
    head: Float64[np.ndarray, "V 3"],
    head_faces: Int[np.ndarray, "G 3"],
    shown: Bool[np.ndarray, " V"],
    head_rotation: Float64[np.ndarray, "3 3"],
) -> FaceDistance:
    """Measure the face of a surface against a head in the same place.

    Measured are the surface's vertices within the sphere of the NoW evaluation (`face_sphere`) that can be seen from the
    front or, within 40 degrees, from a side, above or below (scans of artists have a mouth bag, too), and that do not lie
    beyond an open edge of the head, where the head says nothing. The distance is that to the closest point of the head,
    unsigned.

    Args:
        surface: (S, 3) vertices of the surface.
        surface_faces: (F, 3) triangles of the surface; vertices of none do not count.
        landmarks: (68, 3) on the surface; NaN where unknown, but the seven NoW landmarks must be known.
        head: (V, 3) vertices of the head, same frame.
        head_faces: (G, 3) all triangles of the head.
        shown: (V,) mask of the head's vertices that scans show: no mouth bag, no teeth.
        head_rotation: (3, 3) rotation from the head's frame to this one; gives the front.

    Raises:
        ValueError: one of the seven landmarks is unknown, or nothing is left to measure.
    """
    now7 = landmarks[list(NOW7)]
    if not np.isfinite(now7).all():
        raise ValueError("the seven NoW landmarks must be known")
    center, radius = face_sphere(now7)
    used = np.zeros(len(surface), bool)
    used[surface_faces.ravel()] = True
    near = used & inside(surface, center, radius)
    seen = seen_from_outside(surface, surface_faces, center, radius, head_rotation)
    outer = shown[head_faces].all(axis=1)
    faces, border = head_faces[outer], Border.of(head_faces, len(head))
    closest = ClosestPointTree.of(head, faces).query(surface[near])
    measured, distance = near & seen, np.full(len(surface), np.nan)
    measured[near] &= ~Border(border.opposite[outer], border.vertex).holds(faces, closest.triangle, closest.weights)
    distance[near] = MM_PER_M * np.sqrt(closest.squared)
    if not measured.any():
        raise ValueError("no vertex of the surface lies within the face")
    counted = distance[measured]
    return FaceDistance(
        measured=measured,
        distance_mm=distance,
        median_mm=float(np.median(counted)),
        mean_mm=float(counted.mean()),
        p90_mm=float(np.percentile(counted, 90)),
    )


def seen_from_outside(
    vertices: Float64[np.ndarray, "S 3"],
    faces: Int[np.ndarray, "F 3"],
    center: Float64[np.ndarray, "3"],
    radius: float,
    head_rotation: Float64[np.ndarray, "3 3"],
) -> Bool[np.ndarray, " S"]:
    """Mask of the vertices that can be seen from the front or, within 40 degrees, from a side, above or below.

    Args:
        vertices: (S, 3) any unit.
        faces: (F, 3) triangles.
        center: Middle of the face.
        radius: Radius of the sphere about it that the views show.
        head_rotation: (3, 3) rotation from the head's frame to this one; gives the front.
    """
    seen = np.zeros(len(vertices), bool)
    for yaw, pitch in _VIEWS:
        camera = _camera(center, radius, head_rotation @ rotation_from_euler(yaw, pitch, 0.0))
        seen |= visible_vertices(camera.project(vertices), faces, _SIDE, _SIDE)
    return seen


def _camera(center: Float64[np.ndarray, "3"], radius: float, axes: Float64[np.ndarray, "3 3"]) -> PerspectiveCamera:
    """Camera that looks against the third of `axes` at the sphere, which fills the picture."""
    focal = _SIDE * (_DISTANCE - radius) / (2.2 * radius)
    return look_at(center, FRONTAL @ axes.T, distance=_DISTANCE, focal_px=focal, side=_SIDE)
