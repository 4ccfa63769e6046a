"""The folder that `headform reconstruct` writes: names of its files, its manifest, and everything that is read back.

    OUT/manifest.jsonl         one line per input, failures included, written as soon as the input is done
    OUT/NAME/parameters.npz    numbers of one face; see `export.parameters`
    OUT/NAME/landmarks.json    landmarks of one face, for people and scripts
    OUT/NAME/...               meshes, textures and pictures, as asked for by --formats

Of several faces in a photo the folders are NAME_0, NAME_1 and so on, from the largest face to the smallest.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from headform import images
from headform.errors import FaceError, HeadformError, InputError, ResourceError
from headform.geometry.camera import PerspectiveCamera
from headform.io.atomic import write_bytes
from headform.io.file_bytes import read_regular, reason_of
from headform.io.json_file import is_file_name, parse_json
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import ArrayFileError, load_npz

MANIFEST = "manifest.jsonl"
PARAMETERS, LANDMARKS = "parameters.npz", "landmarks.json"
GLB, OBJ, MTL, PLY = "head.glb", "head.obj", "head.mtl", "head.ply"
TEXTURE, ALBEDO = "texture.png", "albedo.png"
OVERLAY, REPORT = "overlay.png", "report.html"

Atlas = Literal["photo", "albedo"]
Shape = tuple[int | None, ...]
_HEAD: Mapping[str, Shape] = {
    "vertices": (None, 3),
    "K": (3, 3),
    "R": (3, 3),
    "t": (3,),
    "light": (9, 3),
    "landmarks68": (68, 2),
    "image_size": (2,),
}
"""Arrays of `parameters.npz` that `read_head` needs."""
_MAX_BYTES = 1 << 30
_MAX_MANIFEST = 256 << 20
"""Largest manifest that is read, bytes; it has a line of about 300 for each photo."""
_AGAIN = "reconstruct the photo again, with obj among --formats"


@dataclass(frozen=True)
class FaceEntry:
    """One face in the manifest.

    Attributes:
        folder: Name of the folder with its files, beside the manifest.
        status: "ok" or "low_confidence".
        confidence: 0 to 1.
        reasons: Reasons for a low confidence.
    """

    folder: str
    status: str
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class ErrorEntry:
    """Reason why an input failed; `exit_code` as if it had been the only input."""

    code: str
    message: str
    exit_code: int

    @classmethod
    def of(cls, error: HeadformError) -> "ErrorEntry":
        """Make an entry of the error that ended this input."""
        return cls(error.code, str(error), error.exit_code)


@dataclass(frozen=True)
class Entry:
    """One line of the manifest: an input and its faces or its error.

    Attributes:
        input: Path as it was named.
        status: "ok" when a head was written for it, else "failed".
        faces: Faces from the largest to the smallest.
        notes: Changes on the way in (turned upright, scaled, ...).
        error: None when `status` is "ok".
        seconds: Time from reading to the last file written.
    """

    input: str
    status: Literal["ok", "failed"]
    faces: tuple[FaceEntry, ...] = ()
    notes: tuple[str, ...] = ()
    error: ErrorEntry | None = None
    seconds: float = 0.0

    def line(self) -> str:
        """Format as one line of JSON, in ASCII, without its line break."""
        return json.dumps(asdict(self), allow_nan=False)


class Manifest:
    """Writer of `manifest.jsonl`; used as a context.

    The file of an earlier run is replaced by an empty one at once. Each line is handed to the system whole as it comes, so
    that a run that is killed leaves the lines of what was done; the file is forced to the disk at the end.

    Raises:
        ResourceError: `write_failed`.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / MANIFEST
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise _failed(cause, folder) from cause
        write_bytes(self._path, b"")
        try:
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as cause:
            raise _failed(cause, self._path) from cause

    def __enter__(self) -> "Manifest":
        return self

    def add(self, entry: Entry) -> None:
        """Append one line."""
        line = entry.line().encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._handle, line) :]
        except OSError as cause:
            raise _failed(cause, self._path) from cause

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            os.fsync(self._handle)
        except OSError as cause:
            if error is None:
                raise _failed(cause, self._path) from cause
        finally:
            os.close(self._handle)


def read_manifest(folder: Path) -> list[Entry]:
    """Read the manifest of a result folder.

    Entries name folders beside the manifest only: of a path, the last part is taken.

    Raises:
        InputError: `results_missing` when it cannot be read; `results_invalid` when it cannot be parsed.
    """
    path = folder / MANIFEST
    try:
        lines = read_regular(path, _MAX_MANIFEST).decode().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error)
        message = f"cannot read the manifest of the results: {reason}"
        raise InputError("results_missing", message, str(path), "name the folder given to its -o") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(_entry(parse_json(line)))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            message = f"not a manifest of headform reconstruct: {error!s:.200}"
            raise InputError("results_invalid", message, f"{path}, line {number}") from error
    return entries


