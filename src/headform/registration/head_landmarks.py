"""Landmarks of a head model that comes without: from a file, or derived by fitting the open head to the model's mean.

V vertices, F triangles.

The derived points are those of the open head, fitted to the mean head, at their closest places on its surface. On the Surrey
model, whose points are known, they lie 2.3 mm from them (median of 50): 1.4 mm for the seven of NoW, 5.3 mm for the brows,
whose convention differs, 6.4 mm at most, on the bridge of the nose. On ICT-FaceKit it is 0.01 mm, which says little, since
the open head is made from it.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float64, Int

from headform import heads
from headform.errors import FaceError, HeadformError, InputError, WeightsError
from headform.geometry.landmarks68 import INNER_FACE, NOW7, outer_eye_distance
from headform.geometry.units import METERS_PER, MM_PER_M, infer_unit
from headform.heads.linear import LinearHead
from headform.io.file_bytes import read_bytes
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.mesh.closest_point import ClosestPointTree
from headform.registration.fit_source import read_landmarks, scan_source
from headform.registration.head_fit import HeadFitOptions, fit_head
from headform.registration.scan_landmarks import ScanLandmarker
from headform.registration.shape_models import outer

_OFF_SURFACE_M = 0.012
"""Largest median distance of points from the surface that they were picked on, meters; annotators' jaws lie a little off."""
_BADLY_FITTED_MM = 3.0
"""Median distance of the fitted open head above which its points are not believed, millimeters; means are met to 0.2."""
_TEXT_BYTES = 1 << 20
_COUNTS = {68: range(68), 51: range(68)[INNER_FACE], 7: NOW7}
"""The points of iBUG that lists of so many hold."""


def with_landmark_file(head: LinearHead, path: Path) -> LinearHead:
    """Return a head with the landmarks of a file.

    Args:
        head: Head model.
        path: Points picked on the mean head, in any unit (see `read_landmarks`); or 7, 51 or 68 whole numbers, the vertices.

    Raises:
        InputError: as `read_landmarks`; ``landmarks_count``: the outer eye corners are absent; ``landmarks_off``: the points
            are not on this head.
        WeightsError: ``model_index``: a vertex that the head does not have.
    """
    vertices = _vertex_numbers(path)
    if vertices:
        return _at_vertices(head, vertices, path)
    points = read_landmarks(path)
    distance = outer_eye_distance(points)
    if not distance > 0:
        what = "the outer eye corners (37 and 46 of iBUG) are missing from the landmarks, or coincide"
        raise InputError("landmarks_count", what, ascii(str(path)), "give them, too")
    unit = infer_unit(distance)
    points = points * METERS_PER[unit]
    marked, off = _on_surface(head, points)
    if off > _OFF_SURFACE_M:
        what = f"the landmarks lie {MM_PER_M * off:.0f} mm from the mean of {head.name} (median), read as {unit}"
        fix = "give points picked on this model's mean head, in its own frame, or the numbers of its vertices"
        raise InputError("landmarks_off", what, ascii(str(path)), fix)
    count = int(np.isfinite(points).all(axis=1).sum())
    return _noted(marked, f"{count} landmarks were given as points ({path.name}, in {unit})")


def with_derived_landmarks(head: LinearHead, *, landmarker: ScanLandmarker | None = None) -> LinearHead:
    """Return a head whose unknown landmarks are derived; the known ones stay.

    Args:
        head: Head model in its usual frame.
        landmarker: Finder of first landmarks; the shipped one if absent.

    Raises:
        FaceError: ``no_face``: nothing like a face is seen on the mean head.
        InputError: ``fit_lost``, ``mesh_degenerate``: the open head cannot be fitted to it.
    """
    known = head.landmark_known.cpu().numpy()
    vertices, faces = _skin(head)
    mesh = TriangleMesh(vertices, faces)
    found = (landmarker or ScanLandmarker.load()).find(mesh, name=head.name)
    source = scan_source(head.name, mesh, found.usable, unit="m")
    model = heads.load_open()
    fit = fit_head(model, source, HeadFitOptions(region="face", expression=False))
    if fit.distance.median_mm > _BADLY_FITTED_MM:
        what = f"the open head fits the mean of {head.name} to {fit.distance.median_mm:.1f} mm only"
        raise FaceError("no_face", what, head.name, "give its landmarks with --landmarks FILE")
    own = model.landmarks(torch.from_numpy(fit.vertices), offset=False).double().numpy()
    points = fit.to_source.apply(own)
    if known.any():
        points[known] = head.landmarks(head.mean, offset=False).double().cpu().numpy()[known]
    marked, _ = _on_surface(head, points)
    if known.any():
        keep = torch.from_numpy(known)[:, None]
        marked = replace(
            marked,
            landmark_vertices=torch.where(keep, head.landmark_vertices.cpu(), marked.landmark_vertices),
            landmark_weights=torch.where(keep, head.landmark_weights.cpu(), marked.landmark_weights),
        )
    count = int((~known).sum())
    what = f"{count} landmarks are derived from the open head, fitted to the mean to {fit.distance.median_mm:.2f} mm"
    return _noted(marked, f"{what}; on a model whose points are known, such ones were 2.3 mm off (median)")


