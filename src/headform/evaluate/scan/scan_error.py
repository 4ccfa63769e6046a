"""Distance of a predicted head from a scan, by one of the protocols.

V vertices and F triangles of a mesh, P measured vertices of the scan. Distances are in millimeters.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
from jaxtyping import Float64, Int

from headform.errors import InputError, check_choice
from headform.evaluate.scan import sanity_checks
from headform.evaluate.scan._dogleg import minimize
from headform.evaluate.scan._nose import nose_tip
from headform.evaluate.scan._rigid_surface import RigidSurface, SurfaceDistances
from headform.evaluate.scan.landmark_match import match_landmarks
from headform.evaluate.scan.landmark_places import apart, check_on_mesh
from headform.evaluate.scan.landmarks7 import check_order
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.protocol import NOSE_RADIUS, Protocol
from headform.evaluate.scan.sanity_checks import Finding
from headform.geometry.seven_landmarks import face_sphere, inside
from headform.geometry.similarity import Similarity
from headform.geometry.units import MeshUnit, mm_per
from headform.mesh.closest_point import ClosestPointTree

Landmarks = Float64[np.ndarray, "7 3"]

FEWEST = 50
"""Scan vertices that the region must hold."""


@dataclass(frozen=True, eq=False)
class ScanError:
    """Distances from a scan to a prediction, and how they came about.

    Attributes:
        distances: (P,) float64 mm, in the order of the scan's vertices.
        scan_vertices: V of the whole scan.
        scale: Millimeters of the scan per unit of the prediction, by the seven landmarks alone.
        alignment: From the prediction's frame and unit to the scan's.
        iterations: Gauss-Newton iterations of the refinement; 0 without one.
        stop: The rule that ended it; "" without one.
        border: Share of the measured vertices that are closest to the prediction's border when it is placed by the seven
            landmarks alone; the refinement may stretch a small prediction over the region.
        findings: Warnings that make the numbers doubtful.
    """

    distances: Float64[np.ndarray, " P"]
    scan_vertices: int
    scale: float
    alignment: Similarity
    iterations: int
    stop: str
    border: float
    findings: tuple[Finding, ...]

    @property
    def median(self) -> float:
        """Median distance."""
        return float(np.median(self.distances))

    @property
    def mean(self) -> float:
        """Mean distance."""
        return float(self.distances.mean())

    @property
    def std(self) -> float:
        """Standard deviation of the distances (division by P)."""
        return float(self.distances.std())

    @property
    def rmse(self) -> float:
        """Root of the mean squared distance."""
        return float(np.sqrt((self.distances**2).mean()))


@dataclass(frozen=True, eq=False)
class CroppedScan:
    """The part of a scan that a protocol measures.

    Attributes:
        points: (P, 3) float64 mm, in the scan's order.
        landmarks: (7, 3) float64 mm.
        vertices: V of the whole scan.
        rows: (P,) indices of the points among the scan's vertices.
    """

    points: Float64[np.ndarray, "P 3"]
    landmarks: Landmarks
    vertices: int
    rows: Int[np.ndarray, " P"]


def crop_scan(scan: Surface, landmarks: Landmarks, protocol: Protocol) -> CroppedScan:
    """Cut out the vertices that a protocol measures.

    Args:
        scan: Neutral scan, millimeters; its faces are not used.
        landmarks: (7, 3) mm, in the protocol's order.
        protocol: See `headform.evaluate.scan.protocol`.

    Raises:
        InputError: `scan_unit`, `crop_empty`, or what `check_order` and `check_on_mesh` raise.
    """
    check_order(landmarks, f"landmarks of {scan.name}")
    sanity_checks.check_scan_unit(landmarks, scan.name)
    try:
        if protocol.factor is None:
            center, radius = nose_tip(scan.vertices, landmarks), NOSE_RADIUS
        else:
            center, radius = face_sphere(landmarks, protocol.factor)
    except ValueError as error:
        raise InputError("crop_empty", f"{error}: {apart(landmarks, scan)}", scan.name) from error
    rows = np.flatnonzero(inside(scan.vertices, center, radius))
    points = scan.vertices[rows]
    different = len(np.unique(points, axis=0))
    if different < FEWEST:
        what = f"only {different} vertices of the scan lie in the region of its landmarks: {apart(landmarks, scan)}"
        fix = "give the landmarks of this very scan, and both in millimeters"
        raise InputError("crop_empty", what, scan.name, fix)
    check_on_mesh(landmarks, scan, mm_per_unit=1.0)
    return CroppedScan(points, landmarks, len(scan.vertices), rows)


def scan_error(
    scan: CroppedScan,
    prediction: Surface,
    landmarks: Landmarks,
    *,
    protocol: Protocol,
    unit: MeshUnit | None = None,
    metrical: bool = False,
) -> ScanError:
    """Align a prediction to a scan and measure.

    Args:
        scan: Region cut out by `crop_scan` with the same protocol.
        prediction: Neutral head, any frame.
        landmarks: (7, 3) of the prediction, in its frame and unit.
        protocol: See `headform.evaluate.scan.protocol`.
        unit: Unit of the prediction; needed when metrical, else only compared with the fitted scale.
        metrical: Keep the prediction's size instead of fitting a scale.

    Raises:
        InputError: `mesh_degenerate`, `landmarks_order`, `landmarks_degenerate`, `landmarks_mirrored` (not in
            `official`), `landmarks_elsewhere`, `unit_wrong`.
        ValueError: metrical without a unit.
    """
    if unit is not None:
        check_choice(unit, get_args(MeshUnit), "unit", "scan_error")
    if metrical and unit is None:
        raise ValueError("a metrical evaluation needs the prediction's unit")
    best, findings = match_landmarks(
        scan.landmarks,
        prediction,
        landmarks,
        protocol=protocol,
        unit=unit,
        metrical=metrical,
    )
    first = best
    if metrical and unit is not None:
        size, t = mm_per(unit), best.t
        if not protocol.shift_of_fitted_scale:
            middle = landmarks.mean(axis=0)
            t = scan.landmarks.mean(axis=0) - size * (best.R @ middle)
        first = Similarity(size, best.R, t)
    surface = RigidSurface(
        scan.points,
        ClosestPointTree.of(first.apply(prediction.vertices), prediction.faces),
        not metrical,
    )
    iterations, stop, moved = 0, "", surface.start()
    if protocol.refine is None:
        at = surface(moved)
    else:
        found = minimize(surface, moved, protocol.refine)
        at, moved = found.at, found.parameters
        iterations, stop = found.iterations, found.stop
    if stop == "iterations":
        what = f"the alignment still moved after {iterations} iterations: check the landmarks of scan and head"
        findings.append(Finding("not_converged", what))
    alignment = surface.alignment(moved).after(first)
    border, small = _assess_size(scan.points, best, first, surface.tree, prediction.faces)
    scaled = prediction.vertices * best.scale, landmarks * best.scale
    opened = sanity_checks.assess_mouth(scaled[0], prediction.faces, scaled[1])
    findings += [finding for finding in (small, opened) if finding is not None]
    distances = at.distances
    if protocol.to_plane:
        distances = _to_plane(scan.points, alignment.apply(prediction.vertices), prediction.faces, at)
    return ScanError(
        distances=distances,
        scan_vertices=scan.vertices,
        scale=best.scale,
        alignment=alignment,
        iterations=iterations,
        stop=stop,
        border=border,
        findings=tuple(findings),
    )


def _assess_size(
    points: Float64[np.ndarray, "P 3"],
    best: Similarity,
    first: Similarity,
    tree: ClosestPointTree,
    faces: Int[np.ndarray, "F 3"],
) -> tuple[float, Finding | None]:
    """`sanity_checks.assess_size` for the prediction placed by `best`; its tree is built where `first` places it."""
    placed = points if first is best else first.apply(best.inverse().apply(points))
    found = tree.query(placed)
    return sanity_checks.assess_size(faces, found.triangle, found.weights)


def _to_plane(
    points: Float64[np.ndarray, "P 3"],
    vertices: Float64[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    at: SurfaceDistances,
) -> Float64[np.ndarray, " P"]:
    """Distance to the plane of the closest triangle; to the triangle itself where it has no area."""
    a, b, c = vertices[faces[at.triangle]].transpose(1, 0, 2)
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    flat = length > 0
    height = np.abs(((points - a) * normal).sum(1))
    return np.where(flat, height / np.where(flat, length, 1.0), at.distances)
