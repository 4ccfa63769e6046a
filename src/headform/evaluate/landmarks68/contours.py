"""Distances of lids, lips, brows and jaw from hand-placed contours, and of the gap between the lips.

68 points against the polylines of `data.contours`; everything in per cent of the distance of the pupils. Points are
measured across the contour only: where along a lid a point lies is a matter of convention.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
from jaxtyping import Float

from headform.data.contours import (
    BROW_UPPER,
    JAW,
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    LIP_OUTER_LOWER,
    LIP_OUTER_UPPER,
    LOWER_LID,
    UPPER_LID,
    AnnotatedFace,
)
from headform.errors import InputError
from headform.evaluate.landmarks68.landmark_files import LandmarkPrediction
from headform.evaluate.landmarks68.landmarks import match_faces
from headform.evaluate.tables import json_text, markdown_table
from headform.geometry.landmarks68 import INNER_LIP_PAIRS
from headform.geometry.polyline import distances, height_at

UPPER_LID_POINTS = ((37, 38), (43, 44))
LOWER_LID_POINTS = ((40, 41), (46, 47))
BROW_POINTS = ((18, 19, 20), (23, 24, 25))
"""The inner three of each brow: its ends are marked differently."""
JAW_POINTS = tuple(range(2, 15))
"""Without the two nearest each ear, where the contour ends."""
_OUTER_UPPER, _OUTER_LOWER = tuple(range(49, 54)), tuple(range(55, 60))


@dataclass(frozen=True)
class ContourErrors:
    """One face, or the mean of many; per cent of the distance of the pupils.

    Attributes:
        upper_lid: mean distance of the upper lids' points from their curves.
        upper_lid_low: how far they lie below, negative above.
        lower_lid: as `upper_lid`.
        outer_lips: mean distance of the outer lips' points from their curves.
        lip_gap: mean absolute error of the height of the gap between the lips.
        lip_gap_wide: its mean signed error, positive where the lips were read too far apart.
        brow_high: how far the brows' inner three points lie above the brows' upper edges, negative below.
        jaw: mean distance of the jaw's points from its curve.
    """

    upper_lid: float
    upper_lid_low: float
    lower_lid: float
    outer_lips: float
    lip_gap: float
    lip_gap_wide: float
    brow_high: float
    jaw: float


def contour_errors(points: Float[np.ndarray, "68 2"], annotated: AnnotatedFace) -> ContourErrors:
    """Measure one upright face's 68 points, pixels with the origin at the corner."""
    marks, unit = annotated.points, annotated.pupil_distance / 100

    def line(ids: Sequence[int]) -> Float[np.ndarray, "M 2"]:
        return marks[list(ids)]

    def across(groups: Sequence[Sequence[int]], lines: Sequence[Sequence[int]]) -> float:
        rows = [distances(points[list(g)], line(ids)) for g, ids in zip(groups, lines, strict=True)]
        return float(np.concatenate(rows).mean() / unit)

    def below(groups: Sequence[Sequence[int]], lines: Sequence[Sequence[int]]) -> float:
        rows = [
            points[k, 1] - height_at(line(ids), points[k, 0])
            for group, ids in zip(groups, lines, strict=True)
            for k in group
        ]
        return float(np.mean(rows) / unit)

    gaps = []
    for upper, lower in INNER_LIP_PAIRS:
        x = float(points[[upper, lower], 0].mean())
        true = height_at(line(LIP_INNER_LOWER), x) - height_at(line(LIP_INNER_UPPER), x)
        gaps.append(float(points[lower, 1] - points[upper, 1]) - true)
    return ContourErrors(
        upper_lid=across(UPPER_LID_POINTS, UPPER_LID),
        upper_lid_low=below(UPPER_LID_POINTS, UPPER_LID),
        lower_lid=across(LOWER_LID_POINTS, LOWER_LID),
        outer_lips=across((_OUTER_UPPER, _OUTER_LOWER), (LIP_OUTER_UPPER, LIP_OUTER_LOWER)),
        lip_gap=float(np.abs(gaps).mean() / unit),
        lip_gap_wide=float(np.mean(gaps) / unit),
        brow_high=-below(BROW_POINTS, BROW_UPPER),
        jaw=across((JAW_POINTS,), (JAW,)),
    )


