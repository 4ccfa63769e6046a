"""Sources for fitting a head: a scan, a reconstruction, or a head of another model, with landmarks.

S vertices, F triangles.
"""

import hashlib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8

from headform import heads, images
from headform.errors import FaceError, InputError, MeshWarning, WeightsError, check_choice
from headform.geometry.landmarks68 import among_68, outer_eye_distance
from headform.geometry.units import METERS_PER, OUTER_EYES_M, InputUnit, infer_unit
from headform.heads.coefficients import FLAME, Coefficients, layout_of
from headform.heads.flame.head import FlameHead
from headform.heads.linear import LinearHead
from headform.io.file_bytes import read_mesh_bytes, sha256_of
from headform.io.json_file import is_file_name
from headform.io.mesh.picked_points import read_points
from headform.io.mesh.reading import decode
from headform.io.mesh.triangle_mesh import TriangleMesh
from headform.io.npz_file import read_npz
from headform.mesh.soundness import flaw
from headform.registration.shape_models import outer
from headform.render.texture_sampling import reduced_texture

PLAUSIBLE = 1.6
"""Largest factor by which the distance of people's outer eye corners differs from that of a mean head."""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_COLOR_NAMES = ("col", "diff", "albedo", "tex")
_GIVE = "give seven points in the order of NoW, 68 in that of iBUG, or 51 (iBUG without the jaw)"


@dataclass(frozen=True, eq=False)
class FitSource:
    """A surface with landmarks.

    Attributes:
        name: Name for titles and messages.
        mesh: Mesh in its own unit and frame.
        landmarks: (68, 3) iBUG points on it, same unit; NaN where unknown.
        meters: Meters per unit.
        unit: Name of the unit; empty where it is unknown, so that the scale must be fitted.
        is_scan: True for the mesh of a file, which may show hair and clothes; else it is a head of a model.
        origin: Description of its origin, plain JSON values.
    """

    name: str
    mesh: TriangleMesh
    landmarks: Float64[np.ndarray, "68 3"]
    meters: float = 1.0
    unit: str = "m"
    is_scan: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)


def read_mesh(path: Path, texture: Path | None = None) -> tuple[TriangleMesh, str]:
    """Read an OBJ or PLY file and the picture that belongs to it.

    Material files are not opened: the picture is the given one; or, beside the mesh, the one that a PLY file names, or else
    one of the same stem. Warns (`MeshWarning`) where the latter cannot be used, or where a PLY file names several.

    Args:
        path: Mesh file; PLY is recognized by its first bytes.
        texture: Picture for its texture coordinates.

    Returns:
        The mesh in its own unit, and the SHA-256 of its file.

    Raises:
        InputError: as the readers of `io.mesh.obj`, `io.mesh.ply` and `images` do; ``mesh_untextured``: a picture but
            no texture coordinates; ``mesh_degenerate``: it has no extent.
    """
    data = read_mesh_bytes(path)
    mesh = decode(data, name=str(path))
    if not np.ptp(mesh.vertices, axis=0).max() > 0:
        raise InputError("mesh_degenerate", "all vertices of the mesh coincide", ascii(str(path)))
    picture = None
    if texture is None and mesh.uv is not None:
        picture = _picture_beside(path, mesh)
    elif texture is not None and mesh.uv is None:
        what = "the mesh has no texture coordinates for the picture"
        raise InputError("mesh_untextured", what, ascii(str(path)), "leave --texture out")
    elif texture is not None:
        picture = reduced_texture(images.read(texture).rgb)
    mesh = TriangleMesh(
        vertices=mesh.vertices.astype(np.float64),
        faces=mesh.faces,
        colors=mesh.colors,
        uv=mesh.uv if picture is not None else None,
        uv_faces=mesh.uv_faces if picture is not None else None,
        texture=picture,
    )
    return mesh, hashlib.sha256(data).hexdigest()


