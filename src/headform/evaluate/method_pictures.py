"""Results of several methods for a folder of photos, as rows of a sheet.

Of a photo DIR/A/B/NAME.jpg a method's folder may hold

    manifest.jsonl with that photo         a result of `headform reconstruct`, drawn in the photo's pose
    A/B/NAME.obj or .ply, .npy or .txt     a neutral mesh with 7 or 68 landmarks, as `evaluate import` writes, from the front
    A/B/NAME.png or .jpg                   a picture of the method's own

S side of a tile, pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from headform import images
from headform.errors import HeadformError, InputError
from headform.evaluate.now.layout import LANDMARKS, MESHES
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.landmarks7 import check_order, face_frame
from headform.evaluate.scan.mesh_files import read_surface
from headform.export.manifest import MANIFEST, absolute, read_manifest
from headform.export.result_folder import PARAMETERS, read_parameters
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.units import OUTER_EYES_M
from headform.images.kind import ENDINGS
from headform.io.json_file import read_json
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.viz.method_sheets import SheetRow, fitted_tile, method_sheet, neutral_tile, posed_tile
from headform.viz.overlays import crop_square, cropped

CONDITIONS = {
    "occlusion": ("occlu", "covered"),
    "expression": ("expression", "smil"),
    "rotation": ("rotat", "pose", "profile", "yaw"),
}
"""Headings, and what in a folder's name tells them."""
MOST_ROWS = 60
"""Photos on a sheet."""
_PICTURES = (".png", ".jpg", ".jpeg")
_PHOTOS = tuple(ending for endings in ENDINGS.values() for ending in endings)
_MAX_JSON = 10 << 20
_NEEDED = {
    "vertices": (None, 3), "faces": (None, 3), "K": (3, 3), "R": (3, 3), "t": (3,), "landmarks68": (68, 2),
    "image_size": (2,),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Posed:
    """A head in the camera of its photo."""

    mesh: TriangleMesh
    camera: PerspectiveCamera
    points68: Float[np.ndarray, "68 2"]


def sheet_of_methods(
    photos: Path, methods: Mapping[str, Path], *, conditions: Path | None = None, side: int = 256
) -> tuple[UInt8[np.ndarray, "H W 3"], list[str]]:
    """Draw photos and the results of methods side by side.

    Args:
        photos: Folder of photos, searched recursively; the first `MOST_ROWS` by path are shown.
        methods: Folder of each method by its name.
        conditions: JSON file with an object of headings by photo, the path in `photos` or the file's name; else folders'
            names tell them (`CONDITIONS`).
        side: S.

    Returns:
        The sheet, and a line for each result that could not be read.

    Raises:
        InputError: `folder_empty`: no photos; `results_missing`: a method's folder is not there; `conditions_invalid`; and
            what reading a photo raises.
    """
    found = sorted(p for p in photos.rglob("*") if p.suffix.lower() in _PHOTOS and p.is_file())[:MOST_ROWS]
    if not found:
        raise InputError("folder_empty", "the folder contains no photos", str(photos))
    for folder in methods.values():
        if not folder.is_dir():
            raise InputError("results_missing", "there is no such folder", str(folder))
    named = {} if conditions is None else _read_conditions(conditions)
    manifests = {name: _manifest(folder) for name, folder in methods.items()}
    rows, notes = [], []
    for path in found:
        relative = path.relative_to(photos)
        heading = named.get(relative.as_posix(), named.get(path.name, "")) if named else condition_of(relative)
        results: dict[str, _Posed | UInt8[np.ndarray, "S S 3"] | None] = {}
        for name, folder in methods.items():
            try:
                results[name] = _result(folder, manifests[name].get(absolute(path)), relative, side)
            except HeadformError as error:
                results[name] = None
                notes.append(f"{name}, {relative.as_posix()}: {error}")
        rows.append(_row(heading, images.read(path).rgb, results, side))
    order = {name: number for number, name in enumerate(CONDITIONS)}
    rows.sort(key=lambda row: order.get(row.heading, len(order)))
    return method_sheet(rows, list(methods)), notes


def condition_of(path: Path) -> str:
    """Heading of a photo by the names of its folders, empty where they tell none."""
    parts = [part.lower() for part in path.parts[:-1]]
    for heading, marks in CONDITIONS.items():
        if any(mark in part for part in parts for mark in marks):
            return heading
    return ""


def _read_conditions(path: Path) -> dict[str, str]:
    try:
        content = read_json(path, _MAX_JSON)
    except (OSError, ValueError) as error:
        raise InputError("conditions_invalid", f"cannot read the conditions: {error}", str(path)) from error
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        what = "expected an object of headings by photo"
        fix = 'write {"photo.jpg": "occlusion", …}'
        raise InputError("conditions_invalid", what, str(path), fix)
    return content


def _manifest(folder: Path) -> dict[str, Path]:
    """First face's folder of each photo in the manifest, by the photo's absolute path."""
    if not (folder / MANIFEST).is_file():
        return {}
    entries = read_manifest(folder)
    return {e.path or absolute(e.input): folder / e.faces[0].folder for e in entries if e.faces}


def _result(
    folder: Path, result: Path | None, relative: Path, side: int
) -> "_Posed | UInt8[np.ndarray, 'S S 3'] | None":
    if result is not None:
        values = read_parameters(result / PARAMETERS, _NEEDED)
        mesh = TriangleMesh(values["vertices"], np.asarray(values["faces"], np.int64))
        camera = PerspectiveCamera(*(np.asarray(values[name], np.float64) for name in ("K", "R", "t")))
        return _Posed(mesh, camera, values["landmarks68"])
    base = folder / relative.parent
    mesh_file = _first(base, relative.stem, MESHES)
    landmarks_file = _first(base, relative.stem, LANDMARKS)
    if mesh_file is not None and landmarks_file is not None:
        return _from_the_front(mesh_file, landmarks_file, side)
    picture = _first(base, relative.stem, _PICTURES)
    return None if picture is None else fitted_tile(images.read(picture).rgb, side)


def _from_the_front(mesh_file: Path, landmarks_file: Path, side: int) -> UInt8[np.ndarray, "S S 3"]:
    """Draw a mesh of any unit and frame, at the size of a mean adult."""
    surface, landmarks = read_surface(mesh_file), read_landmarks7(landmarks_file)
    check_order(landmarks, str(landmarks_file))
    axes, middle = face_frame(landmarks), landmarks.mean(axis=0)
    scale = OUTER_EYES_M / float(np.linalg.norm(landmarks[0] - landmarks[3]))
    mesh = TriangleMesh(scale * (surface.vertices - middle) @ axes, surface.faces)
    return neutral_tile(mesh, scale * (landmarks - middle) @ axes, side)


def _row(
    heading: str,
    rgb: UInt8[np.ndarray, "H W 3"],
    results: "Mapping[str, _Posed | UInt8[np.ndarray, 'S S 3'] | None]",
    side: int,
) -> SheetRow:
    """Crop the photo around the face where a result tells its place, and pose heads in the same crop."""
    placed = next((r for r in results.values() if isinstance(r, _Posed)), None)
    if placed is None:
        tiles = {name: r for name, r in results.items() if not isinstance(r, _Posed)}
        return SheetRow(heading, fitted_tile(rgb, side), tiles)
    points = placed.points68
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])
    left, top, width = crop_square(points, box)

    def tile(result: "_Posed | UInt8[np.ndarray, 'S S 3'] | None") -> "UInt8[np.ndarray, 'S S 3'] | None":
        if not isinstance(result, _Posed):
            return result
        camera = result.camera.cropped(float(left), float(top)).resized(side / width)
        return posed_tile(result.mesh, camera, side)

    photo = cropped(rgb, left, top, width, side)
    return SheetRow(heading, photo, {name: tile(result) for name, result in results.items()})


def _first(folder: Path, stem: str, suffixes: tuple[str, ...]) -> Path | None:
    return next((folder / f"{stem}{s}" for s in suffixes if (folder / f"{stem}{s}").is_file()), None)
