"""Results of several methods for a folder of photos, as rows of a sheet.

Of a photo DIR/A/B/NAME.jpg a method's folder may hold

    manifest.jsonl with that photo         a result of `headform reconstruct`, drawn in the photo's pose
    A/B/NAME.obj or .ply, .npy or .txt     a mesh with 7 or 68 landmarks, as `evaluate import` writes, from the front
    A/B/NAME.obj or .ply                   a mesh of Basel's vertices, of which seven are known
    A/B/NAME.png or .jpg                   a picture of the method's own
    A/B/NAME/NAME.* (or the only file)     any of these in a folder of the photo's name
    A/B/NAME_*.*                           any of these with an ending of the method's own, if there is one such file

Shapes are drawn as clay. With colors instead, heads of results cover the photo in their texture, or in the model's albedo in
the light that was found, as texture papers show them; meshes have their own colors, and a method's own picture goes before
them.

S side of a tile, pixels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8

from headform import images
from headform.errors import HeadformError, InputError, check_choice
from headform.evaluate.images.rerender import rerender
from headform.evaluate.method_errors import MEAN, ScanColumns, mean_open_head, neutral_of
from headform.evaluate.now.layout import LANDMARKS, MESHES
from headform.evaluate.peers.seven_points import is_like_a_face
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.landmarks7 import check_order, face_frame
from headform.export.manifest import MANIFEST, absolute, read_manifest
from headform.export.result_folder import PARAMETERS, PLY, Atlas, WrittenHead, read_head, read_parameters
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import NOW7
from headform.geometry.units import OUTER_EYES_M
from headform.images.kind import ENDINGS
from headform.images.photo import Photo
from headform.importers.basel_topology import landmark_vertices
from headform.io.json_file import read_json
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.registration.fit_source import read_mesh
from headform.viz.method_sheets import SheetRow, fitted_tile, method_sheet, neutral_tile, posed_tile
from headform.viz.overlays import crop_square, cropped

Shown = Literal["shape", "texture", "albedo"]
"""Sort of picture: clay, the texture with the photo's light in it, or the albedo in the light that was found."""
_ATLAS: Mapping[str, Atlas] = {"texture": "photo", "albedo": "albedo"}
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
    """A head in the camera of its photo, or drawn over the photo in colors."""

    mesh: TriangleMesh
    camera: PerspectiveCamera
    points68: Float[np.ndarray, "68 2"]
    drawn: UInt8[np.ndarray, "H W 3"] | None = None


def sheet_of_methods(
    photos: Path,
    methods: Mapping[str, Path],
    *,
    conditions: Path | None = None,
    shown: Shown = "shape",
    mean: bool = False,
    scans: ScanColumns | None = None,
    side: int = 256,
) -> tuple[UInt8[np.ndarray, "H W 3"], list[str]]:
    """Draw photos and the results of methods side by side.

    Args:
        photos: Folder of photos, searched recursively; the first `MOST_ROWS` by path are shown.
        methods: Folder of each method by its name.
        conditions: JSON file with an object of headings by photo, the path in `photos` or the file's name; else folders'
            names tell them (`CONDITIONS`).
        shown: Sort of picture.
        mean: Add a column with the open head's mean, posed as the first head that is.
        scans: Scans of the photos' people, for a column of them and one of errors for each method and the mean head.
        side: S.

    Returns:
        The sheet, and a line for each result that could not be read.

    Raises:
        InputError: `folder_empty`: no photos; `results_missing`: a method's folder is not there; `conditions_invalid`; and
            what reading a photo raises.
    """
    check_choice(shown, get_args(Shown), "shown")
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
        photo, results = images.read(path), dict[str, "_Posed | UInt8[np.ndarray, 'S S 3'] | None"]()
        for name, folder in methods.items():
            try:
                own = manifests[name].get(absolute(path))
                results[name] = (
                    _method_tile(folder, relative, side, shown) if own is None else _posed(own, photo, shown)
                )
            except HeadformError as error:
                results[name] = None
                notes.append(f"{name}, {relative.as_posix()}: {error}")
        if mean:
            results[MEAN] = _mean_tile(results.values(), side)
        rows.append(_row(heading, photo.rgb, results, side))
        if scans is not None:
            readers = {
                n: partial(neutral_of, f, manifests[n].get(absolute(path)), relative) for n, f in methods.items()
            }
            notes += scans.measure(rows[-1], relative, readers | ({MEAN: mean_open_head} if mean else {}))
    names, top = [*methods, *([MEAN] if mean else [])], None
    columns = list(names)
    if scans is not None:
        rows, more, top = scans.finish(names, side)
        columns += more
    order = {name: number for number, name in enumerate(CONDITIONS)}
    rows.sort(key=lambda row: order.get(row.heading, len(order)))
    return method_sheet(rows, columns, top_mm=top), notes


def _mean_tile(
    others: "Iterable[_Posed | UInt8[np.ndarray, 'S S 3'] | None]", side: int
) -> "_Posed | UInt8[np.ndarray, 'S S 3']":
    head = mean_open_head()
    placed = next((other for other in others if isinstance(other, _Posed)), None)
    if placed is None:
        return neutral_tile(TriangleMesh(head.surface.vertices, head.surface.faces), head.landmarks, side)
    mesh = TriangleMesh(np.asarray(head.surface.vertices, np.float32), head.surface.faces)
    return _Posed(mesh, placed.camera, placed.points68)


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


