"""Readers of a landmark evaluation: annotated faces and predicted faces.

All points returned are pixels with the origin at the top-left CORNER of the photo, so the center of the first pixel is
(0.5, 0.5); the origins of the files are listed in `annotation_formats`.
"""

import errno
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from headform.data.pose_annotations import PoseAnnotation, read_pose_annotation, read_pose_annotations
from headform.errors import InputError
from headform.evaluate.landmarks68.annotation_formats import (
    CENTER_SHIFT,
    MATLAB_SHIFT,
    MAX_BYTES,
    read_dlib_xml,
    read_pts,
)
from headform.evaluate.landmarks68.pose import (
    seen_along_ray,
)
from headform.export.result_folder import LANDMARKS, PARAMETERS
from headform.geometry.head_angles import aflw2000_degrees_from_rotation, rotation_from_aflw2000_degrees
from headform.io.file_bytes import reason_of
from headform.io.json_file import is_file_name, read_json
from headform.io.npz_file import read_npz

ANNOTATION_SHIFT = CENTER_SHIFT
"""Added to a JSON list's points: its origin is the center of the top-left pixel, ours its corner."""

PHOTOS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".heic", ".ppm", ".pgm", ".jp2")
PTS = "points of .pts"
"""Name of the ground truth in `.pts` files."""
ORIGINAL = "original pt3d_68"
"""Name of the ground truth in the `.mat` files of 300W-LP and AFLW2000-3D."""


@dataclass(frozen=True)
class LandmarkAnnotation:
    """One annotated face.

    Attributes:
        photo: The photo's file, relative to the annotation file's folder.
        set: Short name of the data set, the folder's name up to its first underscore.
        points: (68, 2) float64 pixels, iBUG order, origin at the corner.
        ground_truth: Name of the annotation.
        rotation: (3, 3) float64, camera from head as seen along the ray to the face, or None; see `pose`.
        yaw: Degrees as annotated, or None; sorts the face into a bin.
    """

    photo: str
    set: str
    points: Float64[np.ndarray, "68 2"]
    ground_truth: str = ""
    rotation: Float64[np.ndarray, "3 3"] | None = None
    yaw: float | None = None


@dataclass(frozen=True)
class LandmarkPrediction:
    """One predicted face.

    Attributes:
        points: (68, 2) float64 pixels, iBUG order, origin at the corner.
        rotation: (3, 3) float64 or None, see `LandmarkAnnotation.rotation`.
    """

    points: Float64[np.ndarray, "68 2"]
    rotation: Float64[np.ndarray, "3 3"] | None = None


def read_annotations(*paths: Path) -> list[LandmarkAnnotation]:
    """Read annotations of any supported kind, recognized by the name.

    - `.json`: a list of objects with `file`, `set` and `points68` (pixels from the center of the first pixel), and if known
      `pose` ({"yaw", "pitch", "roll"} in degrees as `evaluate.pose` counts them), `rotation` (three rows) and
      `ground_truth` (a name). Where a photo has a `.mat` beside it, its pose is taken from there.
    - `landmarks.json` of one reconstruction (pixels from the corner); `parameters.npz` beside it gives the pose.
    - `.pts`, dlib's `.xml`, `.mat` of 300W-LP and AFLW2000-3D (points and pose).
    - A folder: all its `.pts`, or all its `.mat`, or all reconstructions, at any depth; each folder is a set.

    Raises:
        InputError: `annotations_unreadable`, `annotations_invalid`, `annotations_mixed` (a folder of several kinds), and
            from `read_pose_annotation`; two photos of one stem in different folders are invalid because results are
            filed by stem.
        WeightsError: from a damaged `parameters.npz`.
    """
    faces = [face for path in paths for face in _read_any(path)]
    owner: dict[str, str] = {}
    for face in faces:
        if owner.setdefault(Path(face.photo).stem, face.photo) != face.photo:
            where = ", ".join(str(path) for path in paths)
            what = f"two photos are called {Path(face.photo).stem}"
            raise InputError("annotations_invalid", what, where)
    return faces


def read_predictions(folder: Path, photos: Sequence[str]) -> dict[str, list[LandmarkPrediction]]:
    """Collect the faces that were found on `photos`.

    Of `headform reconstruct`: a photo `a/b.jpg` has its result in `folder/b`, or with several faces in `folder/b_0`,
    `folder/b_1` and so on. A folder called exactly like a photo belongs to that photo alone. Of other programs:
    `folder/b.pts`, or in place of the folder a JSON list like that of `read_annotations`.

    Args:
        folder: Folder of the results.
        photos: Photos of the evaluation, each file once.

    Returns:
        For each photo its faces; none where no face was found.

    Raises:
        InputError: `predictions_missing`, `predictions_unreadable` or `predictions_invalid`.
        WeightsError: from a damaged `parameters.npz`.
    """
    by_stem = {Path(photo).stem: photo for photo in photos}
    found: dict[str, list[LandmarkPrediction]] = {photo: [] for photo in photos}
    if folder.is_file():
        for face in _json_list(_load(folder, "predictions"), "predictions", folder):
            photo = by_stem.get(Path(face.photo).stem)
            if photo is not None:
                found[photo].append(LandmarkPrediction(face.points, face.rotation))
        return found
    if not folder.is_dir():
        raise InputError("predictions_missing", "there is no such folder", str(folder))
    for file in sorted(folder.glob(f"*/{LANDMARKS}")):
        name = file.parent.name
        photo = by_stem.get(name) or by_stem.get(re.sub(r"_\d+$", "", name))
        if photo is not None:
            points = _points68(_load(file, "predictions"), "predictions", str(file))
            found[photo].append(LandmarkPrediction(points, _rotation_beside(file, points)))
    for file in sorted(folder.glob("*.pts")):
        photo = by_stem.get(file.stem)
        if photo is not None:
            found[photo].append(LandmarkPrediction(read_pts(file)))
    return found


