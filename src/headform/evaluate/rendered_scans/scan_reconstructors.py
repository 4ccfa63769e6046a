"""Reconstructors to be measured: the built-in pipeline, a program, or a folder that one wrote.

Letters: V vertices, F triangles.
"""

import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int, UInt8

from headform.errors import HeadformError, InputError, UsageError
from headform.evaluate.scan.landmark7_files import read_landmarks7
from headform.evaluate.scan.mesh_files import Surface, read_surface
from headform.heads.linear import PARTS, LinearHead

INSIDE = ("mouth", "socket_right", "socket_left", "tongue", "teeth")
"""Parts of a head that no scanner sees; left out, since a surface behind the lips could be nearest to a scan."""
_LANDMARKS = (".npy", ".txt")
_MESHES = (".obj", ".ply")


@dataclass(frozen=True, eq=False)
class HeadPrediction:
    """A neutral head with the seven landmarks of the NoW protocol, in any unit and frame."""

    surface: Surface
    landmarks: Float64[np.ndarray, "7 3"]


Reconstruct = Callable[[UInt8[np.ndarray, "S S 3"], Path], HeadPrediction]
"""Reconstruct a photo, given in memory and as a file; raises a `HeadformError` where there is no head."""


def predicted_by(head: LinearHead, vertices: Float64[np.ndarray, "V 3"]) -> HeadPrediction:
    """A head of a model, without what lies inside it (`INSIDE`) where the model names its parts."""
    faces = head.faces.numpy()
    if head.has_field("part"):
        hidden = np.isin(head.part.numpy(), [PARTS.index(name) for name in INSIDE])
        faces = faces[~hidden[faces].all(axis=1)]
    landmarks = vertices[head.now7.numpy()]
    return HeadPrediction(Surface(vertices, _int64(faces), head.name), landmarks)


def mean_head(head: LinearHead) -> HeadPrediction:
    """The floor: what the model says without having seen anyone."""
    return predicted_by(head, head.mean.double().numpy())


def read_prediction(stem: Path) -> HeadPrediction:
    """`stem`.obj or .ply, and `stem`.npy or .txt with the landmarks, as in a NoW submission.

    Raises:
        InputError: `prediction_missing`, and from the readers.
    """
    mesh = _beside(stem, _MESHES, "mesh")
    return HeadPrediction(read_surface(mesh), read_landmarks7(_beside(stem, _LANDMARKS, "landmarks")))


def headform_reconstructor() -> Reconstruct:
    """The built-in pipeline; its predictions are in meters."""
    from headform.pipeline.reconstructor import Reconstructor

    pipeline = Reconstructor.load(texture_size=0)

    def reconstruct(photo: UInt8[np.ndarray, "S S 3"], path: Path) -> HeadPrediction:
        (result,) = pipeline.reconstruct(photo)
        return predicted_by(pipeline.head, result.neutral.astype(np.float64))

    return reconstruct


def folder_reconstructor(folder: Path) -> Reconstruct:
    """Predictions that lie there by the photos' names; see `read_prediction`."""

    def reconstruct(photo: UInt8[np.ndarray, "S S 3"], path: Path) -> HeadPrediction:
        return read_prediction(folder / path.stem)

    return reconstruct


def command_reconstructor(template: str, out: Path, *, timeout_s: float = 600.0) -> Reconstruct:
    """A program that is started once for each photo, without a shell.

    Args:
        template: A command line with {photo}, which becomes the photo's path, and {out}, the path without an ending to which
            the program must add .obj or .ply and .npy or .txt; see `read_prediction`.
        out: Folder for what it writes.
        timeout_s: Seconds after which it is ended.

    Raises:
        UsageError: `reconstructor_invalid` when a placeholder is missing or quotes do not match; later
            `reconstructor_missing` when there is no such program.
    """
    try:
        words = shlex.split(template)
    except ValueError as error:
        raise UsageError("reconstructor_invalid", str(error), template) from error
    if not words or any(not any(f"{{{key}}}" in word for word in words) for key in ("photo", "out")):
        what = "the command must name {photo} and {out}"
        raise UsageError("reconstructor_invalid", what, template, "for example: tool {photo} -o {out}.obj")

    def reconstruct(photo: UInt8[np.ndarray, "S S 3"], path: Path) -> HeadPrediction:
        stem = (out / path.stem).absolute()
        for ending in (*_MESHES, *_LANDMARKS):  # what an earlier run left there is no answer
            stem.with_name(stem.name + ending).unlink(missing_ok=True)
        stem.parent.mkdir(parents=True, exist_ok=True)
        call = [w.replace("{photo}", str(path.absolute())).replace("{out}", str(stem)) for w in words]
        try:
            # the person who runs headform wrote this command line
            done = subprocess.run(  # noqa: S603
                call, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired as error:
            what = f"the command took more than {timeout_s:g} s"
            raise InputError("reconstructor_failed", what, path.name) from error
        except OSError as error:
            what = f"cannot start the command: {error.strerror or error}"
            raise UsageError("reconstructor_missing", what, words[0]) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
            what = f"the command failed with exit code {done.returncode}: {said[-1][:200]}"
            raise InputError("reconstructor_failed", what, path.name)
        return read_prediction(stem)

    return reconstruct


def attempt(
    reconstruct: Reconstruct, photo: UInt8[np.ndarray, "S S 3"], path: Path
) -> tuple[HeadPrediction | None, str]:
    """A head, or why there is none. Faults of the command line itself are raised.

    Raises:
        UsageError: from `reconstruct`.
    """
    try:
        return reconstruct(photo, path), ""
    except UsageError:
        raise
    except HeadformError as error:
        return None, f"{error.code}: {error}"


def _beside(stem: Path, endings: tuple[str, ...], what: str) -> Path:
    for ending in endings:
        path = stem.with_name(stem.name + ending)
        if path.is_file():
            return path
    raise InputError("prediction_missing", f"there is no {what} ({' or '.join(endings)})", str(stem))


def _int64(faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, "F 3"]:
    return np.ascontiguousarray(faces, np.int64)
