"""Check whether the predictions of one subject differ by more than identity.

N predictions, S sampled vertices.

The benchmark wants the neutral face from every photo, whatever its expression. Predictions of one subject and one topology
are laid over each other by their upper faces; expression then shows as a mouth and chin that move while the upper face,
where errors of identity show as well, does not.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from headform.evaluate.now.record import Record, Shape
from headform.evaluate.scan.landmarks7 import face_frame
from headform.evaluate.scan.sanity_checks import Finding
from headform.geometry.seven_landmarks import face_sphere, inside
from headform.geometry.similarity import fit_similarity

SAMPLES = 1500
"""Vertices that are compared, about."""

FEWEST = 3
"""Predictions of a subject below which nothing is compared."""

LOWER = 3.0
"""Millimeters (root mean square) that mouth and chin may lie away from the subject's median."""

RATIO = 3.0
"""Times as far as the upper face, and more, is taken for expression.

On the open head an identity code that errs by 0.3 of its spread moves lower faces by 1.2 mm and hardly ever passes both;
half a smile (3.8 mm) or a jaw open by a fifth (5 mm) does.
"""


def shorten(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    landmarks: Float[np.ndarray, "7 3"],
    scale: float,
) -> Shape:
    """Shorten a prediction to what is kept; `scale` is millimeters per unit."""
    digest = hashlib.sha256(np.ascontiguousarray(faces, np.int64).tobytes())
    digest.update(str(len(vertices)).encode())
    step = max(1, len(vertices) // SAMPLES)
    return Shape(
        digest.hexdigest(),
        np.asarray(vertices[::step] * scale, np.float32),
        np.asarray(landmarks * scale, np.float32),
    )


def assess_subjects(records: Sequence[Record]) -> list[Record]:
    """The records with a warning `not_neutral` where a prediction's lower face leaves the others of its subject."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, record in enumerate(records):
        if record.shape is not None:
            groups.setdefault((record.image.subject, record.shape.topology), []).append(index)
    assessed = list(records)
    for members in groups.values():
        if len(members) < FEWEST:
            continue
        moved = lower_and_upper(shape for i in members if (shape := records[i].shape) is not None)
        for index, (lower, upper) in zip(members, moved, strict=True):
            if lower > LOWER and lower > RATIO * upper:
                what = f"mouth and chin lie {lower:.1f} mm from the subject's median, the upper face {upper:.1f} mm"
                assessed[index] = assessed[index].with_findings((Finding("not_neutral", what),))
    return assessed


def lower_and_upper(shapes: Iterable[Shape]) -> list[tuple[float, float]]:
    """Root mean square distance of lower and upper face from the median of all shapes, millimeters, for each.

    Each is laid over the median by the similarity that fits its upper face best; the median is formed twice.
    """
    listed = list(shapes)
    points = np.stack([shape.points for shape in listed]).astype(np.float64)
    middle, marks = points[0], listed[0].landmarks.astype(np.float64)
    upper, lower = _parts(middle, marks)
    if not (upper.sum() >= 4 and lower.any()):
        return [(0.0, 0.0)] * len(listed)
    for _ in range(2):
        points = np.stack([_laid_over(p, middle, upper) for p in points])
        middle = np.median(points, axis=0)
    away = np.linalg.norm(points - middle, axis=2)
    return [(_rms(row[lower]), _rms(row[upper])) for row in away]


def _laid_over(
    points: Float64[np.ndarray, "S 3"],
    target: Float64[np.ndarray, "S 3"],
    part: Bool[np.ndarray, " S"],
) -> Float64[np.ndarray, "S 3"]:
    return fit_similarity(points[part], target[part]).apply(points)


def _parts(
    points: Float64[np.ndarray, "S 3"], landmarks: Float64[np.ndarray, "7 3"]
) -> tuple[Bool[np.ndarray, " S"], Bool[np.ndarray, " S"]]:
    """Upper face (above the nose bottom) and lower face (from 5 mm below it), both within the sphere of NoW."""
    center, radius = face_sphere(landmarks)
    height = (points - landmarks[4]) @ face_frame(landmarks)[:, 1]
    near = inside(points, center, radius)
    return near & (height > 0.0), near & (height < -5.0)


def _rms(distances: Float64[np.ndarray, " N"]) -> float:
    return float(np.sqrt((distances**2).mean()))
