"""The folder that `headform reconstruct` writes: names of its files, and everything that is read back of a head.

    OUT/manifest.jsonl         one line per input, failures included; see `export.manifest`
    OUT/NAME/parameters.npz    numbers of one face; see `export.parameters`
    OUT/NAME/landmarks.json    landmarks of one face, for people and scripts
    OUT/NAME/...               meshes, textures and pictures, as asked for by --formats

Of several faces in a photo the folders are NAME_0, NAME_1 and so on, from the largest face to the smallest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

from headform import images
from headform.errors import FaceError, InputError, check_choice
from headform.geometry.camera import PerspectiveCamera
from headform.io.mesh import obj
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import ArrayFileError, load_npz

PARAMETERS, LANDMARKS = "parameters.npz", "landmarks.json"
GLB, OBJ, MTL, PLY = "head.glb", "head.obj", "head.mtl", "head.ply"
TEXTURE, ALBEDO = "texture.png", "albedo.png"
OVERLAY, REPORT = "overlay.png", "report.html"
COARSE, REFINED, LIT = "texture_coarse.png", "texture_refined.png", "texture_lit.png"
RENDER, RENDER_ON_PHOTO = "render.png", "render_on_photo.png"

FILES = (
    *(PARAMETERS, LANDMARKS, GLB, OBJ, MTL, PLY, TEXTURE, ALBEDO, OVERLAY, REPORT),
    *(COARSE, REFINED, LIT, RENDER, RENDER_ON_PHOTO),
)
"""Names of all files that a result may have."""

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
_AGAIN = "reconstruct the photo again, with obj among --formats"


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
        UsageError: `option_unknown`: another atlas.
    """
    check_choice(atlas, get_args(Atlas), "atlas", "read_head")
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
