"""A scan registered to a head's own vertices: model fit, non-rigid registration, distances both ways.

V vertices of the head, F triangles, S vertices of the scan. Meters, but where a name ends in _mm.
"""

import time
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float64
from scipy.sparse import csr_array

from headform.errors import FaceError, InputError, check_choice
from headform.geometry.landmarks68 import JAW, NOW7
from headform.geometry.seven_landmarks import face_sphere, inside
from headform.geometry.units import MM_PER_M
from headform.heads.linear import LinearHead
from headform.mesh.normals import face_area_vectors, unit
from headform.registration.attached_parts import carried, main_component, part_labels
from headform.registration.face_distances import FaceDistance, face_distance, seen_from_outside
from headform.registration.fit_source import FitSource
from headform.registration.head_fit import HeadFit, HeadFitOptions, fit_head
from headform.registration.non_rigid import MarkedPoints, NonRigidFit, NonRigidOptions, register_mesh
from headform.registration.shape_models import face_region, outer, skin
from headform.registration.surface import SurfaceIndex

NEAR_M = 0.004
"""Distance within which a vertex of the face counts as one that the scan shows, meters."""
LEAST_COVER = 0.15
"""Share of the face's vertices that the scan must show; half a face seen from the side shows about 0.4."""
MOST_REVERSED = 0.3
"""Share of the scan's triangles near the face that may run against the others."""
RegistrationRegion = Literal["face", "head"]


@dataclass(frozen=True)
class RegistrationOptions:
    """Options of `register_scan`.

    Attributes:
        region: ``head`` bends all outer skin onto the scan, hair too where a scan shows it as a surface; ``face`` only the
            face.
        fit: Options of the model fit.
        non_rigid: Options of the registration.
        landmark_trust: Factor of the landmarks' weights in the registration; the model fit uses them in any case. 0 suits
            those that networks find: they are biased by 2 to 3 mm, and the fitted surface knows better.
    """

    region: RegistrationRegion = "head"
    fit: HeadFitOptions = field(default_factory=HeadFitOptions)
    non_rigid: NonRigidOptions = field(default_factory=NonRigidOptions)
    landmark_trust: float = 1.0

    def __post_init__(self) -> None:
        check_choice(self.region, get_args(RegistrationRegion), "region")


@dataclass(frozen=True, eq=False)
class MeshDistance:
    """Distances from the head's face to a scan.

    Attributes:
        measured: (V,) mask of the vertices that count: bent skin in NoW's sphere, seen from outside, whose closest point is
            not on an open edge of the scan.
        distance_mm: (V,) to the closest point; NaN outside of the sphere.
    """

    measured: Bool[np.ndarray, " V"]
    distance_mm: Float64[np.ndarray, " V"]


@dataclass(frozen=True, eq=False)
class ScanRegistration:
    """Scan in the topology of a head.

    Attributes:
        fit: Fit of the model, where it all starts.
        vertices: (V, 3) registered, meters, head frame.
        non_rigid: Result of the registration, of the vertices of `main`.
        main: (V,) mask of the connected part that was bent; eyeballs and teeth follow it.
        from_scan: Distances of the scan's face to the registered head.
        to_scan: Distances of the registered face to the scan.
        landmark_mm: (68,) distances of the registered head's landmarks from the scan's; NaN where unknown.
        cover: Share of the face's vertices that the scan shows.
        seconds: Duration without finding landmarks.
    """

    fit: HeadFit
    vertices: Float64[np.ndarray, "V 3"]
    non_rigid: NonRigidFit
    main: Bool[np.ndarray, " V"]
    from_scan: FaceDistance
    to_scan: MeshDistance
    landmark_mm: Float64[np.ndarray, "68"]
    cover: float
    seconds: float

    @property
    def placed(self) -> Float64[np.ndarray, "V 3"]:
        """Registered vertices in the frame of the scan, meters."""
        return self.fit.surface.similarity.apply(self.vertices)


def register_scan(head: LinearHead, source: FitSource, options: RegistrationOptions | None = None) -> ScanRegistration:
    """Register a scan.

    Args:
        head: With landmarks.
        source: Scan with landmarks; see `scan_source`.
        options: Region, fit and schedule.

    Raises:
        WeightsError, FaceError, InputError: as `fit_head`.
        InputError: ``scan_winding``: its triangles run both ways, so that inside and outside cannot be told; ``fit_lost``.
        FaceError: ``scan_uncovered``: the scan shows too little of the face.
    """
    options = options or RegistrationOptions()
    started = time.perf_counter()
    fit = fit_head(head, source, options.fit)
    to = fit.surface.similarity
    rest = to.apply(fit.vertices)
    vertices = source.mesh.vertices.astype(np.float64) * source.meters
    surface = SurfaceIndex.of(vertices, source.mesh.faces)
    surface = surface.reversed() if fit.surface.reversed else surface
    faces = head.faces.cpu().numpy()
    main = main_component(head)
    _check_winding(surface, rest, faces, fit)
    rows = np.flatnonzero(main)
    place = np.full(len(main), -1, np.int64)
    place[rows] = np.arange(len(rows))
    own = place[faces[main[faces].all(axis=1)]]
    asked = main & (skin(head) if options.region == "head" else face_region(head))
    landmarks = source.landmarks * source.meters
    marks = _marks(head, landmarks, place, options.landmark_trust)
    found = register_mesh(rest[rows], own, asked[rows], surface, marks, options.non_rigid)
    moved = rest.copy()
    moved[rows] = found.vertices
    moved = carried(rest, moved, main, part_labels(head, main))
    shown = outer(head)
    to_scan, cover = _to_scan(head, moved, shown & main, surface, to.R)
    if cover < LEAST_COVER:
        what = f"the scan shows {100 * cover:.0f} % of the face"
        raise FaceError("scan_uncovered", what, source.name, "check the landmarks; give a scan of the face")
    points = _head_landmarks(head, moved)
    known = np.where(np.isfinite(landmarks), landmarks, points)
    try:
        from_scan = face_distance(vertices, source.mesh.faces, known, moved, faces, shown, to.R)
    except ValueError as error:
        raise FaceError("no_face", f"{error}", source.name, "check the landmarks") from error
    return ScanRegistration(
        fit=fit,
        vertices=to.inverse().apply(moved),
        non_rigid=found,
        main=main,
        from_scan=from_scan,
        to_scan=to_scan,
        landmark_mm=MM_PER_M * np.linalg.norm(points - landmarks, axis=1),
        cover=cover,
        seconds=time.perf_counter() - started,
    )


