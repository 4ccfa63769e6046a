"""Find the 68 landmarks of a scan: draw it from several sides, run the landmark network, and lift the points onto it.

V vertices, F triangles, N dense points, J views, H W pixels.

The points are the network's surface points (`LinearHead.landmarks(offset=False)`), not where annotators of photos mark the
jaw.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8

from headform import heads
from headform.errors import FaceError
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.head_angles import rotation_from_euler
from headform.geometry.landmarks68 import INNER_FACE, NOW7, outer_eye_distance
from headform.geometry.similarity import Similarity, fit_similarity
from headform.geometry.view import look_at, look_rotation
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.closest_point import ClosestPointTree
from headform.nets.detection.yunet import YuNetDetector
from headform.nets.landmarks.dense_predictor import DensePrediction, DensePredictor, average
from headform.nets.shipped import load_dense, load_yunet
from headform.pipeline.crops import crop_of_face, crop_of_points
from headform.registration.fit_source import check_surface
from headform.render.drawing import Look, draw, surface_positions

SURE = 0.04
"""Relative sigma below which the first view is taken without looking at the others; see `DensePrediction.relative_sigma`."""
UNSURE = 0.11
"""Relative sigma above which there is no face."""
_FIRST_SIDE, _SIDE = 448, 512
_AGREED = 0.06
"""Largest spread of a point over the views, in distances of the outer eye corners."""
_FACE_GAP_M, _OFF_SURFACE_M, _EXTENT_M = 0.015, 0.04, 0.26
"""Meters of the mean head: largest median distance of a face's points to the mean head's; depth from where the mean head
has a point beyond which it has slid off the outline; side of the square that close-up views show."""
_WHOLE = 2.1
"""Side of the square that the first views show, in radii of the scan."""
_JAW, _JAW_TRUST = 17, 0.1
"""Number of points along the jaw, which come first, and their weight: people and models disagree about where they lie."""
_FAR = 4.0  # distance of the camera in extents of what it shows: little perspective, as in a portrait
_TRIED = 3  # of the places that look like a face
_ZOOMS = (1.0, 1.12, 1.25)
_TURNS = ((0, 0), (-18, 0), (18, 0), (0, -12), (0, 12), (-38, 0), (38, 0))
"""Yaw and pitch of the views that are averaged, degrees."""


@dataclass(frozen=True, eq=False)
class ScanLandmarks:
    """Landmarks found on a scan.

    Attributes:
        points: (68, 3) on the surface, unit and frame of the scan.
        sure: (68,) mask of the points about which several views agree.
        spread: (68,) deviation of the views about each point, unit of the scan; infinite where none saw it.
        relative_sigma: Uncertainty of the network in the best view; see `DensePrediction.relative_sigma`.
        from_mean: Transform that aligns the mean head of the landmark network with the points.
        views: Number of pictures read.
        guess: (68, 3) landmarks of the mean head aligned by `from_mean`.
    """

    points: Float64[np.ndarray, "68 3"]
    sure: Bool[np.ndarray, "68"]
    spread: Float64[np.ndarray, "68"]
    relative_sigma: float
    from_mean: Similarity
    views: int
    guess: Float64[np.ndarray, "68 3"]

    @property
    def usable(self) -> Float64[np.ndarray, "68 3"]:
        """Points, NaN where views disagree; the mean head's for those of the seven NoW landmarks that no view saw."""
        now7 = np.isin(np.arange(68), NOW7)
        points = np.where((now7 & ~np.isfinite(self.spread))[:, None], self.guess, self.points)
        return np.where((self.sure | now7)[:, None], points, np.nan)


