"""`headform heads fit`: a head model fitted to a scan, to a reconstruction, or to a head of another model.

V vertices, H W pixels.
"""

import io
import json as json_text
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from tyro.conf import Positional, arg

from headform import errors

if TYPE_CHECKING:
    from headform.heads import LinearHead
    from headform.registration.fit_head import HeadFit
    from headform.registration.fit_source import FitSource

COEFFICIENTS, REPORT, PICTURE = "coefficients.safetensors", "fit.json", "fit.png"
FITTED, FITTED_HEAD = "fitted", "fitted_head"
_MESHES = (".obj", ".ply")
_OTHER_MESHES = (".stl", ".off", ".glb", ".gltf", ".fbx", ".dae", ".wrl", ".3ds", ".usdz")


@dataclass(frozen=True)
class Fit:
    """Fit a head model to a scan or to a head of another model, so that results move between models.

    SOURCE is a mesh (.obj, .ply), the parameters.npz of `headform reconstruct`, or a head (a file of `headform heads
    convert`, or the name open). Writes coefficients.safetensors, fitted (in the frame and unit of the source), fitted_head
    (meters, head frame), fit.json with the distances, and fit.png.
    """

    source: Positional[str]
    """What to fit to."""
    to: str = "open"
    """The model that is fitted: a head file, or the name open."""
    out: Annotated[Path, arg(aliases=("-o",))] = Path("fit")
    """The folder to write."""
    landmarks: Path | None = None
    """Landmarks of a mesh: 7 (NoW) or 68 (iBUG) rows of a .txt or .csv, or MeshLab's .pp. Found by drawing it if absent."""
    texture: Path | None = None
    """Picture for the texture coordinates of a mesh: helps to find landmarks. One of the same stem is found by itself."""
    unit: Literal["auto", "m", "dm", "cm", "mm", "um"] = "auto"
    """Of a mesh; auto is told by the distance between its eyes."""
    scale: Literal["auto", "fixed", "free"] = "auto"
    """Whether the size of the source is trusted; auto does, unless its unit cannot be told."""
    region: Literal["auto", "face", "head"] = "auto"
    """What is fitted; auto is the face of a scan, which shows hair and clothes, and the whole of a head."""
    seed: int | None = None
    """SOURCE is a head: a random one of its prior, instead of its mean."""
    code: Path | None = None
    """SOURCE is a head: the one of these coefficients (.safetensors)."""
    neutral: bool = False
    """Fit identity alone."""
    format: Literal["obj", "ply"] = "obj"
    """Of the fitted meshes."""
    json: bool = False
    """Print the report as JSON."""

    def run(self) -> int:
        """Fit, write, and say how near it came."""
        from headform.heads.coefficients_file import save_coefficients
        from headform.io.atomic import make_folder, write_bytes
        from headform.registration.fit_head import HeadFitOptions, fit_head

        target = load_head(self.to)
        source = self._source()
        options = HeadFitOptions(region=self.region, scale=self.scale, expression=not self.neutral)
        fit = fit_head(target, source, options)
        text = json_text.dumps(report_of(fit), indent=2) + "\n"
        files = {
            f"{stem}.{self.format}": self._mesh(target, vertices)
            for stem, vertices in ((FITTED, fit.placed), (FITTED_HEAD, fit.vertices))
        }
        files |= {PICTURE: picture_of(fit), REPORT: text.encode()}
        make_folder(self.out)
        save_coefficients(self.out / COEFFICIENTS, fit.coefficients, target)
        for name, data in files.items():
            write_bytes(self.out / name, data)
        if self.json:
            print(text, end="")
            return errors.SUCCESS
        print(f"{self.out}: {summary_of(fit)}")
        return errors.SUCCESS

    def _source(self) -> "FitSource":
        from headform.registration.fit_source import head_source, parameters_source

        path = Path(self.source)
        is_mesh = path.suffix.lower() in _MESHES
        is_head = not is_mesh and path.suffix.lower() != ".npz"
        if path.suffix.lower() in _OTHER_MESHES:
            what, fix = (
                f"{path.suffix.lower()} is no kind of mesh that is read",
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

        head = load_head(self.source)
        if self.code is not None:
            return head_source(head, load_coefficients(self.code, head), code_origin=self.code.name)
        if self.seed is not None:
            import torch

            generator = torch.Generator().manual_seed(self.seed)
            code = layout_of(head).sample(generator=generator)
            return head_source(head, code, code_origin=f"seed {self.seed}")
        return head_source(head)

    def _check(self, is_mesh: bool, is_head: bool) -> None:
        """Refuse options that say nothing about this source.

        Raises:
            UsageError: ``option_unused``.
        """
        given = {
            "--landmarks": (self.landmarks is not None, is_mesh, "a mesh"),
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
                text = f"{name} goes with {what}"
                raise errors.UsageError("option_unused", text, self.source, f"leave {name} out")

    def _scan(self, path: Path) -> "FitSource":
        from headform.registration.fit_source import read_landmarks, read_mesh, scan_source
        from headform.registration.scan_landmarks import ScanLandmarker

        mesh, digest = read_mesh(path, self.texture)
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

    def _mesh(self, head: "LinearHead", vertices: np.ndarray) -> bytes:
        from headform.io.mesh import obj, ply
        from headform.io.mesh.triangle_mesh import TriangleMesh

        faces = head.faces.cpu().numpy()
        uv = head.uv.double().cpu().numpy() if head.has("uv") else None
        uv_faces = head.uv_faces.cpu().numpy() if head.has("uv") else None
        mesh = TriangleMesh(vertices.astype(np.float32), faces, uv, uv_faces)
        comment = f"{head.name}: {head.license}"
        if self.format == "ply":
            return ply.encode(mesh, comment=comment)
        return obj.encode(mesh, comment=comment)


def load_head(name: str) -> "LinearHead":
    """The open head by its name, or the head of a file.

    Raises:
        WeightsError: see `heads.load`.
    """
    from headform import heads

    return heads.load_open() if name == "open" else heads.load(Path(name))


def report_of(fit: "HeadFit") -> dict[str, Any]:
    """What `fit.json` holds."""
    from headform.registration.fit_source import head_origin

    to, found, distance = fit.to_source, fit.surface, fit.distance
    coefficients = fit.coefficients
    return {
        "source": {"name": fit.source.name, **fit.source.origin},
        "target": head_origin(fit.head),
        "region": fit.region,
        "unit": fit.source.unit or None,
        "meters_per_unit": fit.source.meters,
        "head_to_source": {"scale": to.scale, "R": to.R.tolist(), "t": to.t.tolist()},
        "scale_fitted": fit.scale_fitted,
        "scale": found.similarity.scale,
        "distance_mm": {
            "median": distance.median_mm,
            "mean": distance.mean_mm,
            "p90": distance.p90_mm,
            "vertices": int(distance.measured.sum()),
            "of": "source vertices in the NoW sphere, seen from outside, not beyond the head's edge, "
            "to the fitted surface",
        },
        "landmark_rms_mm": 1000 * found.landmark_rms,
        "iterations": found.iterations,
        "converged": found.converged,
        "source_reversed": found.reversed,
        "coefficients": {name: coefficients[name].tolist() for name in coefficients},
        "expression_names": list(fit.head.expression_names),
        "seconds": round(fit.seconds, 3),
    }


def summary_of(fit: "HeadFit") -> str:
    """One line: how near, and how."""
    distance, found = fit.distance, fit.surface
    scale = f", scale {found.similarity.scale:.3f}" if fit.scale_fitted else ""
    unit = fit.source.unit or "unknown unit"
    return (
        f"{fit.head.name} on {fit.source.name} ({unit}{scale}): median {distance.median_mm:.2f} mm, "
        f"mean {distance.mean_mm:.2f} mm, 90 % within {distance.p90_mm:.2f} mm, {fit.region}"
        + ("" if found.converged else ", not yet at rest")
    )


def picture_of(fit: "HeadFit") -> bytes:
    """The bytes of `fit.png`."""
    from PIL import Image

    from headform.registration.shape_model import outer
    from headform.viz.fit_picture import FitPicture, draw_fit

    faces = fit.head.faces.cpu().numpy()
    back = fit.to_source.inverse()
    mesh = replace(fit.source.mesh, vertices=back.apply(fit.source.mesh.vertices))
    landmarks = back.apply(fit.source.landmarks)
    drawn = FitPicture(
        source=mesh,
        fitted=fit.vertices,
        faces=faces[outer(fit.head)[faces].all(axis=1)],
        face=landmarks[np.isfinite(landmarks).all(axis=1)],
        distance_mm=fit.distance.distance_mm,
        measured=fit.distance.measured,
        title=summary_of(fit),
    )
    store = io.BytesIO()
    Image.fromarray(draw_fit(drawn)).save(store, "PNG")
    return store.getvalue()
