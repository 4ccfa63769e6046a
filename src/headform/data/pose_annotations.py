"""Annotations of 300W-LP, AFLW2000-3D and their like: a Basel model fitted to a photo, one MATLAB file each.

N vertices of the fitted model (53,215). Zhu et al., "Face alignment across large poses", 2016. A vertex S (micrometers,
head frame: x to the subject's left, y up, z out of the face) lies at scale · R S + translation, in pixels: x to the right,
y up from the bottom of the picture, z toward the viewer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from headform.errors import InputError, WeightsError
from headform.geometry.head_angles import rotation_from_300wlp_angles
from headform.io.mat_file import read_mats

_SHAPES: dict[str, int] = {
    "Pose_Para": 7,
    "Shape_Para": 199,
    "Exp_Para": 29,
    "Tex_Para": 199,
    "Color_Para": 7,
    "Illum_Para": 10,
    "roi": 4,
}
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, eq=False)
class PoseAnnotation:
    """Content of one file.

    Attributes:
        pitch: Radians; positive looks up.
        yaw: Radians; positive looks to the subject's right, which is to the left of the picture.
        roll: Radians; positive tilts the head clockwise as seen in the picture.
        translation: Pixels, of the frame in the module's text.
        scale: Pixels per micrometer.
        shape: 199 coefficients of Basel 2009, in its file's own unit columns (not in standard deviations).
        expression: 29 coefficients of FaceWarehouse's expressions on it.
        texture: 199 coefficients of color; zeros where the fit had none.
        color: Gains, offsets and contrast of the three channels.
        illumination: Ambient and directed light of the fit.
        points_2d: The 21 points of AFLW, pixels from the top left; NaN where a point is not seen.
        points_3d: The 68 points, pixels: x to the right, y down, z toward the viewer.
        box: Left, top, right, bottom of the crop out of the original photo, pixels of that photo.
    """

    pitch: float
    yaw: float
    roll: float
    translation: Float[np.ndarray, "3"]
    scale: float
    shape: Float[np.ndarray, "199"]
    expression: Float[np.ndarray, "29"]
    texture: Float[np.ndarray, "199"]
    color: Float[np.ndarray, "7"]
    illumination: Float[np.ndarray, "10"]
    points_2d: Float[np.ndarray, "21 2"]
    points_3d: Float[np.ndarray, "68 3"]
    box: Float[np.ndarray, "4"]

    @property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """R of `rotation_from_300wlp_angles` with this annotation's angles."""
        return rotation_from_300wlp_angles(self.pitch, self.yaw, self.roll)

    def placed(self, vertices: Float[np.ndarray, "N 3"], height: int) -> Float[np.ndarray, "N 3"]:
        """Vertices (micrometers, head frame) in the frame of `points_3d`, of a picture `height` pixels high.

        The publishers' pixels count from 1.
        """
        pixels = self.scale * vertices @ self.rotation.T + self.translation
        return pixels * [1, -1, 1] + [0, height + 1, 0]


def read_pose_annotation(path: Path | str) -> PoseAnnotation:
    """Read ``image00002.mat`` or the like.

    Raises:
        InputError: ``annotation_missing``, ``annotation_damaged`` (no MATLAB file, cut), ``annotation_key`` (names it),
            ``annotation_shape``, ``annotation_not_finite``.
    """
    return read_pose_annotations([path])[0]


def read_pose_annotations(paths: Sequence[Path | str]) -> list[PoseAnnotation]:
    """Read many such files at once, which takes a millisecond each and 0.3 s for the start of their reader.

    Raises:
        InputError: codes of `read_pose_annotation`, for the first file that is wrong.
    """
    try:
        tables = read_mats(paths, [*_SHAPES, "pt2d", "pt3d_68"], _MOST_BYTES)
    except WeightsError as error:
        code = {"weights_missing": "missing", "model_missing_key": "key"}.get(error.code, "damaged")
        raise InputError(f"annotation_{code}", error.message, error.location) from error
    return [_annotation(data, repr(str(path))) for path, data in zip(paths, tables, strict=True)]


def _annotation(data: Mapping[str, object], where: str) -> PoseAnnotation:
    """The annotation in the variables of a file."""
    values = {name: _numbers(where, name, data[name], (size,)) for name, size in _SHAPES.items()}
    seen = _numbers(where, "pt2d", data["pt2d"], (2, 21)).T
    pose = values["Pose_Para"]
    return PoseAnnotation(
        pitch=float(pose[0]),
        yaw=float(pose[1]),
        roll=float(pose[2]),
        translation=pose[3:6],
        scale=float(pose[6]),
        shape=values["Shape_Para"],
        expression=values["Exp_Para"],
        texture=values["Tex_Para"],
        color=values["Color_Para"],
        illumination=values["Illum_Para"],
        points_2d=np.where((seen < 0).any(1, keepdims=True), np.nan, seen),
        points_3d=np.ascontiguousarray(_numbers(where, "pt3d_68", data["pt3d_68"], (3, 68)).T),
        box=values["roi"],
    )


def _numbers(where: str, name: str, value: object, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """An array of the file, double precision; one axis stands for a row or a column."""
    good = isinstance(value, np.ndarray) and value.dtype.kind in "fiu"
    if isinstance(value, np.ndarray) and good and len(shape) == 1:
        good = value.size == shape[0] == max(value.shape, default=1)
    elif isinstance(value, np.ndarray):
        good = good and value.shape == shape
    if not good or not isinstance(value, np.ndarray):
        found = value.shape if isinstance(value, np.ndarray) else type(value).__name__
        what = f"`{name}` is {found}, expected numbers of shape {shape}"
        raise InputError("annotation_shape", what, where)
    array = value.astype(np.float64).reshape(shape)
    if not np.isfinite(array).all():
        raise InputError("annotation_not_finite", f"`{name}` holds NaN or infinity", where)
    return array