def _posed(result: Path, photo: Photo, shown: Shown) -> _Posed:
    """Read a head of `headform reconstruct`, and draw it over the photo unless its shape is asked for."""
    if shown != "shape":
        head = _colored(result) if shown == "texture" else None
        head = head or read_head(result, _ATLAS[shown])
        return _Posed(head.mesh, head.camera, head.points68, rerender(head, photo.rgb, photo.reduction).rgb)
    values = read_parameters(result / PARAMETERS, _NEEDED)
    mesh = TriangleMesh(values["vertices"], np.asarray(values["faces"], np.int64))
    camera = PerspectiveCamera(*(np.asarray(values[name], np.float64) for name in ("K", "R", "t")))
    return _Posed(mesh, camera, values["landmarks68"])


def _colored(result: Path) -> WrittenHead | None:
    """Read a head whose photo is in the colors of its vertices, for want of texture coordinates; None for another."""
    path = result / PLY
    if not path.is_file():
        return None
    mesh = read_mesh(path)[0]
    if mesh.colors is None:
        return None
    values = read_parameters(result / PARAMETERS, _NEEDED)
    camera = PerspectiveCamera(*(np.asarray(values[name], np.float64) for name in ("K", "R", "t")))
    width, height = (int(n) for n in values["image_size"])
    return WrittenHead(mesh, None, camera, (width, height), values["landmarks68"])


def _method_tile(folder: Path, relative: Path, side: int, shown: Shown) -> UInt8[np.ndarray, "S S 3"] | None:
    """Draw what another method's folder holds of a photo; None where that is nothing."""
    picture, mesh_file = (_first(folder, relative, suffixes) for suffixes in (_PICTURES, MESHES))
    mesh = None if mesh_file is None else read_mesh(mesh_file)[0]
    if picture is not None and mesh_file is not None and mesh is not None and mesh.texture is not None:
        # a picture of the mesh's own stem is its texture
        picture = None if picture.with_suffix("") == mesh_file.with_suffix("") else picture
    tile = None
    if mesh_file is not None and mesh is not None and (shown == "shape" or picture is None):
        landmarks = _seven(mesh, _first(folder, relative, LANDMARKS))
        if landmarks is not None:
            tile = _from_the_front(mesh, landmarks, side, shown)
        elif picture is None:
            what = f"the landmarks of a mesh of {len(mesh.vertices)} vertices are not known"
            fix = "put seven or 68 of them beside it, as `headform evaluate import` does"
            raise InputError("landmarks_missing", what, str(mesh_file), fix)
    return fitted_tile(images.read(picture).rgb, side) if tile is None and picture is not None else tile


def _seven(mesh: TriangleMesh, file: Path | None) -> Float[np.ndarray, "7 3"] | None:
    """Return the landmarks of a file, else those of a known triangulation; None where there are neither."""
    if file is not None:
        landmarks = read_landmarks7(file)
        check_order(landmarks, str(file))
        return landmarks
    known = landmark_vertices(len(mesh.vertices))
    if known is None:
        return None
    landmarks = np.asarray(mesh.vertices[[known[k] for k in NOW7]], np.float64)
    return landmarks if is_like_a_face(landmarks) else None


def _from_the_front(
    mesh: TriangleMesh, landmarks: Float[np.ndarray, "7 3"], side: int, shown: Shown
) -> UInt8[np.ndarray, "S S 3"]:
    """Draw a mesh of any unit and frame, at the size of a mean adult."""
    axes, middle = face_frame(landmarks), landmarks.mean(axis=0)
    scale = OUTER_EYES_M / float(np.linalg.norm(landmarks[0] - landmarks[3]))
    placed = replace(mesh, vertices=scale * (mesh.vertices - middle) @ axes)
    return neutral_tile(placed, scale * (landmarks - middle) @ axes, side, clay=shown == "shape")


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
        if result.drawn is not None:
            return cropped(result.drawn, left, top, width, side)
        camera = result.camera.cropped(float(left), float(top)).resized(side / width)
        return posed_tile(result.mesh, camera, side)

    photo = cropped(rgb, left, top, width, side)
    return SheetRow(heading, photo, {name: tile(result) for name, result in results.items()})


def _first(folder: Path, relative: Path, suffixes: tuple[str, ...]) -> Path | None:
    """Find the file of a photo: of its name, in a folder of its name, or the only one with an ending of the method's own."""
    base, stem = folder / relative.parent, relative.stem
    for place in (base, base / stem):
        named = next((place / f"{stem}{s}" for s in suffixes if (place / f"{stem}{s}").is_file()), None)
        if named is not None:
            return named
    for place, begin in ((base / stem, ""), (base, f"{stem}_")):
        files = [p for p in place.iterdir() if p.name.startswith(begin)] if place.is_dir() else []
        own = sorted(p for p in files if p.suffix.lower() in suffixes and p.is_file())
        if len(own) == 1:
            return own[0]
    return None
