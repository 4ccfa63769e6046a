"""Readings of open portraits, and what the annotated ones among them say about lids, lips, brows and jaw.

R readings, M members (own, MediaPipe, face-api, PFLD). Offsets in face sizes, in the frame of the eyes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from headform import images
from headform.data.contours import (
    CORNERS68,
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LOWER_LID,
    UPPER_LID,
    AnnotatedFace,
    curves68,
    onto_annotation,
    read_contours,
)
from headform.errors import FaceError
from headform.geometry.landmarks68 import INNER_LIP_PAIRS, MIRROR68
from headform.geometry.mediapipe478 import (
    IRIS_LEFT,
    IRIS_RIGHT,
    LID_PAIRS,
    LIP_PAIRS,
    LOWER_LID_LEFT,
    LOWER_LID_RIGHT,
    LOWER_LIP_INNER,
    LOWER_LIP_OUTER,
    MIRROR478,
    UPPER_LID_LEFT,
    UPPER_LID_RIGHT,
    UPPER_LIP_INNER,
    UPPER_LIP_OUTER,
)
from headform.geometry.polyline import nearest_on
from headform.nets.crop_geometry import EyeFrame
from headform.nets.landmarks.committee import Committee
from headform.nets.landmarks.committee_calibration import Calibration
from headform.pipeline.face_fit import FaceFitter
from headform.pipeline.landmarks68 import points68
from headform.pipeline.reconstructor import Reconstructor

SETS = ("london", "canada")
UNLABELLED = ("congress", 2)
"""A set without points, and of how many of its portraits one is read."""

_PUPILS = (0, 1)


def curves478() -> dict[int, tuple[int, ...]]:
    """The same for MediaPipe's rings."""
    rings = (
        (UPPER_LID_RIGHT, UPPER_LID[0]), (LOWER_LID_RIGHT, LOWER_LID[0]),
        (UPPER_LID_LEFT, UPPER_LID[1]), (LOWER_LID_LEFT, LOWER_LID[1]),
        (UPPER_LIP_INNER, LIP_INNER_UPPER), (LOWER_LIP_INNER, LIP_INNER_LOWER),
        (UPPER_LIP_OUTER, LIP_OUTER_UPPER), (LOWER_LIP_OUTER, LIP_OUTER_LOWER),
    )  # fmt: skip
    return {point: curve for ring, curve in rings for point in ring[1:-1]}


@dataclass(frozen=True)
class PortraitReadings:
    """What the networks say about portraits."""

    name: np.ndarray  # (R,) file under the photos' folder
    mesh: np.ndarray  # (R, 478, 2)
    members: np.ndarray  # (R, 3, 68, 2)
    own: np.ndarray  # (R, 68, 2) points that follow from the dense network and the fit
    guide: np.ndarray  # (R, 68, 2)

    def chosen(self, rows: np.ndarray) -> "PortraitReadings":
        """Some of them."""
        return PortraitReadings(*(getattr(self, f.name)[rows] for f in fields(self)))

    def frames(self) -> list[EyeFrame]:
        """The eyes' frame of each."""
        return [EyeFrame.of(guide) for guide in self.guide]


def read_portraits(photos: Path, calibration: Calibration, keep: Path) -> PortraitReadings:
    """Read the largest face of each open portrait; kept in a file like the synthetic readings.

    Args:
        photos: folder of the sets.
        calibration: of MediaPipe's points, for the fit from which the dense network's 68 points follow.
        keep: the file.
    """
    if keep.is_file():
        with np.load(keep) as stored:
            return PortraitReadings(**{f.name: stored[f.name] for f in fields(PortraitReadings)})
    road = Reconstructor.load(landmarks_net="own", texture_size=0)
    committee, fitter = Committee.load(), FaceFitter(road.head, calibration)
    rows = []
    for name in _portraits(photos):
        photo = images.read(photos / name)
        try:
            prediction = road.find(photo)[0].prediction
        except FaceError:
            continue
        guide = prediction.points[:68]
        reading = committee.read([photo.rgb], [guide])[0]
        predictor = road.identity_predictor
        identity = None if predictor is None else predictor.predict([photo.rgb], [guide])[0]
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        fitted = fitter.fit(prediction, reading, identity, size)
        own = points68(road.head, prediction, fitted.vertices, fitted.camera)
        rows.append((name, reading.mesh, reading.points68, own, guide))
    names = [f.name for f in fields(PortraitReadings)]
    columns = {n: np.stack([np.asarray(r[k]) for r in rows]) for k, n in enumerate(names)}
    np.savez(keep, **columns)
    return PortraitReadings(**columns)


def _portraits(photos: Path) -> Iterator[str]:
    for folder in SETS:
        yield from sorted(f"{folder}/{file.name}" for file in (photos / folder).glob("*.jpg"))
    folder, every = UNLABELLED
    files = sorted(f"{folder}/{file.name}" for file in (photos / folder).glob("*.jpg"))
    yield from files[::every]