def _read_any(path: Path) -> list[LandmarkAnnotation]:
    if path.is_dir():
        return _read_folder(path)
    kind = path.suffix.lower()
    if kind == ".pts":
        return [_of_pts(path, path.parent)]
    if kind == ".mat":
        return [_of_mat(path, path.parent, read_pose_annotation(path))]
    if kind == ".xml":
        boxes = read_dlib_xml(path)
        return [LandmarkAnnotation(box.photo, path.parent.name, box.points, path.name) for box in boxes]
    content = _load(path, "annotations")
    if isinstance(content, dict) and "points68" in content:
        return [_of_result(path)]
    return _with_mats(_json_list(content, "annotations", path), path.parent)


def _read_folder(folder: Path) -> list[LandmarkAnnotation]:
    kinds = {
        kind: sorted(folder.rglob(pattern))
        for kind, pattern in ((".pts", "*.pts"), (".mat", "*.mat"), (LANDMARKS, LANDMARKS))
    }
    kinds = {kind: files for kind, files in kinds.items() if files}
    if not kinds:
        what = f"the folder contains no .pts, .mat or {LANDMARKS}"
        raise InputError("annotations_invalid", what, str(folder))
    if len(kinds) > 1:
        what = f"the folder contains both {' and '.join(kinds)}"
        raise InputError("annotations_mixed", what, str(folder), "name the files of one kind")
    ((kind, files),) = kinds.items()
    if kind == ".pts":
        return [_of_pts(file, folder) for file in files]
    if kind == ".mat":
        # 300W-LP keeps the two-dimensional points of its photos in files of the same kind
        files = [file for file in files if "landmarks" not in file.parts]
        return [_of_mat(file, folder, said) for file, said in zip(files, read_pose_annotations(files), strict=True)]
    return [_of_result(file) for file in files]


def _set_below(file: Path, folder: Path) -> str:
    """The folder that was asked for, and what lies between it and the file: `lfpw/testset`."""
    return "/".join((folder.resolve().name, *file.parent.relative_to(folder).parts))


def _of_pts(path: Path, folder: Path) -> LandmarkAnnotation:
    return LandmarkAnnotation(_photo_of(path), _set_below(path, folder), read_pts(path), PTS)


def _photo_of(path: Path) -> str:
    """The photo beside an annotation, else its name without the ending."""
    for ending in PHOTOS:
        if path.with_suffix(ending).exists():
            return str(path.with_suffix(ending))
    return str(path.with_suffix(""))


def _of_mat(path: Path, folder: Path, said: PoseAnnotation) -> LandmarkAnnotation:
    points, angles = _points_and_angles(said)
    rotation = rotation_from_aflw2000_degrees(*angles)
    photo, label = _photo_of(path), _set_below(path, folder)
    return LandmarkAnnotation(photo, label, points, ORIGINAL, rotation, angles[0])


def _with_mats(faces: list[LandmarkAnnotation], folder: Path) -> list[LandmarkAnnotation]:
    """Add the pose of the `.mat` beside the photo, where there is one, and whether its points are the same."""
    beside = {number: (folder / face.photo).with_suffix(".mat") for number, face in enumerate(faces)}
    beside = {number: path for number, path in beside.items() if faces[number].rotation is None and path.is_file()}
    merged = list(faces)
    for number, said in zip(beside, read_pose_annotations(list(beside.values())), strict=True):
        face = faces[number]
        points, angles = _points_and_angles(said)
        gap = float(np.linalg.norm(points - face.points, axis=1).mean())
        same = gap < 1.0  # conventions of half a pixel either way
        ground_truth = ORIGINAL if same else f"re-annotated ({face.ground_truth})"
        rotation = rotation_from_aflw2000_degrees(*angles)
        merged[number] = LandmarkAnnotation(face.photo, face.set, face.points, ground_truth, rotation, angles[0])
    return merged


def _points_and_angles(said: PoseAnnotation) -> tuple[Float64[np.ndarray, "68 2"], tuple[float, float, float]]:
    """Points with the origin at the corner, and yaw, pitch, roll in degrees."""
    yaw, pitch, roll = np.degrees([said.yaw, said.pitch, said.roll]).tolist()
    return said.points_3d[:, :2] + MATLAB_SHIFT, (yaw, pitch, roll)