def completed(head: LinearHead, file: Path | None = None) -> LinearHead:
    """Return a head with landmarks: those of the file, its own, or else derived ones; without any a note says why.

    Derived are landmarks only where one of NoW's seven is unknown. Codes and their head are told apart by its file, so that
    nothing else of the head changes.

    Raises:
        InputError: see `with_landmark_file`.
        WeightsError: see `with_landmark_file`.
    """
    if file is not None:
        return with_landmark_file(head, file)
    if head.has_field("now7"):
        return head
    try:
        return with_derived_landmarks(head)
    except HeadformError as error:
        return _noted(head, f"no landmarks were derived: {error.message}; give them with --landmarks FILE")


def _vertex_numbers(path: Path) -> list[int]:
    """Return the whole numbers of a text file that holds 7, 51 or 68 of them and nothing else; none of any other."""
    try:
        words = read_bytes(path, max_bytes=_TEXT_BYTES).decode().replace(",", " ").strip().strip("[]").split()
        numbers = [int(word) for word in words] if len(words) in _COUNTS else []
    except (ValueError, WeightsError):
        return []
    return numbers


def _at_vertices(head: LinearHead, numbers: list[int], path: Path) -> LinearHead:
    low, high, count = min(numbers), max(numbers), len(head.mean)
    if low < 0 or high >= count:
        what = f"the landmarks are vertices {low} to {high}, {head.name} has 0 to {count - 1}"
        raise WeightsError("model_index", what, repr(str(path)), "give the vertices of this model, counted from 0")
    chosen = np.full(68, -1, np.int64)
    chosen[list(_COUNTS[len(numbers)])] = numbers
    known = chosen >= 0
    marked = _marked(head, np.repeat(chosen.clip(0)[:, None], 3, axis=1), known[:, None] * np.array([[1.0, 0.0, 0.0]]))
    return _noted(marked, f"{len(numbers)} landmarks were given as vertices ({path.name})")


def _on_surface(head: LinearHead, points: Float64[np.ndarray, "68 3"]) -> tuple[LinearHead, float]:
    """Return a head with landmarks at the closest places of its skin, and their median distance from there, meters."""
    known = np.isfinite(points).all(axis=1)
    vertices, faces = _skin(head)
    near = ClosestPointTree.of(vertices, faces).query(points[known])
    corners, weights = np.zeros((68, 3), np.int64), np.zeros((68, 3))
    corners[known], weights[known] = faces[near.triangle], near.weights
    return _marked(head, corners, weights), float(np.median(np.sqrt(near.squared)))


def _marked(head: LinearHead, corners: Int[np.ndarray, "68 3"], weights: Float[np.ndarray, "68 3"]) -> LinearHead:
    """Return a head with landmarks, and the seven of NoW as the vertices of largest weight where all are known."""
    nearest = corners[np.arange(68), weights.argmax(axis=1)]
    seven = list(NOW7)
    whole = bool((weights[seven] != 0).any(axis=1).all())
    return replace(
        head,
        landmark_vertices=torch.from_numpy(corners),
        landmark_weights=torch.from_numpy(weights).to(head.mean),
        landmark_offset=torch.zeros(68, 3).to(head.mean),
        now7=torch.from_numpy(nearest[seven]) if whole else head.now7,
    )


def _skin(head: LinearHead) -> tuple[Float64[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Return the mean, and the triangles that a scan would show."""
    faces = head.faces.cpu().numpy()
    return head.mean.double().cpu().numpy(), faces[outer(head)[faces].all(axis=1)]


def _noted(head: LinearHead, note: str) -> LinearHead:
    return replace(head, provenance=replace(head.provenance, notes=(*head.provenance.notes, note)))
