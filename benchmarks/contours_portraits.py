"""Lids, lips, brows and jaw on the annotated open portraits, with the committee calibrated on other people.

Run, after `python -m tools.committee DATA -o WORK --leave-out K` for K in 0 to 3:

    python -m benchmarks.contours_portraits --work WORK [--data ../shared/data] [--json FILE] [--landmarks FILE]

Each portrait is reconstructed by the calibration that has not seen its person. Beside it: the members alone as they are
published (their crops placed by the dense network's points), and headform's own dense network alone. The mesh is measured
too: the gap between its inner lips against the annotated one. With `--landmarks`, a network of `headform train landmarks`,
such as a student, stands beside them in place of committee and dense network; `{fold}` in its path is replaced by the fold
of the person, for networks trained with `--fold`.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro

from benchmarks.environment import default_data, describe
from headform import Reconstruction, Reconstructor, images
from headform.data.contours import (
    LIP_INNER_LOWER,
    LIP_INNER_UPPER,
    AnnotatedFace,
    read_contours,
)
from headform.data.portraits import FOLDS, fold_of
from headform.evaluate.landmarks68.contours import ContourTable, evaluate_contours, to_markdown
from headform.evaluate.landmarks68.landmark_files import LandmarkPrediction
from headform.geometry.landmarks68 import INNER_LIP_PAIRS
from headform.geometry.polyline import height_at
from headform.nets.landmarks.committee import MEMBERS, Committee

SETS = ("london", "canada")
GIVEN = "headform, given network"
PUPILS_MM = 63.0
"""Distance of the pupils by which annotated gaps are told in millimeters: the adults' mean."""


@dataclass(frozen=True)
class Arguments:
    """Where calibrations and data are."""

    work: Path
    data: Path = field(default_factory=default_data)
    json: Path | None = None
    landmarks: str | None = None


def main(arguments: Arguments) -> None:
    """Print the tables."""
    photos = arguments.data / "photos"
    faces = {s: read_contours(photos / s / "landmarks189.json") for s in SETS}
    truth = {f"{s}/{face.photo}": face for s in SETS for face in faces[s]}
    folds = fold_of(list(truth))
    committee = Committee.load()
    own = Reconstructor.load(landmarks_net="own", texture_size=0)
    found: dict[str, dict[str, np.ndarray]] = {}
    gaps: dict[str, list[np.ndarray]] = {"headform": [], "headform, own network alone": []}
    for fold in range(FOLDS):
        file = arguments.work / f"without_fold_{fold}.safetensors"
        together = Reconstructor.load(texture_size=0, calibration=file)
        given = _given(arguments.landmarks, fold)
        for name, face in truth.items():
            if folds[name] != fold:
                continue
            photo = images.read(photos / name)
            (joint,), (alone,) = together.reconstruct(photo), own.reconstruct(photo)
            reading = committee.read([photo.rgb], [joint.dense[:68]])[0]
            row = {"headform": joint.points68, "headform, own network alone": alone.points68}
            if given is not None:
                (result,) = given.reconstruct(photo)
                row[GIVEN] = result.points68
                gaps.setdefault(GIVEN, []).append(mesh_gaps(result, face))
            row |= {f"{m} as published": p for m, p in zip(MEMBERS, reading.points68, strict=True)}
            for method, points in row.items():
                found.setdefault(method, {})[name] = points
            for method, result in (("headform", joint), ("headform, own network alone", alone)):
                gaps[method].append(mesh_gaps(result, face))
    tables: dict[str, ContourTable] = {}
    for method, points in found.items():
        for label, sets in (("", SETS), *((f", {s}", (s,)) for s in SETS)):
            chosen = [AnnotatedFace(name, face.points) for name, face in truth.items() if name.split("/")[0] in sets]
            predictions = {name: [LandmarkPrediction(p)] for name, p in points.items()}
            tables[method + label] = evaluate_contours(predictions, chosen)
    print(to_markdown(tables))
    print("| mesh | inner gap mm | error mm | faces within 0.4 mm | least mm |\n|---|---|---|---|---|")
    for method, rows in gaps.items():
        mesh, true = np.array(rows)[:, 0], np.array(rows)[:, 1]
        error = np.abs(mesh - true)
        near = (error.mean(1) < 0.4).mean()
        print(
            f"| {method} | {mesh.mean():.2f} (true {true.mean():.2f}) | {error.mean():.2f} | "
            f"{100 * near:.0f} % | {mesh.min():.2f} |"
        )
    print(describe())
    if arguments.json:
        content = {name: json.loads(table.to_json()) for name, table in tables.items()}
        arguments.json.write_text(json.dumps(content, indent=1))


def _given(landmarks: str | None, fold: int) -> Reconstructor | None:
    """Return a reconstructor with the network of a fold alone, if one is given."""
    if landmarks is None:
        return None
    file = Path(landmarks.replace("{fold}", str(fold)))
    return Reconstructor.load(dense=file, landmarks_net="own", texture_size=0)


def mesh_gaps(result: Reconstruction, face: AnnotatedFace) -> np.ndarray:
    """Heights of the three inner-lip pairs, of the mesh and of the annotation, (2, 3) millimeters."""
    places = result.vertices[result.head.dense.numpy()[:68]]
    unit = PUPILS_MM / face.pupil_distance
    rows = []
    for upper, lower in INNER_LIP_PAIRS:
        x = float(result.camera.project(places[[upper, lower]])[:, 0].mean())
        ends = [height_at(face.points[list(k)], x) for k in (LIP_INNER_UPPER, LIP_INNER_LOWER)]
        rows.append((1000 * float(places[upper, 1] - places[lower, 1]), (ends[1] - ends[0]) * unit))
    return np.array(rows).T


if __name__ == "__main__":
    main(tyro.cli(Arguments))
