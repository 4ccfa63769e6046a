"""`headform heads fit`: fit a head model to a scan, a reconstruction, or a head of another model."""

import json as json_text
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional, arg

from headform import errors
from headform.geometry.units import InputUnit

if TYPE_CHECKING:
    from headform.heads import LinearHead
    from headform.registration.fit_source import FitSource

COEFFICIENTS, REPORT, PICTURE = "coefficients.safetensors", "fit.json", "fit.png"
FITTED, FITTED_HEAD = "fitted", "fitted_head"
_MESHES = (".obj", ".ply")
_OTHER_MESHES = (".stl", ".off", ".glb", ".gltf", ".fbx", ".dae", ".wrl", ".3ds", ".usdz")


@dataclass(frozen=True)
class Fit:
    """Fit a head model to a scan or to a head of another model, so that results can be transferred between models.

    SOURCE is a mesh (.obj, .ply), the parameters.npz of `headform reconstruct`, or a head (a file of `headform heads
    convert`, or the name open). Writes coefficients.safetensors, fitted (frame and unit of the source), fitted_head (meters,
    head frame), fit.json with the distances, and fit.png.
    """

    source: Positional[str]
    """Mesh, reconstruction or head to fit to."""
    to: str = "open"
    """Head model to fit: a head file, or the name open."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("fit")
    """Output folder."""
    landmarks: Path | None = None
    """Landmarks of SOURCE, a mesh or a head: 7 (NoW) or 68 (iBUG) rows of a .txt or .csv, or MeshLab's .pp; of a head also
    vertex numbers. Found by default."""
    to_landmarks: Path | None = None
    """Landmarks of the head to fit, if it has none: points on its mean head, or vertex numbers. Derived by default."""
    texture: Path | None = None
    """Texture image of the mesh, which helps to detect landmarks; by default the image of the same name beside it."""
    unit: InputUnit = "auto"
    """Unit of the input mesh; `auto` infers it from the inter-ocular distance."""
    scale: Literal["auto", "fixed", "free"] = "auto"
    """Keep the size of the source (`fixed`) or fit a scale (`free`); `auto` keeps it unless its unit is unknown."""
    region: Literal["auto", "face", "head"] = "auto"
    """Region to fit; `auto` is the face of a scan, which also shows hair and clothes, and the whole of a head."""
    seed: int | None = None
    """If SOURCE is a head model: draw a random head from its prior instead of its mean."""
    code: Path | None = None
    """If SOURCE is a head model: use these coefficients (.safetensors)."""
    neutral: bool = False
    """Fit identity only, without expression."""
    format: Literal["obj", "ply"] = "obj"
    """Output mesh format."""
    json: bool = False
    """Print the report as JSON."""

    def run(self) -> int:
        """Fit, write, and print the distances."""
        from headform.evaluate.fit_picture import fit_picture
        from headform.heads.coefficients_file import save_coefficients
        from headform.io.atomic import write_bytes
        from headform.io.folder_lock import FolderLock
        from headform.io.folder_swap import publish, stage
        from headform.registration.head_fit import HeadFitOptions, fit_head
        from headform.registration.report import fit_report, fit_summary

        target = load_marked_head(self.to, self.to_landmarks, "--to-landmarks")
        source = self._source()
        options = HeadFitOptions(region=self.region, scale=self.scale, expression=not self.neutral)
        fit = fit_head(target, source, options)
        text = json_text.dumps(fit_report(fit), indent=2) + "\n"
        files = {
            f"{stem}.{self.format}": head_mesh(target, vertices, self.format)
            for stem, vertices in ((FITTED, fit.placed), (FITTED_HEAD, fit.vertices))
        }
        files |= {PICTURE: fit_picture(fit), REPORT: text.encode()}
        with FolderLock(self.out), stage(self.out) as staged:
            save_coefficients(staged / COEFFICIENTS, fit.coefficients, target, known=fit.known)
            for name, data in files.items():
                write_bytes(staged / name, data)
            publish(staged, self.out, stale=[f"{stem}{ending}" for stem in (FITTED, FITTED_HEAD) for ending in _MESHES])
        if self.json:
            print(text, end="")
            return errors.SUCCESS
        print(f"{self.out}: {fit_summary(fit)}")
        return errors.SUCCESS

    def _source(self) -> "FitSource":
        from headform.registration.fit_source import head_source, parameters_source

        path = Path(self.source)
        is_mesh = path.suffix.lower() in _MESHES
        is_head = not is_mesh and path.suffix.lower() != ".npz"
        if path.suffix.lower() in _OTHER_MESHES:
            what, fix = (
                f"{path.suffix.lower()} meshes are not supported",
                "save it as .obj or .ply",
            )
            raise errors.InputError("mesh_unreadable", what, self.source, fix)
        self._check(is_mesh, is_head)
        if is_mesh:
            return self._scan(path)
        if not is_head:
            return parameters_source(path)
        from headform.heads.coefficients import layout_of
        from headform.heads.coefficients_file import load_coefficients

        head = load_marked_head(self.source, self.landmarks, "--landmarks")
        if self.code is not None:
            return head_source(head, load_coefficients(self.code, head), code_origin=self.code.name)
        if self.seed is not None:
            import torch

            generator = torch.Generator().manual_seed(self.seed)
            code = layout_of(head).sample(generator=generator)
            return head_source(head, code, code_origin=f"seed {self.seed}")
        return head_source(head)

    def _check(self, is_mesh: bool, is_head: bool) -> None:
        """Reject options that do not apply to this kind of source.

        Raises:
            UsageError: ``option_unused``.
        """
        given = {
            "--landmarks": (self.landmarks is not None, is_mesh or is_head, "a mesh or a head"),
            "--texture": (self.texture is not None, is_mesh, "a mesh"),
            "--unit": (self.unit != "auto", is_mesh, "a mesh"),
            "--seed": (self.seed is not None, is_head, "a head"),
            "--code": (
                self.code is not None,
                is_head and self.seed is None,
                "a head without --seed",
            ),
        }
        for name, (used, fits, what) in given.items():
            if used and not fits:
                text = f"{name} only applies to {what}"
                raise errors.UsageError("option_unused", text, self.source, f"leave {name} out")

    def _scan(self, path: Path) -> "FitSource":
        from headform.registration.fit_source import read_landmarks, read_mesh, scan_source
        from headform.registration.scan_landmarks import ScanLandmarker

        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", errors.MeshWarning)
            mesh, digest = read_mesh(path, self.texture)
        for note in notes:
            print(f"note: {note.message}", file=sys.stderr)
        origin: dict[str, Any] = {"mesh": path.name, "sha256": digest}
        if self.landmarks is not None:
            points = read_landmarks(self.landmarks)
            origin["landmarks"] = self.landmarks.name
        else:
            found = ScanLandmarker.load().find(mesh, name=path.name)
            points = found.usable
            origin["landmarks"] = {
                "found": int(found.sure.sum()),
                "relative_sigma": round(found.relative_sigma, 4),
                "views": found.views,
            }
        return scan_source(path.name, mesh, points, unit=self.unit, origin=origin)


def head_mesh(head: "LinearHead", vertices: np.ndarray, ending: str) -> bytes:
    """Encode a mesh of a head, with its UV coordinates and its license, as ``obj`` or ``ply``."""
    from headform.io.mesh import obj, ply
    from headform.io.mesh.triangle_mesh import TriangleMesh

    faces = head.faces.cpu().numpy()
    uv = head.uv.double().cpu().numpy() if head.has_field("uv") else None
    uv_faces = head.uv_faces.cpu().numpy() if head.has_field("uv") else None
    mesh = TriangleMesh(vertices.astype(np.float32), faces, uv, uv_faces)
    comment = f"{head.name}: {head.license}"
    if ending == "ply":
        return ply.encode(mesh, comment=comment)
    return obj.encode(mesh, comment=comment)


def load_marked_head(name: str, landmarks: Path | None, option: str) -> "LinearHead":
    """Load the open head by its name, or the head of a file, with landmarks of a file or derived ones if it has none.

    Raises:
        WeightsError: see `heads.load`; ``head_lacks``: it has no landmarks, and none could be derived.
        InputError: see `registration.with_landmark_file`.
        UsageError: ``option_unused``: it has landmarks.
    """
    from headform import heads
    from headform.registration.head_landmarks import completed

    head = heads.load(name)
    if landmarks is not None and head.has_field("now7"):
        text = f"{option} only applies to a mesh or to a head without landmarks"
        raise errors.UsageError("option_unused", text, name, f"leave {option} out")
    return completed(head, landmarks)