def annotated(photos: Path) -> dict[str, AnnotatedFace]:
    """The hand-placed points by file."""
    return {
        f"{folder}/{Path(face.photo).name}": face
        for folder in SETS
        for face in read_contours(photos / folder / "landmarks189.json")
    }


def with_rings(calibration: Calibration, readings: PortraitReadings, truth: Mapping[str, AnnotatedFace]) -> Calibration:
    """Offsets of MediaPipe's rings and irises, and how well it sees lids and lips apart, from annotated portraits."""
    rows = [k for k, name in enumerate(readings.name) if str(name) in truth]
    frames = readings.frames()
    curves = curves478()
    pairs = np.array([*LID_PAIRS, *LIP_PAIRS])
    moves, gaps = [], []
    for row in rows:
        marks, frame, mesh = truth[str(readings.name[row])].points, frames[row], readings.mesh[row]
        target = mesh.copy()
        for point, curve in curves.items():
            target[point] = nearest_on(mesh[point], marks[list(curve)])
        for rim, pupil in zip((IRIS_RIGHT, IRIS_LEFT), _PUPILS, strict=True):
            target[rim] = mesh[rim] + marks[pupil] - mesh[rim].mean(0)
        moves.append((target - mesh) @ frame.axes / frame.size)
        seen = (mesh[pairs[:, 1]] - mesh[pairs[:, 0]]) @ frame.axes[:, 1]
        true = (target[pairs[:, 1]] - target[pairs[:, 0]]) @ frame.axes[:, 1]
        gaps.append((seen - true) / frame.size)
    move = np.median(np.stack(moves), axis=0)
    move = (move + move[MIRROR478] * [-1.0, 1.0]) / 2
    offset = calibration.mesh_offset.copy()
    known = [*curves, *range(IRIS_RIGHT.start, IRIS_LEFT.stop)]
    offset[known] = move[known]
    spread = np.std(np.stack(gaps), axis=0)
    sigma = np.array([spread[: len(LID_PAIRS)].mean(), spread[len(LID_PAIRS) :].mean()])
    return replace(calibration, mesh_offset=offset, gap_sigma=sigma)


def with_points68(
    calibration: Calibration, readings: PortraitReadings, truth: Mapping[str, AnnotatedFace]
) -> Calibration:
    """Offsets and variances of all members' 68 points.

    Where an annotated curve runs, the true point is that of the curve nearest to the members' mean; elsewhere the mean of
    face-api and PFLD sets the convention and the members' mean is the truth.
    """
    frames = readings.frames()
    said = np.concatenate([readings.own[:, None], readings.members], axis=1)  # (R, 4, 68, 2)
    local = np.stack([(p - f.middle) @ f.axes / f.size for p, f in zip(said, frames, strict=True)])
    convention = local[:, 2:].mean(1)
    rows = [k for k, name in enumerate(readings.name) if str(name) in truth]
    curves = curves68()
    marked = np.array([k in curves or k in CORNERS68 for k in range(68)])
    offset, sigma = np.zeros((4, 68, 2)), np.ones((4, 68))
    target = convention
    for round_ in range(4):
        if round_:
            weight = sigma**-2.0
            mean = np.einsum("mk,rmkc->rkc", weight / weight.sum(0), local + offset)
            target = mean.copy()
        target = target.copy()
        for row in rows:
            target[row] = _onto_curves(target[row], frames[row], truth[str(readings.name[row])])
        for member in range(4):
            move = np.median(convention - local[:, member], axis=0)
            move[marked] = np.median(target[rows] - local[rows, member], axis=0)[marked]
            offset[member] = (move + move[MIRROR68] * [-1.0, 1.0]) / 2
        error = target[:, None] - local - offset
        square = np.median((error**2).sum(3), axis=0)
        square[:, marked] = np.median((error[rows] ** 2).sum(3), axis=0)[:, marked]
        sigma = np.sqrt((square + square[:, MIRROR68]) / 4 + _LEAST**2)
        for upper, lower in INNER_LIP_PAIRS:
            gap = (error[rows][:, :, lower] - error[rows][:, :, upper])[..., 1]
            wide = np.sqrt(np.mean(gap**2, axis=0) / 2)
            sigma[:, [upper, lower]] = wide[:, None]
    return replace(calibration, offset68=offset, sigma68=sigma)


_LEAST = 0.002
"""Face sizes: no member is believed to be better than this."""


def _onto_curves(local: np.ndarray, frame: EyeFrame, face: AnnotatedFace) -> np.ndarray:
    pixels = onto_annotation(local @ frame.axes.T * frame.size + frame.middle, face)
    return np.asarray((pixels - frame.middle) @ frame.axes / frame.size)
