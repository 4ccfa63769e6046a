"""Errors as colors on surfaces: on a scan beside the head that was measured, and on the mean face for whole benchmarks.

V vertices, P measured points, H W pixels. Errors are in millimeters.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from jaxtyping import Float, Int, UInt8

from headform.evaluate.scan.face_regions import map_face, mean_face
from headform.evaluate.scan.landmarks7 import face_frame
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.scan_error import CroppedScan, ScanError
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.units import MM_PER_M, OUTER_EYES_M
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.render.drawing import Look, draw
from headform.viz.mesh_error_picture import YAWS, error_colors, scale_sheet
from headform.viz.portrait import portrait_camera

SIDE = 320
"""Side of a tile, pixels."""
_PAPER = 255.0
_FRAME = 1.25
"""Extent of what frames a face over that of its landmarks."""


def draw_mean_maps(
    maps: Mapping[str, Float[np.ndarray, " V"]], *, title: str = "", top_mm: float | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw errors on the mean face, a column each, from two sides.

    Args:
        maps: Label of each column to errors at the vertices of `mean_face`; NaN is gray.
        title: Line above.
        top_mm: Error of the darkest color; the 98th percentile of all, rounded up to a tenth, if absent.
    """
    mesh, landmarks = mean_face()
    top = top_mm or top_of(np.concatenate(list(maps.values())))
    columns = [(label, mesh, _look(errors, top)) for label, errors in maps.items()]
    cameras = [portrait_camera(_face(landmarks), yaw, SIDE) for yaw in YAWS]
    return scale_sheet(columns, cameras, top_mm=top, side=SIDE, title=title)


def draw_scan_error(
    scan: Surface, cropped: CroppedScan, prediction: Surface, found: ScanError, *, top_mm: float | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw the scan, the aligned head, and the errors on the scan; on the mean face where the scan has no triangles.

    Args:
        scan: The scan.
        cropped: Its measured part.
        prediction: The head that was measured.
        found: Its errors.
        top_mm: Error of the darkest color; the 98th percentile, rounded up to a tenth, if absent.
    """
    axes = face_frame(cropped.landmarks)
    middle = cropped.landmarks.mean(axis=0)

    def placed(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        return (points - middle) @ axes / MM_PER_M

    top = top_mm or top_of(found.distances)
    head = TriangleMesh(placed(found.alignment.apply(prediction.vertices)), prediction.faces)
    columns = [("head, aligned", head, Look(clay=True))]
    if len(scan.faces):
        errors = np.full(len(scan.vertices), np.nan)
        errors[cropped.rows] = found.distances
        mesh = TriangleMesh(placed(scan.vertices), scan.faces)
        columns = [("scan", mesh, Look(clay=True)), *columns, ("error on the scan", mesh, _look(errors, top))]
    else:
        carried = map_face(cropped.points, cropped.landmarks).carried(found.distances)
        mean, landmarks = mean_face()
        mean = TriangleMesh((mean.vertices - landmarks.mean(axis=0)) @ face_frame(landmarks), mean.faces)
        columns.append(("error on the mean face", mean, _look(carried, top)))
    cameras = [portrait_camera(_face(placed(cropped.landmarks)), yaw, SIDE) for yaw in YAWS]
    title = f"median {found.median:.2f} mm, mean {found.mean:.2f} mm, std {found.std:.2f} mm"
    return scale_sheet(columns, cameras, top_mm=top, side=SIDE, title=title)


def scan_tile(scan: Surface, cropped: CroppedScan, side: int) -> UInt8[np.ndarray, "S S 3"] | None:
    """Draw a scan as clay from the front; None where it has no triangles."""
    if not len(scan.faces):
        return None
    mesh, camera = _from_the_front(scan.vertices, scan.faces, cropped.landmarks, side)
    return draw(mesh, camera, (side, side), Look(clay=True)).over(_PAPER)


def error_tile(
    scan: Surface, cropped: CroppedScan, found: ScanError, top_mm: float, side: int
) -> UInt8[np.ndarray, "S S 3"]:
    """Draw errors on a scan from the front, on the mean face where the scan has no triangles.

    Args:
        scan: The scan.
        cropped: Its measured part.
        found: Errors on it.
        top_mm: Error of the darkest color.
        side: S, pixels.
    """
    if len(scan.faces):
        errors = np.full(len(scan.vertices), np.nan)
        errors[cropped.rows] = found.distances
        mesh, camera = _from_the_front(scan.vertices, scan.faces, cropped.landmarks, side)
    else:
        errors = map_face(cropped.points, cropped.landmarks).carried(found.distances)
        mean, landmarks = mean_face()
        mesh, camera = _from_the_front(mean.vertices, mean.faces, landmarks, side)
    return draw(mesh, camera, (side, side), _look(errors, top_mm)).over(_PAPER)


def _from_the_front(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], landmarks: Float[np.ndarray, "7 3"], side: int
) -> tuple[TriangleMesh, PerspectiveCamera]:
    """Turn a mesh upright and scale it to meters by its own frame; its camera frames the face with its chin."""
    axes, middle = face_frame(landmarks), landmarks.mean(axis=0)
    scale = OUTER_EYES_M / float(np.linalg.norm(landmarks[0] - landmarks[3]))
    mesh = TriangleMesh(scale * (vertices - middle) @ axes, faces)
    return mesh, portrait_camera(_face(scale * (landmarks - middle) @ axes), 0.0, side)


def _face(landmarks: Float[np.ndarray, "7 3"]) -> Float[np.ndarray, "7 3"]:
    """Points that frame the face with its chin; the landmarks end at mouth and eyes."""
    middle = landmarks.mean(axis=0)
    return np.asarray(middle + _FRAME * (landmarks - middle))


def _look(errors: Float[np.ndarray, " V"], top: float) -> Look:
    return Look(values=errors, palette=partial(error_colors, top=top))


def top_of(errors: Float[np.ndarray, " N"]) -> float:
    """Return the 98th percentile of errors, rounded up to a tenth of a millimeter."""
    known = errors[np.isfinite(errors)]
    return max(float(np.ceil(np.percentile(known, 98) * 10)) / 10, 0.1) if len(known) else 1.0