@dataclass(frozen=True)
class ContourTable:
    """Contour errors of all faces.

    Attributes:
        photos: of the faces, in the order of the annotations.
        errors: one per face, None where it was not found.
        points: the 68 points that were measured, for pictures.
    """

    photos: tuple[str, ...]
    errors: tuple[ContourErrors | None, ...]
    points: tuple[Float[np.ndarray, "68 2"] | None, ...]

    @property
    def missed(self) -> int:
        """Number of faces without a prediction."""
        return sum(error is None for error in self.errors)

    def mean(self) -> ContourErrors | None:
        """Mean over the detected faces; None if there are none."""
        found = [asdict(error) for error in self.errors if error is not None]
        if not found:
            return None
        return ContourErrors(**{f.name: float(np.mean([e[f.name] for e in found])) for f in fields(ContourErrors)})

    def require_complete(self) -> None:
        """Refuse to average over holes.

        Raises:
            InputError: `predictions_incomplete`.
        """
        lost = [p for p, error in zip(self.photos, self.errors, strict=True) if error is None]
        if lost:
            raise InputError(
                "predictions_incomplete",
                f"{len(lost)} of {len(self.photos)} faces have no prediction",
                ", ".join(lost[:5]) + (" ..." if len(lost) > 5 else ""),
                "give them, or average over the others with --allow-missing",
            )

    def to_json(self) -> str:
        """The mean and each face, as JSON text."""
        mean = self.mean()
        rows = zip(self.photos, self.errors, strict=True)
        content = {
            "unit": "per cent of the distance of the pupils",
            "faces": len(self.photos),
            "missed": self.missed,
            "mean": None if mean is None else asdict(mean),
            "each": [{"photo": p} | ({} if e is None else asdict(e)) for p, e in rows],
        }
        return json_text(content)


def evaluate_contours(
    predictions: Mapping[str, Sequence[LandmarkPrediction]], annotations: Sequence[AnnotatedFace]
) -> ContourTable:
    """Measure predicted faces, listed by photo, against annotated ones; one face a photo."""
    errors: list[ContourErrors | None] = []
    chosen: list[Float[np.ndarray, "68 2"] | None] = []
    for face in annotations:
        found = [one.points for one in predictions.get(face.photo, [])]
        # jaw and brows span the same box as the 68 points; the annotation's hairline does not
        outline = face.points[[*JAW, *BROW_UPPER[0], *BROW_UPPER[1]]]
        partner = match_faces(found, [np.resize(outline, (68, 2))])[0]
        chosen.append(None if partner is None else found[partner])
        errors.append(None if partner is None else contour_errors(found[partner], face))
    return ContourTable(tuple(face.photo for face in annotations), tuple(errors), tuple(chosen))


def to_markdown(tables: Mapping[str, ContourTable]) -> str:
    """A table with a row per method, per cent of the distance of the pupils."""
    measures = ["upper lid (low by)", "lower lid", "outer lips", "lip gap (wide by)", "brow high by", "jaw"]
    rows = []
    for name, table in tables.items():
        m = table.mean()
        cells = ["–"] * len(measures)
        if m is not None:
            cells = [
                f"{m.upper_lid:.2f} ({m.upper_lid_low:+.2f})",
                f"{m.lower_lid:.2f}",
                f"{m.outer_lips:.2f}",
                f"{m.lip_gap:.2f} ({m.lip_gap_wide:+.2f})",
                f"{m.brow_high:+.2f}",
                f"{m.jaw:.2f}",
            ]
        rows.append([name, len(table.photos), table.missed, *cells])
    return markdown_table(["method", "faces", "missed", *measures], rows) + "\n"
