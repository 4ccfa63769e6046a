"""The 68-point error on annotated photos: match, measure, tabulate.

The error of a face is the mean distance of its 68 points, divided by sqrt(width * height) of the
box around the true points (Zhu et al. 2016 measure AFLW2000-3D so). P predicted and T true faces.
Other sizes to divide by, bins of yaw, curves and pose are in `landmark_details`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment

from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_details import details
from headform.evaluate.landmarks68.landmark_errors import FaceScore, face_sizes
from headform.evaluate.landmarks68.landmark_files import (
    LandmarkAnnotation,
    LandmarkPrediction,
    read_annotations,
    read_predictions,
)
from headform.evaluate.landmarks68.pose import pose_error
from headform.evaluate.tables import json_text, markdown_table, percent
from headform.geometry.landmarks68 import INNER_FACE

MINIMUM_OVERLAP = 0.2
"""Boxes of the same face have at least this intersection over union."""


@dataclass(frozen=True)
class SetSummary:
    """One set's numbers; errors are fractions over the faces found, None where none was.

    Attributes:
        faces: Number of annotated faces.
        missed: Number of them without a prediction.
        mean: Mean error.
        median: Median error.
        inner_mean: Mean error of the 51 points off the jaw line, on which conventions differ most.
    """

    faces: int
    missed: int
    mean: float | None
    median: float | None
    inner_mean: float | None


@dataclass(frozen=True)
class LandmarkTable:
    """Scores of all faces, and their summaries.

    Attributes:
        scores: One per true face, in the order of the annotations.
        unmatched: Predicted faces that belong to no annotated face; photos show more people than
            were annotated, so this need not be an error.
    """

    scores: tuple[FaceScore, ...]
    unmatched: int = 0

    def sets(self) -> tuple[str, ...]:
        """Names of the sets in the order of their first face."""
        return tuple(dict.fromkeys(score.set for score in self.scores))

    def summary(self, name: str | None = None) -> SetSummary:
        """Numbers of the set `name`, of all faces without one."""
        scores = [s for s in self.scores if name is None or s.set == name]
        errors = [s.error for s in scores if s.error is not None]
        inner = [s.inner_error for s in scores if s.inner_error is not None]
        return SetSummary(
            faces=len(scores),
            missed=len(scores) - len(errors),
            mean=float(np.mean(errors)) if errors else None,
            median=float(np.median(errors)) if errors else None,
            inner_mean=float(np.mean(inner)) if inner else None,
        )

    def require_complete(self) -> None:
        """Refuse to average over holes: a method that gives up on the hard faces would look better.

        Raises:
            InputError: `predictions_incomplete`, with how many and the first of them.
        """
        missed = [score.photo for score in self.scores if score.error is None]
        if missed:
            shown = ", ".join(list(dict.fromkeys(missed))[:5]) + (" ..." if len(missed) > 5 else "")
            raise InputError(
                "predictions_incomplete",
                f"{len(missed)} of {len(self.scores)} faces have no prediction",
                shown,
                "give them, or average over the others with --allow-missing",
            )

    def to_json(self) -> str:
        """Summaries by set, overall, and each face, as JSON text."""
        content = {
            "unit": "mean 68-point distance over sqrt(width * height) of the true points",
            "all": asdict(self.summary()),
            "sets": {name: asdict(self.summary(name)) for name in self.sets()},
            "unmatched": self.unmatched,
            **details(self.scores),
            "faces": [asdict(score) for score in self.scores],
        }
        return json_text(content)

    def to_markdown(self) -> str:
        """A table with a row per set and one for all; errors in per cent."""
        header = ["set", "faces", "missed", "mean %", "median %", "inner 51 mean %"]
        rows = []
        for name in (*self.sets(), None):
            s = self.summary(name)
            rows.append([name or "all", s.faces, s.missed, percent(s.mean), percent(s.median), percent(s.inner_mean)])
        return markdown_table(header, rows) + "\n"


def compare(tables: Mapping[str, LandmarkTable]) -> str:
    """A markdown table of methods (rows) by sets (columns): mean error in per cent, missed faces.

    Raises:
        ValueError: when there is no table or two tables hold different faces.
    """
    if not tables:
        raise ValueError("there is nothing to compare")
    faces = [[(s.photo, s.set) for s in table.scores] for table in tables.values()]
    if any(other != faces[0] for other in faces):
        raise ValueError("the tables hold different faces")
    sets = next(iter(tables.values())).sets()
    rows = []
    for method, table in tables.items():
        whole = table.summary()
        means = [percent(table.summary(name).mean) for name in sets]
        rows.append([method, percent(whole.mean), percent(whole.inner_mean), *means, whole.missed])
    return markdown_table(["method", "all", "inner 51", *sets, "missed"], rows) + "\n"


def point_error(
    predicted: Float[np.ndarray, "68 2"],
    true: Float[np.ndarray, "68 2"],
    points: slice = slice(0, 68),
) -> float:
    """Mean distance over sqrt(box area of all true points), over the chosen `points`; a fraction.

    Raises:
        ValueError: when the true points span no area.
    """
    size = float(np.sqrt(np.prod(np.ptp(true, axis=0))))
    if not size > 0:
        raise ValueError("the true points span no area")
    return float(np.linalg.norm(predicted[points] - true[points], axis=1).mean() / size)


def box_overlap(a: Float[np.ndarray, "N 2"], b: Float[np.ndarray, "M 2"]) -> float:
    """Intersection over union of the boxes around two sets of points, in [0, 1]."""
    low = np.maximum(a.min(axis=0), b.min(axis=0))
    high = np.minimum(a.max(axis=0), b.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0)))
    union = float(np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0))) - shared
    return shared / union if union > 0 else 0.0


def match_faces(
    predicted: Sequence[Float[np.ndarray, "68 2"]], true: Sequence[Float[np.ndarray, "68 2"]]
) -> list[int | None]:
    """Pair the faces of one photo, one to one, so that the overlap of their boxes is greatest.

    Args:
        predicted: P faces' points, pixels.
        true: T faces' points, pixels.

    Returns:
        For each true face the index of its prediction, None where it was missed: no partner with
        an overlap of `MINIMUM_OVERLAP`.
    """
    overlap = np.array([[box_overlap(p, t) for p in predicted] for t in true])
    overlap = np.where(overlap < MINIMUM_OVERLAP, 0.0, overlap).reshape(len(true), len(predicted))
    partners: list[int | None] = [None] * len(true)
    for row, column in zip(*linear_sum_assignment(overlap, maximize=True), strict=True):
        if overlap[row, column] > 0:
            partners[row] = int(column)
    return partners


def evaluate_points(
    predictions: Mapping[str, Sequence[Float[np.ndarray, "68 2"]]],
    annotations: Sequence[LandmarkAnnotation],
) -> LandmarkTable:
    """Score predicted points, listed by photo, against the annotated ones; see `evaluate_found`."""
    found = {photo: [LandmarkPrediction(p) for p in faces] for photo, faces in predictions.items()}
    return evaluate_found(found, annotations)


def evaluate_found(
    predictions: Mapping[str, Sequence[LandmarkPrediction]], annotations: Sequence[LandmarkAnnotation]
) -> LandmarkTable:
    """Score predicted faces, listed by photo, against the annotated ones.

    Args:
        predictions: Pixels with the origin at the corner; a photo may be absent.
        annotations: Annotated faces.
    """
    by_photo: dict[str, list[int]] = {}
    for index, face in enumerate(annotations):
        by_photo.setdefault(face.photo, []).append(index)
    scores = [_missed(face) for face in annotations]
    unmatched = 0
    for photo, indices in by_photo.items():
        candidates = predictions.get(photo, [])
        points = [face.points for face in candidates]
        partners = match_faces(points, [annotations[i].points for i in indices])
        unmatched += len(candidates) - sum(partner is not None for partner in partners)
        for index, partner in zip(indices, partners, strict=True):
            if partner is not None:
                scores[index] = _score(candidates[partner], annotations[index])
    return LandmarkTable(tuple(scores), unmatched)


def evaluate_each(
    predict: Callable[[LandmarkAnnotation], Float[np.ndarray, "68 2"]],
    annotations: Sequence[LandmarkAnnotation],
) -> LandmarkTable:
    """Score a method that is given each annotated face, so that nothing is missed or matched."""
    return LandmarkTable(tuple(_score(LandmarkPrediction(predict(face)), face) for face in annotations))


def evaluate_folder(predictions: Path, *annotations: Path) -> LandmarkTable:
    """Score the `landmarks.json` files under a folder that `headform reconstruct` wrote.

    Args:
        predictions: The output folder; reconstruct with `--people all`, for a photo may show several
            annotated faces.
        annotations: Annotation files or folders, see `read_annotations`.

    Raises:
        InputError: see `read_annotations` and `read_predictions`.
        WeightsError: from a damaged `parameters.npz`.
    """
    return evaluate_against(predictions, read_annotations(*annotations))


def evaluate_against(predictions: Path, annotations: Sequence[LandmarkAnnotation]) -> LandmarkTable:
    """Score a folder against annotations that are already read.

    Raises:
        InputError: see `read_predictions`.
        WeightsError: from a damaged `parameters.npz`.
    """
    photos = list(dict.fromkeys(face.photo for face in annotations))
    return evaluate_found(read_predictions(predictions, photos), annotations)


def _missed(face: LandmarkAnnotation) -> FaceScore:
    return FaceScore(face.photo, face.set, None, None, yaw=face.yaw, ground_truth=face.ground_truth)


def _score(predicted: LandmarkPrediction, face: LandmarkAnnotation) -> FaceScore:
    sizes = face_sizes(face.points)
    distance = float(np.linalg.norm(predicted.points - face.points, axis=1).mean())
    pose = None
    if predicted.rotation is not None and face.rotation is not None:
        pose = pose_error(predicted.rotation, face.rotation)
    return FaceScore(
        photo=face.photo,
        set=face.set,
        error=point_error(predicted.points, face.points),
        inner_error=point_error(predicted.points, face.points, INNER_FACE),
        outer_eyes_error=distance / sizes.outer_eyes if sizes.outer_eyes > 0 else None,
        pupils_error=distance / sizes.pupils if sizes.pupils > 0 else None,
        yaw=face.yaw,
        pose=pose,
        ground_truth=face.ground_truth,
    )