class ScanLandmarker:
    """Finds landmarks of scans with a detector, which need not look for turned faces, and the dense landmark network."""

    def __init__(self, detector: YuNetDetector, dense: DensePredictor) -> None:
        self._detector, self._dense = detector, dense
        head = heads.load_open()
        self._mean = head.landmarks(head.mean, offset=False).double().numpy()

    @classmethod
    def load(cls) -> "ScanLandmarker":
        """Load the networks that ship with the package.

        Raises:
            WeightsError: they are missing or damaged.
        """
        return cls(YuNetDetector(load_yunet()[0]), DensePredictor(load_dense()[0], heads.load_open()))

    def find(self, mesh: TriangleMesh, *, name: str = "") -> ScanLandmarks:
        """Find the face of a scan, in whatever unit and position it is.

        First the whole scan is drawn from up to 48 directions, those first from which faces are usually seen, until one
        shows a face for sure; then the face alone from seven sides about its front.

        Args:
            mesh: Mesh, drawn in its texture or colors if it has any.
            name: Name for messages.

        Raises:
            FaceError: ``no_face``.
            InputError: ``mesh_degenerate``: no surface, whose pictures would show nothing and take long.
        """
        check_surface(mesh, name)
        candidates, views = self._candidates(mesh)
        for sigma, first in candidates[:_TRIED]:
            placed: Similarity | None = first
            result: ScanLandmarks | None = None
            for _ in range(2):  # the second time from where the first put the face's front
                if placed is None:
                    break
                marks = placed.apply(self._mean)
                points, spread, count, doubt = self._around(mesh, placed)
                views += len(_TURNS)
                outer = outer_eye_distance(marks)
                sure = (count >= 2) & (spread < _AGREED * outer)
                placed = self._placed(points, sure)
                if placed is not None:
                    guess = placed.apply(self._mean)
                    least = min(sigma, doubt)
                    result = ScanLandmarks(points, sure, spread, least, placed, views, guess)
            if result is not None:
                return result
        what = (
            "no face: the landmark network rejected every candidate"
            if candidates
            else "no face was found from any side"
        )
        raise FaceError("no_face", what, name, "give its landmarks with --landmarks FILE")

    def _candidates(self, mesh: TriangleMesh) -> tuple[list[tuple[float, Similarity]], int]:
        """Return relative sigma and placement of each candidate, the most certain first, and the number of pictures read."""
        shown = mesh.vertices[np.unique(mesh.faces)]  # a vertex of no triangle may lie anywhere
        low, high = shown.min(axis=0), shown.max(axis=0)
        middle = ((low + high) / 2).astype(np.float64)
        radius = float(np.linalg.norm(shown - middle, axis=1).max())
        found: list[tuple[float, Similarity]] = []
        views = 0
        for out, up in _directions():
            camera = _look(middle, out, up, radius * _WHOLE, _FIRST_SIDE)
            drawing = draw(mesh, camera, (_FIRST_SIDE, _FIRST_SIDE), Look(supersample=1))
            views += 1
            read = self._read(drawing.over())
            if read is None:
                continue
            places, seen = surface_positions(mesh, drawing, read.points[:68])
            placed = self._placed(places, seen)
            if placed is not None:
                found.append((read.relative_sigma, placed))
                if read.relative_sigma < SURE:
                    break
        return sorted(found, key=lambda candidate: candidate[0]), views

    def _read(self, rgb: UInt8[np.ndarray, "H W 3"]) -> DensePrediction | None:
        """Read the most certain face of a picture."""
        found = []
        upright = next(self._detector.passes(rgb), [])
        for face in upright[:3]:
            (rough,) = self._dense.predict([rgb], [crop_of_face(face)])
            if rough.relative_sigma > 1.5 * UNSURE:
                continue
            fine = self._fine(rgb, rough.points[:68], rough.rotation)
            if fine.relative_sigma < UNSURE:
                found.append(fine)
        return min(found, key=lambda p: p.relative_sigma, default=None)

    def _fine(
        self,
        rgb: UInt8[np.ndarray, "H W 3"],
        points: Float[np.ndarray, "68 2"],
        rotation: Float[np.ndarray, "3 3"],
    ) -> DensePrediction:
        crops = [crop_of_points(points, rotation, zoom=zoom) for zoom in _ZOOMS]
        return average(self._dense.predict([rgb] * len(crops), crops))

    def _placed(self, points: Float[np.ndarray, "68 3"], known: Bool[np.ndarray, "68"]) -> Similarity | None:
        """Align the mean head with points, robustly; None where they are not placed like those of a face."""
        if known.sum() < 10:
            return None
        own, goal = self._mean[known], points[known].astype(np.float64)
        trust = np.where(np.flatnonzero(known) < _JAW, _JAW_TRUST, 1.0)
        weights = trust
        for _ in range(8):
            try:
                placed = fit_similarity(own, goal, weights)
            except ValueError:
                return None
            gap = np.linalg.norm(placed.apply(own) - goal, axis=1) / placed.scale
            weights = trust / (1.0 + (gap / max(1.5 * float(np.median(gap)), 1e-6)) ** 2)
        return placed if float(np.median(gap)) < _FACE_GAP_M else None

    def _around(
        self, mesh: TriangleMesh, placed: Similarity
    ) -> tuple[Float64[np.ndarray, "68 3"], Float64[np.ndarray, "68"], np.ndarray, float]:
        """Average the points over views around the face's front; also their spread, number of views, least sigma."""
        inner = placed.apply(self._mean[INNER_FACE])
        center, extent = inner.mean(axis=0), placed.scale * _EXTENT_M
        marks = placed.apply(self._mean)
        places = np.full((len(_TURNS), 68, 3), np.nan)
        weight = np.zeros((len(_TURNS), 68))
        doubt = np.inf
        for j, (yaw, pitch) in enumerate(_TURNS):
            turn = rotation_from_euler(math.radians(yaw), math.radians(pitch), 0.0)
            axes = placed.R @ turn
            camera = _look(center, axes[:, 2], axes[:, 1], extent, _SIDE)
            drawing = draw(mesh, camera, (_SIDE, _SIDE))
            read = self._fine(drawing.over(), camera.project(marks)[:, :2], camera.R @ placed.R)
            if read.relative_sigma > UNSURE:
                continue
            doubt = min(doubt, read.relative_sigma)
            places[j], seen = surface_positions(mesh, drawing, read.points[:68])
            weight[j] = np.where(seen, 1.0 / np.square(read.sigma[:68]), 0.0)
            # points near the outline slide off it, which shows in their depth
            depth = camera.project(places[j])[:, 2] - camera.project(marks)[:, 2]
            weight[j][np.abs(depth) > _OFF_SURFACE_M * placed.scale] = 0.0
        return *_agreed(places, weight, placed.scale, mesh), doubt


