"""Coarse stage of the texture networks' training: pose, shape, light and coarse texture of samples.

S side of the photo, V vertices, K identity modes, E expressions, G gaze angles, A albedo modes.

The fit of `headform reconstruct` on the open head takes the place of the coefficient regressor of Lin et al. (2020), or
that regressor itself reads the Basel head (`registration.FaceRegressor`). What is found is kept among a sample's
coefficients, under names with a prefix, beside any true ones:

    coarse_identity (K,)    coarse_expression (E,)  coarse_albedo (A,)
    coarse_gaze (G,)        yaw and pitch, radians; G = 2, 0 for a head without eyeballs
    coarse_intrinsics (3, 3), coarse_rotation (3, 3), coarse_translation (3,)   camera of the sample's photo
    coarse_light (9, 3)     shading coefficients over normals of the camera frame, linear RGB
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from headform.data.face_crops import cut_face
from headform.data.sample import Sample
from headform.data.shard_index import INDEX
from headform.data.shards import ShardSet, ShardWriter
from headform.errors import FaceError, HeadformError, InputError
from headform.fit.gaze import gaze_rotation
from headform.geometry.camera import PerspectiveCamera
from headform.geometry.landmarks68 import five_points
from headform.heads.linear import LinearHead
from headform.images.warp import square_matrix
from headform.nets.crop_geometry import EyeFrame, loose_square
from headform.pipeline.head_surface import surface_in_photo
from headform.pipeline.reconstruction import Reconstruction
from headform.pipeline.reconstructor import Reconstructor

PREFIX = "coarse_"
_NAMES = ("identity", "expression", "gaze", "albedo", "intrinsics", "rotation", "translation", "light")
_APART = 0.15
"""Mean distance of the sample's points from the fitted ones above which the fit is of another face, sizes of the face."""
_SURFACE = 0.5
"""Trust from which a pixel counts as bare surface."""


@dataclass(frozen=True, eq=False)
class CoarseStage:
    """Head, camera, light and coarse texture of a photo.

    Attributes:
        vertices: Head as seen in the photo, meters, head frame.
        camera: Camera of the photo.
        light: Shading coefficients, camera frame, linear RGB.
        albedo: Coarse texture, linear RGB.
    """

    vertices: Float32[np.ndarray, "V 3"]
    camera: PerspectiveCamera
    light: Float32[np.ndarray, "9 3"]
    albedo: Float32[np.ndarray, "V 3"]


def coarse_coefficients(result: Reconstruction) -> dict[str, np.ndarray]:
    """Return the parts of a reconstruction under the names of the module docstring."""
    camera = result.camera
    values = (
        result.identity, result.expression, result.gaze, result.albedo_code, camera.K, camera.R, camera.t, result.light,
    )  # fmt: skip
    return {PREFIX + name: np.asarray(v, np.float32) for name, v in zip(_NAMES, values, strict=True)}


def read_coarse_stage(sample: Sample, head: LinearHead) -> CoarseStage:
    """Decode the coarse stage of a sample.

    Args:
        sample: Sample of `write_coarse_stage`.
        head: Head of that stage.

    Raises:
        InputError: `sample_unusable` for a sample without it, or of another head.
    """
    code = {name: sample.coefficients.get(PREFIX + name) for name in _NAMES}
    if sample.head != head.sha256 and code["identity"] is not None:
        what = f"the coarse stage is of the head {str(sample.head)[:12]}, not of {head.name} ({head.sha256[:12]})"
        hint = "name the head that `headform data coarse` was given with --head"
        raise InputError("sample_unusable", what, f"sample {sample.name}", hint)
    turning = has_eyeballs(head)
    shapes = {"intrinsics": (3, 3), "rotation": (3, 3), "translation": (3,), "light": (9, 3), "gaze": (2 * turning,)}
    missing = [n for n, v in code.items() if v is None or (n in shapes and v.shape != shapes[n]) or v.ndim > 2]
    if missing:
        what = f"the sample has no coarse stage ({', '.join(missing)})"
        raise InputError("sample_unusable", what, f"sample {sample.name}", "add it with `headform data coarse`")
    part = {name: torch.from_numpy(np.asarray(v)) for name, v in code.items()}
    try:
        posed = head.vertices(part["identity"], part["expression"])
        albedo = head.albedo_of(part["albedo"])
    except InputError as error:
        what = f"the coarse stage does not fit the head: {error.message}"
        raise InputError(
            "sample_unusable", what, f"sample {sample.name}", "add it with `headform data coarse`"
        ) from error
    if turning:
        turn: Tensor = torch.from_numpy(gaze_rotation(part["gaze"].numpy())).to(posed)
        posed = head.rotate_eyes(posed, turn, turn)
    camera = PerspectiveCamera(*(part[n].double().numpy() for n in ("intrinsics", "rotation", "translation")))
    return CoarseStage(posed.numpy(), camera, part["light"].numpy(), albedo.clamp(0, 1).numpy())