def _check_winding(surface: SurfaceIndex, rest: Float64[np.ndarray, "V 3"], faces: np.ndarray, fit: HeadFit) -> None:
    """Refuse a scan whose triangles near the fitted face run both ways: its normals would be of no use.

    Raises:
        InputError: ``scan_winding``.
    """
    index = SurfaceIndex.of(rest, faces[outer(fit.head)[faces].all(axis=1)])
    middle = surface.vertices[surface.faces].mean(axis=1)
    low, high = rest.min(axis=0), rest.max(axis=0)
    rows = np.flatnonzero(((middle > low) & (middle < high)).all(axis=1))
    if not len(rows):
        return
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), 4000)).astype(np.int64)]
    near = index.closest(middle[rows])
    normals = unit(face_area_vectors(surface.vertices, surface.faces[rows]))
    sign = -1.0 if fit.surface.reversed else 1.0
    cosine = sign * (normals * near.normals).sum(axis=1)
    counted = (near.distance < NEAR_M) & ~near.at_border & (np.abs(cosine) > 0.5)
    if counted.sum() and (cosine[counted] < 0).mean() > MOST_REVERSED:
        share = 100 * (cosine[counted] < 0).mean()
        what = (
            f"{share:.0f} % of the scan's triangles on the face run against the others, so that no side is the outside"
        )
        fix = "make its faces consistent first (such as MeshLab's 'Re-Orient all faces coherently')"
        raise InputError("scan_winding", what, fit.source.name, fix)


def _marks(head: LinearHead, landmarks: Float64[np.ndarray, "68 3"], place: np.ndarray, trust: float) -> MarkedPoints:
    """The landmarks in common on the bent part of the head, without the jaw's, which are no places on the skin."""
    corners = head.landmark_vertices.cpu().numpy()
    weights = head.landmark_weights.cpu().double().numpy()
    used = (weights != 0).any(axis=1) & np.isfinite(landmarks).all(axis=1)
    used &= ((place[corners] >= 0) | (weights == 0)).all(axis=1)
    used[JAW] = False
    rows = np.flatnonzero(used)
    columns, values = np.maximum(place[corners[rows]], 0).ravel(), weights[rows].ravel()
    index = (np.repeat(np.arange(len(rows)), 3), columns)
    mixture = csr_array((values, index), shape=(len(rows), int((place >= 0).sum())))
    return MarkedPoints(mixture, landmarks[rows], trust)


def _head_landmarks(head: LinearHead, vertices: Float64[np.ndarray, "V 3"]) -> Float64[np.ndarray, "68 3"]:
    corners = head.landmark_vertices.cpu().numpy()
    weights = head.landmark_weights.cpu().double().numpy()
    points = (vertices[np.maximum(corners, 0)] * weights[..., None]).sum(axis=1)
    return np.where((weights != 0).any(axis=1)[:, None], points, np.nan)


def _to_scan(
    head: LinearHead,
    vertices: Float64[np.ndarray, "V 3"],
    shown: Bool[np.ndarray, " V"],
    surface: SurfaceIndex,
    rotation: Float64[np.ndarray, "3 3"],
) -> tuple[MeshDistance, float]:
    """Distances of the face to the scan, and the share of the face that the scan shows."""
    center, radius = face_sphere(_head_landmarks(head, vertices)[list(NOW7)])
    faces = head.faces.cpu().numpy()
    outside = faces[outer(head)[faces].all(axis=1)]
    seen = seen_from_outside(vertices, outside, center, radius, rotation)
    rows = np.flatnonzero(shown & seen & inside(vertices, center, radius))
    near = surface.closest(vertices[rows])
    distance, measured = np.full(len(vertices), np.nan), np.zeros(len(vertices), bool)
    distance[rows] = MM_PER_M * near.distance
    measured[rows] = ~near.at_border
    return MeshDistance(measured, distance), float((near.distance[~near.at_border] < NEAR_M).sum() / max(len(rows), 1))
