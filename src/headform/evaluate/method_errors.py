"""Columns of a sheet of methods beside the methods' own: the mean head, scans, and the errors of neutral heads on them.

S side of a tile, pixels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from headform.errors import HeadformError
from headform.evaluate.now.layout import LANDMARKS, MESHES
from headform.evaluate.rendered_scans.scan_reconstructors import HeadPrediction, mean_head, predicted_by
from headform.evaluate.rendered_scans.scan_subjects import Finder, landmark_file, landmark_finder, list_scans, scan_size
from headform.evaluate.scan.error_maps import error_tile, scan_tile, top_of
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import Surface, read_surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.scan_error import CroppedScan, ScanError, crop_scan, scan_error
from headform.export.result_folder import PARAMETERS, read_parameters
from headform.heads.loading import load_open
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.synth.scan_photos import place, seen_from_front
from headform.viz.method_sheets import SheetRow

MEAN, SCAN, ERROR = "mean head", "scan", "{}: error"
"""Names of the columns."""
_PROTOCOL = PROTOCOLS["official"]
_SEPARATORS = "_-. "
"""Characters that end a scan's name at the start of a photo's."""


@dataclass(frozen=True, eq=False)
class MeasuredScan:
    """A scan in millimeters and the part of it that is measured."""

    surface: Surface
    cropped: CroppedScan


@dataclass(eq=False)
class _Line:
    row: SheetRow
    scan: MeasuredScan | None
    errors: dict[str, ScanError]


class ScanColumns:
    """Scans by the names of their files, each read when a photo first needs it, and errors by the NoW protocol.

    Args:
        paths: OBJ and PLY files, or folders of them; landmarks lie beside them as for `evaluate scans-rendered`, else they
            are found on the scan's pictures.
        finder: Finder of the landmarks of scans without any; the shipped networks if absent.

    Raises:
        InputError: `scan_missing`, `scan_twice`.
    """

    def __init__(self, paths: Sequence[Path], finder: Finder | None = None) -> None:
        self._files = {path.stem: path for path in list_scans(paths)}
        self._finder = finder or landmark_finder()
        self._read = cache(self._measured)
        self._lines: list[_Line] = []

    def measure(self, row: SheetRow, photo: Path, heads: dict[str, Callable[[], HeadPrediction | None]]) -> list[str]:
        """Measure the heads of a row on the photo's scan, if there is one, and return what could not be measured.

        Args:
            row: The row.
            photo: Path of the photo: a scan of a folder's name, or of the beginning of the file's, is its person's.
            heads: Readers of neutral heads by column; they return None where there is nothing to measure.
        """
        line = _Line(row, None, {})
        self._lines.append(line)
        fits = [name for name in self._files if name in photo.parts[:-1] or _begins(photo.stem, name)]
        if not fits:
            return []
        try:
            line.scan = self._read(max(fits, key=len))
        except HeadformError as error:
            return [f"scan of {photo.as_posix()}: {error}"]
        notes = []
        for name, read in heads.items():
            try:
                head = read()
                if head is not None:
                    line.errors[name] = scan_error(line.scan.cropped, head.surface, head.landmarks, protocol=_PROTOCOL)
            except HeadformError as error:
                notes.append(f"{name}, {photo.as_posix()}, on the scan: {error}")
        return notes

    def finish(self, names: Sequence[str], side: int) -> tuple[list[SheetRow], list[str], float | None]:
        """Draw scans and errors into the rows.

        Args:
            names: Columns whose heads were measured.
            side: S.

        Returns:
            The rows in the order in which they were measured; the new columns, none where no photo has a scan; the error
            of the darkest color, millimeters.
        """
        found = [error.distances for line in self._lines for error in line.errors.values()]
        top = top_of(np.concatenate(found)) if found else None
        columns = [SCAN, *(ERROR.format(name) for name in names)] if any(line.scan for line in self._lines) else []
        return [_drawn(line, columns, top, side) for line in self._lines], columns, top

    def _measured(self, name: str) -> MeasuredScan:
        """Read a scan; only what a scanner in front could have seen is measured."""
        path = self._files[name]
        mesh = read_surface(path, require_faces=False)
        beside = landmark_file(path)
        whole = TriangleMesh(mesh.vertices, mesh.faces)
        now7 = self._finder(whole, name) if beside is None else read_landmarks7(beside)
        _, millimeters = scan_size(float(np.linalg.norm(now7[0] - now7[3])), "auto")
        surface = Surface(mesh.vertices * millimeters, mesh.faces, mesh.name)
        seen = np.ones(len(mesh.vertices), bool)
        if len(mesh.faces):
            seen = seen_from_front(place(whole, now7, load_open()))
        points = Surface(surface.vertices[seen], np.zeros((0, 3), np.int64), mesh.name)
        cropped = crop_scan(points, now7 * millimeters, _PROTOCOL)
        return MeasuredScan(surface, replace(cropped, rows=np.flatnonzero(seen)[cropped.rows]))


def neutral_of(folder: Path, result: Path | None, photo: Path) -> HeadPrediction | None:
    """Read the neutral head that a method's folder holds of a photo.

    Args:
        folder: Folder of the method.
        result: Folder of the face where the method's folder is one of `headform reconstruct`.
        photo: Path of the photo within its folder, by which predictions are named.

    Returns:
        The head; None where there is none, or one of another head model, whose landmarks are not known here.

    Raises:
        InputError: a file that cannot be read.
    """
    if result is not None:
        values = read_parameters(result / PARAMETERS, {"neutral": (None, 3), "head_sha256": None})
        head = load_open()
        own = str(values["head_sha256"]) == head.sha256
        return predicted_by(head, values["neutral"].astype(np.float64)) if own else None
    base = folder / photo.parent / photo.stem
    files = [
        next((f for s in suffixes if (f := base.with_name(base.name + s)).is_file()), None)
        for suffixes in (MESHES, LANDMARKS)
    ]
    if files[0] is None or files[1] is None:
        return None
    return HeadPrediction(read_surface(files[0]), read_landmarks7(files[1]))


def mean_open_head() -> HeadPrediction:
    """Return the open head's mean."""
    return mean_head(load_open())


def _begins(stem: str, name: str) -> bool:
    return stem == name or (stem.startswith(name) and stem[len(name)] in _SEPARATORS)


def _drawn(line: _Line, columns: Sequence[str], top: float | None, side: int) -> SheetRow:
    scan, row = line.scan, line.row
    if scan is None or top is None:
        return replace(row, blank=frozenset(columns))
    tiles = dict(row.tiles) | {SCAN: scan_tile(scan.surface, scan.cropped, side)}
    captions = {}
    for name, error in line.errors.items():
        tiles[ERROR.format(name)] = error_tile(scan.surface, scan.cropped, error, top, side)
        captions[ERROR.format(name)] = f"median {error.median:.2f} mm"
    return replace(row, tiles=tiles, captions=captions, blank=frozenset([SCAN]))