def _agreed(
    places: Float64[np.ndarray, "J 68 3"],
    weight: Float64[np.ndarray, "J 68"],
    scale: float,
    mesh: TriangleMesh,
) -> tuple[Float64[np.ndarray, "68 3"], Float64[np.ndarray, "68"], np.ndarray]:
    """Weighted geometric median over the views (Weiszfeld), put back onto the surface; its spread; the number of views."""
    count = (weight > 0).sum(axis=0)
    places = np.where(weight[..., None] > 0, places, 0.0)
    own = weight / np.maximum(weight.sum(axis=0), 1e-300)
    points = (own[..., None] * places).sum(axis=0)
    for _ in range(20):
        gap = np.linalg.norm(places - points, axis=2)
        share = own / np.maximum(gap, 1e-4 * scale)
        share = share / np.maximum(share.sum(axis=0), 1e-300)
        points = (share[..., None] * places).sum(axis=0)
    gap = np.linalg.norm(places - points, axis=2)
    spread = np.where(count > 0, np.sqrt((own * gap**2).sum(axis=0)), np.inf)
    near = ClosestPointTree.of(mesh.vertices.astype(np.float64), mesh.faces).query(points)
    corners = mesh.vertices[mesh.faces[near.triangle]]
    return (corners * near.weights[..., None]).sum(axis=1).astype(np.float64), spread, count


def _look(
    center: Float64[np.ndarray, "3"],
    out: Float64[np.ndarray, "3"],
    up: Float64[np.ndarray, "3"],
    extent: float,
    side: int,
) -> PerspectiveCamera:
    """A camera in the direction `out` from `center` that shows `extent` over `side` pixels, from `_FAR` extents away."""
    return look_at(center, look_rotation(out, up), distance=_FAR * extent, focal_px=_FAR * side, side=side)


def _directions() -> Iterator[tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]]:
    """Iterate directions to look from and their up: every 45 degrees around six upward axes, +z with y up first."""
    x, y, z = np.eye(3)
    order = (0, 45, -45, 180, 90, -90, 135, -135)
    for up, front in ((y, z), (z, -y), (-y, z), (-z, -y), (x, z), (-x, z)):
        side = np.cross(up, front)
        for angle in order:
            a = math.radians(angle)
            yield math.cos(a) * front + math.sin(a) * side, up