def has_eyeballs(head: LinearHead) -> bool:
    """Tell if a head has eyeballs that turn."""
    return head.has_field("part") and bool(len(head.part_vertices("eye_right")) and len(head.part_vertices("eye_left")))


class CoarseFitter:
    """Fits samples one by one with the shipped networks.

    Args:
        reconstructor: Reconstructor of the open head, without textures; loaded if absent.
        refit: Makes another head's result of the open head's, such as `registration.FaceRegressor.coarse`.
    """

    def __init__(
        self,
        reconstructor: Reconstructor | None = None,
        refit: Callable[[Reconstruction], Reconstruction] = lambda face: face,
    ) -> None:
        self.reconstructor = reconstructor or Reconstructor.load(texture_size=0)
        self._refit = refit

    def fit(self, sample: Sample) -> Sample | str:
        """Return the sample with its coarse stage, or the reason for which it is dropped: a stable code.

        Reasons: the codes of `Reconstructor.reconstruct` and of `refit`, `low_confidence`, `other_face`, `points_unknown`.
        A skin mask is added where there was none; coefficients and meshes of other heads are left out.
        """
        if not np.isfinite(five_points(sample.points68)).all():
            return "points_unknown"
        try:
            (face,) = self.reconstructor.reconstruct(sample.image)
        except HeadformError as error:
            if error.code == "out_of_memory":
                raise
            return error.code
        if face.status != "ok":
            return "low_confidence"
        known = np.isfinite(sample.points68).all(1)
        off = np.linalg.norm(face.points68 - sample.points68, axis=1)[known].mean()
        if off > _APART * EyeFrame.of(face.points68).size:
            return "other_face"
        try:
            return with_coarse_stage(sample, self._refit(face))
        except FaceError as error:
            return error.code


def with_coarse_stage(sample: Sample, face: Reconstruction) -> Sample:
    """Add the coarse stage of a reconstruction of the sample's own photo."""
    skin = sample.skin
    if skin is None and face.parsed is not None:
        trust = surface_in_photo(face.parsed, face.image_size)
        skin = np.where(trust >= _SURFACE, 255, 0).astype(np.uint8)
    own = sample.head in (None, face.head.sha256)
    return replace(
        sample,
        skin=skin,
        coefficients=(dict(sample.coefficients) if own else {}) | coarse_coefficients(face),
        vertices=sample.vertices if own else None,
        albedo=sample.albedo if own else None,
        head=face.head.sha256,
    )


def photo_sample(face: Reconstruction, side: int, name: str, *, subject: str = "", source: str = "photo") -> Sample:
    """Cut the face of a reconstruction out of its photo, with its coarse stage.

    Args:
        face: Reconstruction on the open head.
        side: Side S of the picture, pixels.
        name: Name of the sample.
        subject: Label of the person; the name if absent.
        source: Name of the data set.
    """
    cut = cut_face(face, side)
    matrix = np.vstack([square_matrix(*loose_square(face.points68), side), [0.0, 0.0, 1.0]])
    camera = PerspectiveCamera(matrix @ face.camera.K, face.camera.R, face.camera.t)
    return Sample(
        name=name,
        subject=subject or name,
        image=cut.image,
        points68=cut.points68,
        skin=cut.skin,
        coefficients=coarse_coefficients(replace(face, camera=camera)),
        head=face.head.sha256,
        source=source,
    )


def write_coarse_stage(
    samples: Iterable[Sample],
    folder: Path,
    size: int,
    fit: Callable[[Sample], Sample | str],
    *,
    head: str,
    prefix: str = "coarse-",
    done: Callable[[str], None] = lambda line: None,
) -> dict[str, int]:
    """Write samples with their coarse stage into shards; those that are there already are passed over.

    Args:
        samples: Samples of pictures of `size` pixels.
        folder: Folder of shards, made if absent.
        size: Side S of the pictures.
        fit: `CoarseFitter.fit`.
        head: SHA-256 of the head that it fits.
        prefix: Beginning of the names of the shards.
        done: Told of each sample in turn.

    Returns:
        Number of samples by outcome: ``written``, ``there``, and each reason of those dropped.

    Raises:
        InputError: `dataset_damaged`; `dataset_exists`, also where the folder holds the coarse stage of another head.
        ResourceError: `write_failed`, `folder_in_use`.
    """
    if (folder / INDEX).is_file():
        known = ShardSet.open(folder)[0].head
        if known != head:
            what = f"the folder holds the coarse stage of another head ({str(known)[:12]}, not {head[:12]})"
            raise InputError("dataset_exists", what, ascii(str(folder)), "choose another folder")
    counts: dict[str, int] = {}
    with ShardWriter(folder, size=size, prefix=prefix) as writer:
        for sample in samples:
            outcome = "there"
            if sample.name not in writer.names:
                found = fit(sample)
                outcome = found if isinstance(found, str) else "written"
                if isinstance(found, Sample):
                    writer.add(found)
            counts[outcome] = counts.get(outcome, 0) + 1
            done(f"{sample.name}: {outcome}")
    return counts
