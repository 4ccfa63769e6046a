"""What `headform reconstruct` wrote, read back for measuring: parameters, texture, and the photo it belongs to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from headform import images
from headform.errors import FaceError, InputError
from headform.geometry.camera import PerspectiveCamera
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import ArrayFileError, load_npz

Atlas = Literal["photo", "albedo"]
_PARAMETERS = {
    "vertices": (None, 3),
    "K": (3, 3),
    "R": (3, 3),
    "t": (3,),
    "light": (9, 3),
    "landmarks68": (68, 2),
    "image_size": (2,),
}
_MAX_BYTES = 1 << 30
_AGAIN = "reconstruct the photo again, with obj among --formats"


@dataclass(frozen=True)
class WrittenFace:
    """A face's folder, as the manifest names it.

    Attributes:
        photo: The path of the photo, as it was given.
        folder: Where the files are.
        status: ``ok`` or ``low_confidence``.
    """

    photo: Path
    folder: Path
    status: str


@dataclass(frozen=True)
class WrittenHead:
    """A head as its files say.

    Attributes:
        mesh: Meters, head frame, with the photo's expression, in its square texture.
        light: (9, 3) harmonics that shade the texture, linear RGB, camera frame; None where the photo's light is in it.
        camera: Of the photo as it lies in its file.
        image_size: Width and height of that photo, pixels.
        points68: iBUG's points, pixels.
    """

    mesh: TriangleMesh
    light: Float[np.ndarray, "9 3"] | None
    camera: PerspectiveCamera
    image_size: tuple[int, int]
    points68: Float[np.ndarray, "68 2"]


def list_results(folder: Path, photos: Path | None = None) -> tuple[list[WrittenFace], list[tuple[str, str]]]:
    """The faces that the manifest of a result folder lists, and the inputs that have none.

    Args:
        folder: What `headform reconstruct -o` was given.
        photos: Where the photos lie, by their names; None takes their paths as they were given.

    Returns:
        Faces in the order of the inputs, and for each failed input its path and its error's message.

    Raises:
        InputError: `results_missing` without a manifest; `results_invalid` when it cannot be understood or lists nothing.
    """
    path = folder / "manifest.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot read the manifest of the results: {reason}"
        advice = "name the folder that `headform reconstruct -o` wrote"
        raise InputError("results_missing", what, str(path), advice) from error
    faces: list[WrittenFace] = []
    failed: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            photo = Path(entry["input"])
            if entry["status"] != "ok":
                failed.append((entry["input"], str(entry["error"]["message"])))
            for face in entry["faces"]:
                where = folder / Path(face["folder"]).name
                source = photo if photos is None else photos / photo.name
                faces.append(WrittenFace(source, where, str(face["status"])))
        except (ValueError, LookupError, TypeError) as error:
            what = f"the manifest cannot be understood: {error}"
            raise InputError("results_invalid", what, f"{path}, line {number}") from error
    if not faces and not failed:
        raise InputError("results_invalid", "the manifest lists nothing", str(path))
    return faces, failed


def read_head(folder: Path, atlas: Atlas = "photo") -> WrittenHead:
    """A head from `parameters.npz`, `head.obj` and a texture.

    Args:
        folder: Of one face.
        atlas: ``photo`` takes `texture.png` with the photo's light in it; ``albedo`` takes `albedo.png`, or `texture.png`
            where there is none (`reconstruct --texture albedo`), and shades it by the light that was found.

    Raises:
        InputError: `results_incomplete` for a file that is missing, `results_invalid` for one that is damaged or does not
            belong to the others.
    """
    values = _parameters(folder / "parameters.npz")
    mesh_path = folder / "head.obj"
    _present(mesh_path)
    mesh = obj.read(mesh_path)
    vertices = values["vertices"]
    if mesh.uv is None or mesh.uv_faces is None or len(mesh.vertices) != len(vertices):
        what = "head.obj is not the mesh of parameters.npz, or has no texture coordinates"
        raise InputError("results_invalid", what, str(mesh_path), _AGAIN)
    texture_path = folder / "texture.png"
    if atlas == "albedo" and (folder / "albedo.png").exists():
        texture_path = folder / "albedo.png"
    _present(texture_path)
    try:
        texture = images.read(texture_path).rgb
    except FaceError as error:  # a few pixels of gray are written where no texture was made
        what = "the result has no texture of its own"
        raise InputError("results_incomplete", what, str(texture_path), _AGAIN) from error
    if texture.shape[0] != texture.shape[1]:
        what = f"a texture of {texture.shape[1]}x{texture.shape[0]} pixels"
        raise InputError("results_invalid", what, str(texture_path), _AGAIN)
    width, height = (int(n) for n in values["image_size"])
    return WrittenHead(
        mesh=TriangleMesh(vertices, mesh.faces, uv=mesh.uv, uv_faces=mesh.uv_faces, texture=texture),
        light=values["light"] if atlas == "albedo" else None,
        camera=PerspectiveCamera(*(np.asarray(values[name], np.float64) for name in ("K", "R", "t"))),
        image_size=(width, height),
        points68=values["landmarks68"],
    )


def _present(path: Path) -> None:
    if not path.is_file():
        raise InputError("results_incomplete", "this file of the result is missing", str(path), _AGAIN)


def _parameters(path: Path) -> dict[str, Any]:
    """The arrays, with shapes and values as documented in `export.parameters`."""
    _present(path)
    try:
        values = load_npz(path, _PARAMETERS, max_bytes=_MAX_BYTES)
    except ArrayFileError as error:
        raise InputError("results_invalid", error.message, str(path), _AGAIN) from error
    for name, shape in _PARAMETERS.items():
        array = values[name]
        fits = array.ndim == len(shape) and all(
            wanted is None or n == wanted for n, wanted in zip(array.shape, shape, strict=True)
        )
        if not fits or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            what = f"`{name}` is {array.dtype} {array.shape}, expected finite numbers {shape}"
            raise InputError("results_invalid", what, str(path), _AGAIN)
    return values