def _of_result(path: Path) -> LandmarkAnnotation:
    points = _points68(_load(path, "annotations"), "annotations", str(path))
    name, parent = path.parent.name, path.parent.parent
    stem = re.sub(r"_\d+$", "", name)
    if stem != name and not all((parent / f"{stem}_{k}").is_dir() for k in (0, 1)):
        stem = name
    rotation = _rotation_beside(path, points)
    yaw = None if rotation is None else float(aflw2000_degrees_from_rotation(rotation)[0])
    return LandmarkAnnotation(stem, parent.resolve().name, points, "another reconstruction", rotation, yaw)


def _rotation_beside(file: Path, points: Float64[np.ndarray, "68 2"]) -> Float64[np.ndarray, "3 3"] | None:
    path = file.parent / PARAMETERS
    if not path.is_file():
        return None
    arrays = read_npz(path, ("R", "K"))
    R, K = (np.asarray(arrays[name], np.float64) for name in ("R", "K"))
    sound = R.shape == K.shape == (3, 3) and bool(np.isfinite(R).all() and np.isfinite(K).all())
    if not sound or np.abs(R @ R.T - np.eye(3)).max() > 1e-3 or not abs(np.linalg.det(K)) > 0:
        raise InputError("predictions_invalid", "R is not a rotation or K not a camera matrix", str(path))
    ray = np.linalg.inv(K) @ np.array([*points.mean(axis=0), 1.0])
    return seen_along_ray(R, ray)


def _json_list(entries: Any, kind: str, path: Path) -> list[LandmarkAnnotation]:
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{kind}_invalid", "expected a list of annotated faces", str(path))
    return [_entry(entry, kind, path, index) for index, entry in enumerate(entries)]


def _entry(entry: Any, kind: str, path: Path, index: int) -> LandmarkAnnotation:
    where = f"{path}, entry {index}"
    if not isinstance(entry, dict) or not is_file_name(entry.get("file")):
        named = f": {entry.get('file')!a:.60}" if isinstance(entry, dict) and "file" in entry else ""
        raise InputError(f"{kind}_invalid", f"an entry names no file{named}", where)
    photo, label = entry["file"], entry.get("set", "" if kind == "predictions" else None)
    if not isinstance(label, str):
        raise InputError(f"{kind}_invalid", "an entry names no set", where)
    points = _points68(entry, kind, where) + ANNOTATION_SHIFT
    rotation, yaw = _pose_of(entry, kind, where)
    name = entry.get("ground_truth")
    named = name if isinstance(name, str) else path.name
    return LandmarkAnnotation(photo, label.split("_")[0], points, named, rotation, yaw)


def _pose_of(entry: dict[str, Any], kind: str, where: str) -> tuple[Float64[np.ndarray, "3 3"] | None, float | None]:
    pose, rows = entry.get("pose"), entry.get("rotation")
    if rows is not None:
        good = isinstance(rows, list) and len(rows) == 3
        good = good and all(isinstance(r, list) and len(r) == 3 and _numbers(r) for r in rows)
        rotation = np.array(rows, np.float64) if good else np.zeros((3, 3))
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
            raise InputError(f"{kind}_invalid", "rotation is no rotation of three rows", where)
        return rotation, float(aflw2000_degrees_from_rotation(rotation)[0])
    if pose is None:
        return None, None
    angles: list[Any] = []
    if isinstance(pose, dict):
        angles = [pose.get(name) for name in ("yaw", "pitch", "roll")]
    if not angles or not _numbers(angles):
        raise InputError(f"{kind}_invalid", "pose has no yaw, pitch and roll in degrees", where)
    yaw, pitch, roll = (float(angle) for angle in angles)
    return rotation_from_aflw2000_degrees(yaw, pitch, roll), yaw


def _load(path: Path, kind: str) -> Any:
    try:
        return read_json(path, MAX_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise InputError(f"{kind}_invalid", reason_of(error), str(path)) from error
        raise InputError(f"{kind}_unreadable", f"cannot read the file: {reason_of(error)}", str(path)) from error
    except ValueError as error:
        raise InputError(f"{kind}_invalid", f"not JSON: {error}", str(path)) from error


def _points68(entry: Any, kind: str, where: str) -> Float64[np.ndarray, "68 2"]:
    """The `points68` of one entry, checked one by one: 68 pairs of finite numbers."""
    listed = entry.get("points68") if isinstance(entry, dict) else None
    rows = listed if isinstance(listed, list) else []
    good = len(rows) == 68 and all(isinstance(row, list) and len(row) == 2 and _numbers(row) for row in rows)
    if not good:
        raise InputError(f"{kind}_invalid", "points68 is not 68 pairs of finite numbers", where)
    return np.array(rows, np.float64)


def _numbers(values: Iterable[Any]) -> bool:
    return all(_is_number(value) for value in values)


def _is_number(value: Any) -> bool:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return good and abs(value) < 1e9  # neither NaN nor infinite nor an endless integer
