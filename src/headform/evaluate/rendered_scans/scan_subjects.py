"""Read scans to be photographed and measured: mesh, colors, seven landmarks, unit.

V vertices, F triangles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from jaxtyping import Bool, Float64

from headform.errors import InputError, check_choice
from headform.evaluate.scan.landmark7_files import SUFFIXES, read_landmarks7
from headform.evaluate.scan.mesh_files import Surface
from headform.evaluate.scan.sanity_checks import SCAN_EYES
from headform.geometry.landmarks68 import NOW7
from headform.geometry.units import MM_PER_M, OUTER_EYES_M, InputUnit, infer_unit, mm_per
from headform.heads.linear import LinearHead
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.fit_source import color_picture, read_mesh
from headform.synth.scan_photos import PlacedScan, place, seen_from_front

Finder = Callable[[TriangleMesh, str], Float64[np.ndarray, "7 3"]]
"""Seven landmarks of a scan without a landmark file, in its own unit; the name is for messages."""

MESHES = (".obj", ".ply")
FOUND = "found on its pictures"


@dataclass(frozen=True, eq=False)
class ScanSubject:
    """One scan.

    Attributes:
        name: Stem of its file.
        placed: Scan with texture or vertex colors, in the head frame.
        vertices: (V, 3) own unit and frame.
        seen: (V,) mask of the vertices that a scanner in front could have seen; only they are measured.
        now7: (7, 3) landmarks, own unit, in the order of the NoW protocol.
        landmark_source: File of the landmarks, or `FOUND`.
        unit: Unit that is assumed; empty where the scan would be a head in none, so that it is scaled to the mean head.
        millimeters: Millimeters per unit of the scan.
        unit_known: True if the unit was given; else it was inferred from the eyes' distance, the true size is unknown.
    """

    name: str
    placed: PlacedScan
    vertices: Float64[np.ndarray, "V 3"]
    seen: Bool[np.ndarray, " V"]
    now7: Float64[np.ndarray, "7 3"]
    landmark_source: str
    unit: str
    millimeters: float
    unit_known: bool

    def surface(self) -> Surface:
        """The vertices that can be seen, in millimeters, as a cloud of points."""
        points = self.vertices[self.seen] * self.millimeters
        return Surface(points, np.zeros((0, 3), np.int64), self.name)

    def landmarks(self) -> Float64[np.ndarray, "7 3"]:
        """Landmarks in millimeters."""
        return self.now7 * self.millimeters


def list_scans(paths: Sequence[Path]) -> list[Path]:
    """OBJ and PLY files: those named, and those of the folders named, at any depth, sorted.

    Raises:
        InputError: `scan_missing` (no such file or folder, a folder without one), `scan_twice` (two of one stem).
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.suffix.lower() in MESHES)
            if not found:
                raise InputError("scan_missing", "the folder holds no OBJ or PLY file", str(path))
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise InputError("scan_missing", "there is no such file or folder", str(path))
    stems = [path.stem for path in files]
    twice = next((stem for stem in stems if stems.count(stem) > 1), None)
    if twice is not None:
        where = ", ".join(str(path) for path in files if path.stem == twice)
        raise InputError("scan_twice", f"two scans have the name {twice}", where, "rename one of them")
    return files


def read_scan(
    path: Path,
    find: Finder,
    head: LinearHead,
    *,
    texture: Path | None = None,
    landmarks: Path | None = None,
    unit: InputUnit = "auto",
) -> ScanSubject:
    """Read a scan, its colors and its landmarks.

    Args:
        path: OBJ or PLY file.
        find: Finder of the landmarks when there is no file of them.
        head: Head whose mean face the scan is aligned to for its photos.
        texture: Picture over its texture coordinates; else one of the scan's stem, else the only one beside it whose name
            speaks of color (col, diff, albedo, tex).
        landmarks: Seven points in the scan's unit; else a file of the scan's stem: .pp, .txt, .npy, .lnd, or .json with a
            list of seven rows (or {"now7": ...}).
        unit: Unit of the scan; "auto" takes the one in which its outer eye corners are nearest to a head's; where they
            are a head's in none, the scan is scaled to the mean head.

    Raises:
        InputError: from the readers; `scan_untextured` when there are neither texture nor vertex colors.
        FaceError: from `find`.
    """
    mesh, _ = read_mesh(path, texture or color_picture(path))
    if not mesh.colored:
        raise InputError(
            "scan_untextured",
            "the scan has neither a texture nor vertex colors, so it makes no photo",
            str(path),
            "give its picture with --texture, or name the textured scans one by one",
        )
    file = landmarks or landmark_file(path)
    now7 = find(mesh, path.name) if file is None else read_landmarks7(file)
    outer = float(np.linalg.norm(now7[0] - now7[3]))
    if not outer > 0:
        raise InputError("landmarks_degenerate", "the outer eye corners coincide", str(file or path))
    chosen, millimeters = scan_size(outer, unit)
    source = FOUND if file is None else file.name
    try:
        placed = place(mesh, now7, head)
    except ValueError as error:
        raise InputError("landmarks_degenerate", str(error), str(file or path)) from error
    vertices = np.asarray(mesh.vertices, np.float64)
    known = unit != "auto"
    return ScanSubject(
        path.stem,
        placed,
        vertices,
        seen_from_front(placed),
        now7,
        source,
        chosen,
        millimeters,
        known,
    )


def scan_size(outer: float, unit: InputUnit) -> tuple[str, float]:
    """Unit and millimeters in it of a scan whose outer eye corners are `outer` apart."""
    check_choice(unit, get_args(InputUnit), "unit")
    chosen = infer_unit(outer) if unit == "auto" else unit
    millimeters = mm_per(chosen)
    low, high = SCAN_EYES
    if unit == "auto" and not low <= outer * millimeters <= high:
        return "", MM_PER_M * OUTER_EYES_M / outer
    return chosen, millimeters


def landmark_finder() -> Finder:
    """Landmarks by the landmark network, from pictures of the scan; the networks are loaded when first needed.

    They are the same networks that the built-in reconstruction uses: their errors may be shared.
    """
    from headform.registration.scan_landmarks import ScanLandmarker

    loaded: list[ScanLandmarker] = []

    def find(mesh: TriangleMesh, name: str) -> Float64[np.ndarray, "7 3"]:
        if not loaded:
            loaded.append(ScanLandmarker.load())
        return loaded[0].find(mesh, name=name).points[list(NOW7)]

    return find


def landmark_file(path: Path) -> Path | None:
    """Return the file of seven landmarks beside a scan, if there is one."""
    beside = (path.with_suffix(ending) for ending in SUFFIXES)
    return next((file for file in beside if file.is_file()), None)