def _entry(value: Any) -> Entry:
    for face in value["faces"]:
        if not is_file_name(face["folder"]):
            raise ValueError(f"`folder` is no name of a folder: {face['folder']!a:.60}")
    faces = tuple(
        FaceEntry(
            folder=Path(face["folder"]).name,
            status=str(face.get("status", "ok")),
            confidence=float(face.get("confidence", 1.0)),
            reasons=tuple(face.get("reasons", ())),
        )
        for face in value["faces"]
    )
    found, error = value.get("error"), None
    if found is not None:
        error = ErrorEntry(str(found["code"]), str(found["message"]), int(found["exit_code"]))
    return Entry(
        input=str(value["input"]),
        status="failed" if error is not None else "ok",
        faces=faces,
        notes=tuple(value.get("notes", ())),
        error=error,
        seconds=float(value.get("seconds", 0.0)),
    )


def read_parameters(
    path: Path, shapes: Mapping[str, Shape | None], *, hint: str = "reconstruct the photo again"
) -> dict[str, Any]:
    """Read arrays of a `parameters.npz`.

    Args:
        path: The file.
        shapes: Array names to shapes, None for any length; arrays with a shape must hold finite numbers, those without one
            are not checked.
        hint: Remedy named in errors.

    Raises:
        InputError: `results_incomplete` without the file; `results_invalid` for a damaged one or other arrays.
    """
    _require(path, hint)
    try:
        values = load_npz(path, tuple(shapes), max_bytes=_MAX_BYTES)
    except ArrayFileError as error:
        raise InputError("results_invalid", error.message, str(path), hint) from error
    for name, shape in shapes.items():
        if shape is None:
            continue
        array = values[name]
        fits = array.ndim == len(shape) and all(
            wanted is None or n == wanted for n, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            message = f"`{name}` is {array.dtype} {array.shape}, expected finite numbers {shape}"
            raise InputError("results_invalid", message, str(path), hint)
    return values


@dataclass(frozen=True)
class WrittenHead:
    """A head as its files describe it.

    Attributes:
        mesh: Meters, head frame, with the photo's expression, in its square texture.
        light: (9, 3) harmonics that shade the texture, linear RGB, camera frame; None where the photo's light is in it.
        camera: Camera of the photo as it lies in its file.
        image_size: Width and height of that photo, pixels.
        points68: (68, 2) pixels, iBUG's order.
    """

    mesh: TriangleMesh
    light: Float[np.ndarray, "9 3"] | None
    camera: PerspectiveCamera
    image_size: tuple[int, int]
    points68: Float[np.ndarray, "68 2"]


def read_head(folder: Path, atlas: Atlas = "photo") -> WrittenHead:
    """Read a head from `parameters.npz`, `head.obj` and a texture.

    Args:
        folder: Folder of one face.
        atlas: ``photo`` takes `texture.png` with the photo's light in it; ``albedo`` takes `albedo.png`, or `texture.png`
            where there is none (`reconstruct --texture albedo`), and shades it by the light that was found.

    Raises:
        InputError: `results_incomplete` for a file that is missing, `results_invalid` for one that is damaged or does not
            belong to the others.
    """
    values = read_parameters(folder / PARAMETERS, _HEAD, hint=_AGAIN)
    mesh_path = folder / OBJ
    _require(mesh_path, _AGAIN)
    mesh = obj.read(mesh_path)
    vertices = values["vertices"]
    if mesh.uv is None or mesh.uv_faces is None or len(mesh.vertices) != len(vertices):
        message = f"{OBJ} is not the mesh of {PARAMETERS}, or has no texture coordinates"
        raise InputError("results_invalid", message, str(mesh_path), _AGAIN)
    texture_path = folder / TEXTURE
    if atlas == "albedo" and (folder / ALBEDO).exists():
        texture_path = folder / ALBEDO
    _require(texture_path, _AGAIN)
    try:
        texture = images.read(texture_path).rgb
    except FaceError as error:  # a few pixels of gray are written where no texture was made
        message = "the result was written without a texture"
        raise InputError("results_incomplete", message, str(texture_path), _AGAIN) from error
    if texture.shape[0] != texture.shape[1]:
        message = f"the texture has {texture.shape[1]}x{texture.shape[0]} pixels and is not square"
        raise InputError("results_invalid", message, str(texture_path), _AGAIN)
    width, height = (int(n) for n in values["image_size"])
    return WrittenHead(
        mesh=TriangleMesh(vertices, mesh.faces, uv=mesh.uv, uv_faces=mesh.uv_faces, texture=texture),
        light=values["light"] if atlas == "albedo" else None,
        camera=PerspectiveCamera(*(np.asarray(values[name], np.float64) for name in ("K", "R", "t"))),
        image_size=(width, height),
        points68=values["landmarks68"],
    )


def _require(path: Path, hint: str) -> None:
    if not path.is_file():
        raise InputError("results_incomplete", "this file of the result is missing", str(path), hint)


def _failed(cause: OSError, path: Path) -> ResourceError:
    reason = (cause.strerror or str(cause)).lower()
    advice = "choose a writable folder on a disk with free space"
    return ResourceError("write_failed", f"cannot write here: {reason}", str(path), advice)