def _picture_beside(path: Path, mesh: TriangleMesh) -> UInt8[np.ndarray, "h w 3"] | None:
    """The picture of a mesh in its folder; None where there is none, or none that can be used."""
    used = [] if mesh.face_material is None else np.unique(mesh.face_material).tolist()
    named = [mesh.materials[k] for k in used if k >= 0]
    named = [name for name in named if Path(name).suffix.lower() in PICTURES]  # of an OBJ, materials are no files
    if len(named) > 1:
        _note(path, f"it is not drawn in its texture, which is in {len(named)} pictures")
        return None
    # only by its name: a mesh must not choose files in other folders
    choices = [path.parent / re.split(r"[/\\]", name)[-1] for name in named]
    choices += [path.with_suffix(ending) for ending in PICTURES]
    file = next((file for file in choices if is_file_name(file.name) and file.is_file()), None)
    if file is None:
        return None
    try:
        return reduced_texture(images.read(file).rgb)
    except (InputError, FaceError) as error:  # too small for a photo, or damaged: the shape does without
        _note(path, f"the picture beside it is not used: {error}")
        return None


def color_picture(path: Path) -> Path | None:
    """Find the only picture beside an OBJ file whose name speaks of color (col, diff, albedo, tex).

    None too where there is a picture of the mesh's stem: `read_mesh` takes that by itself.
    """
    if path.suffix.lower() != ".obj" or any(path.with_suffix(end).is_file() for end in PICTURES):
        return None
    pictures = [p for p in path.parent.iterdir() if p.suffix.lower() in PICTURES]
    named = [p for p in pictures if any(word in p.stem.lower() for word in _COLOR_NAMES)]
    return named[0] if len(named) == 1 else None


def _note(path: Path, what: str) -> None:
    warnings.warn(f"{path.name!a}: {what}", MeshWarning, stacklevel=4)


def read_landmarks(path: Path) -> Float64[np.ndarray, "68 3"]:
    """Read landmarks from a file (`io.mesh.picked_points`): seven in the order of NoW, 68 of iBUG, or 51 without the jaw.

    Returns:
        Points in the file's unit; NaN where unknown.

    Raises:
        InputError: as `read_points`; ``landmarks_count``.
    """
    points = read_points(path)
    try:
        return among_68(points)
    except ValueError as error:
        raise InputError("landmarks_count", f"the file holds {len(points)} points", ascii(str(path)), _GIVE) from error


def scan_source(
    name: str,
    mesh: TriangleMesh,
    landmarks: Float[np.ndarray, "68 3"],
    *,
    unit: InputUnit = "auto",
    origin: Mapping[str, Any] | None = None,
) -> FitSource:
    """Make a source of a scan; its unit is inferred from the distance between the outer eye corners.

    Args:
        name: Name for messages.
        mesh: Mesh in the unit of its file.
        landmarks: (68, 3) same unit; the outer eye corners (36 and 45) must be known.
        unit: Unit; "auto" takes the one in which the eye corners are as far apart as on a head. Where there is none, the
            scan is scaled to the mean head and `FitSource.unit` is empty.
        origin: See `FitSource`.

    Raises:
        InputError: ``mesh_degenerate`` (see `mesh.soundness.flaw`); ``landmarks_count``; ``mesh_unit``: in the given unit
            the scan does not have the size of a head.
    """
    check_choice(unit, get_args(InputUnit), "unit")
    check_surface(mesh, name)
    outer = outer_eye_distance(landmarks)
    if not outer > 0:
        what = "the outer eye corners are missing from the landmarks, or coincide"
        raise InputError("landmarks_count", what, name, _GIVE)
    found = infer_unit(outer) if unit == "auto" else unit
    ratio = outer * METERS_PER[found] / OUTER_EYES_M
    meters = METERS_PER[found]
    if not 1 / PLAUSIBLE < ratio < PLAUSIBLE:
        if unit != "auto":
            what = f"the outer eye corners are {outer * meters:.4g} m apart; on a head they are about {OUTER_EYES_M} m apart"
            raise InputError("mesh_unit", what, name, "give the right unit, or leave it out")
        found, meters = "", OUTER_EYES_M / outer
    return FitSource(name, mesh, np.asarray(landmarks), meters, found, True, origin or {})


def check_surface(mesh: TriangleMesh, name: str) -> None:
    """Refuse a mesh that is no surface.

    Raises:
        InputError: ``mesh_degenerate``.
    """
    wrong = flaw(mesh.vertices, mesh.faces)
    if wrong:
        raise InputError("mesh_degenerate", f"the mesh is no surface to fit a head to: {wrong}", ascii(name))


def head_source(head: LinearHead, coefficients: Coefficients | None = None, *, code_origin: str = "mean") -> FitSource:
    """Make a source of a head model: its mean, or the head of given coefficients.

    Args:
        head: With landmarks.
        coefficients: Coefficients of this head; identity and expression are taken, and the pose of a FLAME head.
        code_origin: Description of the coefficients, for `FitSource.origin`.

    Raises:
        WeightsError: ``head_lacks`` landmarks.
    """
    head.require_fields("landmark_vertices")
    vertices = head.mean
    if isinstance(head, FlameHead) and coefficients is not None and coefficients.layout == FLAME:
        vertices = head.decode(coefficients).vertices
    elif coefficients is not None:
        identity = coefficients[identity_part(head)]
        vertices = head.vertices(identity.float(), coefficients["expression"].float())
    points = head.landmarks(vertices, offset=False)
    return FitSource(
        name=head.name,
        mesh=_outer_look(head, vertices.double().cpu().numpy()),
        landmarks=points.double().cpu().numpy(),
        origin={"head": head_origin(head), "code": code_origin},
    )


def parameters_source(path: Path) -> FitSource:
    """Make a source of a reconstruction, as it is in the photo (`export.parameters`).

    Raises:
        WeightsError: as `io.npz_file.read_npz`; ``model_mismatch``: it was made with another head than the open one.
        InputError: ``parameters_format``: arrays that are absent, of other shapes, or not finite.
    """
    try:
        arrays = read_npz(path, ("vertices", "head_sha256", "head_name"))
    except WeightsError as error:
        if error.code != "model_missing_key":
            raise
        fix = "give the parameters.npz of a reconstruction, or convert a model with `headform heads convert`"
        raise InputError("parameters_format", error.message, str(path), fix) from error
    head = heads.load_open()
    digest, name = (str(arrays[key]) for key in ("head_sha256", "head_name"))
    if digest != head.sha256:
        raise WeightsError(
            "model_mismatch",
            f"the reconstruction was made with {name} ({digest[:12]}), the open head is {head.sha256[:12]}",
            str(path),
            "reconstruct the photo again, or give the head as a mesh (head.obj)",
        )
    vertices = np.asarray(arrays["vertices"])
    if vertices.shape != tuple(head.mean.shape) or not np.isfinite(vertices).all():
        what = f"`vertices` is {vertices.shape} or not finite, expected {tuple(head.mean.shape)}"
        raise InputError("parameters_format", what, str(path), "reconstruct the photo again")
    points = head.landmarks(torch.from_numpy(vertices.astype(np.float64)), offset=False)
    return FitSource(
        name=path.parent.name or path.stem,
        mesh=_outer_look(head, vertices.astype(np.float64)),
        landmarks=points.numpy(),
        origin={"reconstruction": path.name, "sha256": _digest(path), "head": head_origin(head)},
    )


def head_origin(head: LinearHead) -> dict[str, Any]:
    """Name, digest and provenance of a head as plain JSON values."""
    return {"name": head.name, "sha256": head.sha256, "provenance": head.provenance.to_json()}


def identity_part(head: LinearHead) -> str:
    """Name of the identity part in the layout of a head."""
    return "shape" if "shape" in dict(layout_of(head).parts) else "identity"


def _outer_look(head: LinearHead, vertices: Float64[np.ndarray, "S 3"]) -> TriangleMesh:
    faces = head.faces.cpu().numpy()
    return TriangleMesh(vertices, faces[outer(head)[faces].all(axis=1)])


def _digest(path: Path) -> str:
    return sha256_of(path)
