"""A submission looked over before it is sent or measured: files, shapes, landmarks, unit, expression.

Nothing is aligned to a scan. Where the data set has scans their landmarks are used, else those of a typical face.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from headform.errors import InputError, check_choice
from headform.evaluate.now._subject import assess_subjects, shorten
from headform.evaluate.now._units import assess_units, mixed_units, units_by_size
from headform.evaluate.now.layout import (
    LANDMARKS,
    MESHES,
    Image,
    find_prediction,
    find_scan,
    has_scans,
    read_images,
)
from headform.evaluate.now.record import Record, failed
from headform.evaluate.scan import sanity_checks
from headform.evaluate.scan.landmark7_files import Landmarks, read_landmarks7
from headform.evaluate.scan.landmark_match import match_landmarks
from headform.evaluate.scan.landmarks7 import TYPICAL
from headform.evaluate.scan.mesh_files import read_surface
from headform.evaluate.scan.protocol import PROTOCOLS
from headform.evaluate.scan.sanity_checks import Finding
from headform.evaluate.tables import json_text
from headform.geometry.units import MeshUnit

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class Submission:
    """Result of the check.

    Attributes:
        records: Records, one per image of the list; those that are "ok" carry no distances.
        strays: Meshes and landmark files that belong to no image of the list, relative to the folder.
        units: Images by the unit in which their predictions have human size, the most frequent first.
    """

    records: tuple[Record, ...]
    strays: tuple[str, ...]
    units: dict[str, list[Image]] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """True if every image has a prediction that can be evaluated, all in one unit."""
        return len(self.units) < 2 and all(record.status == "ok" for record in self.records)

    def to_json(self) -> str:
        """Format as JSON text."""
        content = {
            "usable": self.usable,
            "images": [record.facts() for record in self.records],
            "strays": list(self.strays),
            "units": {unit: [image.name for image in images] for unit, images in self.units.items()},
        }
        return json_text(content)

    def to_text(self) -> str:
        """Format counts, then up to ten images of every problem."""
        counts = Counter(record.status for record in self.records)
        lines = [f"{len(self.records)} images: " + ", ".join(f"{n} {s}" for s, n in counts.items())]
        mixed = mixed_units(self.units)
        lines += [f"error [units_mixed]: {mixed}"] if mixed else []
        problems: dict[str, list[str]] = {}
        for record in self.records:
            if record.status != "ok":
                text = f"{record.image.name}: {record.message or 'no prediction'}"
                problems.setdefault(f"error [{record.code or 'missing'}]", []).append(text)
            for finding in record.findings:
                text = f"{record.image.name}: {finding.message}"
                kind = "error" if finding.code == "units_mixed" else "warning"
                problems.setdefault(f"{kind} [{finding.code}]", []).append(text)
        if self.strays:
            problems["warning [not_in_list]"] = [f"{name}: belongs to no image" for name in self.strays]
        for title, rows in sorted(problems.items()):
            lines.append(f"{title}: {len(rows)}")
            lines += [f"- {row}" for row in rows[:_SHOWN]]
            if len(rows) > _SHOWN:
                lines.append(f"- and {len(rows) - _SHOWN} more")
        return "\n".join(lines) + "\n"


def check_submission(
    dataset: Path,
    predictions: Path,
    *,
    unit: MeshUnit | None = None,
    done: Callable[[Record], None] = lambda record: None,
) -> Submission:
    """Check a folder of predictions.

    Args:
        dataset: The data set, the test set without scans, or a list of images.
        predictions: The submission's folder.
        unit: Stated unit of the predictions; compared with the size of their landmarks.
        done: Called with each record as it is ready.

    Raises:
        InputError: `dataset_missing`, `dataset_invalid`, `predictions_missing`, `scan_missing`, or a scan's landmarks
            that cannot be read.
    """
    if unit is not None:
        check_choice(unit, get_args(MeshUnit), "unit", "check_submission")
    images = read_images(dataset)
    if not predictions.is_dir():
        raise InputError("predictions_missing", "there is no such folder", str(predictions))
    targets = {image.subject: TYPICAL for image in images}
    if has_scans(dataset):
        targets = {s: read_landmarks7(find_scan(dataset, s).landmarks) for s in targets}
    records, scales = [], {}
    for image in images:
        record, scale = _look(predictions, image, targets[image.subject], unit)
        records.append(record)
        if scale is not None:
            scales[image] = scale
        done(record)
    units = units_by_size(scales)
    assessed = assess_units(assess_subjects(records), units)
    return Submission(tuple(assessed), _strays(predictions, images), units)


def _look(predictions: Path, image: Image, target: Landmarks, unit: MeshUnit | None) -> tuple[Record, float | None]:
    """The record of an image, and the millimeters per unit of its prediction if it can be used."""
    try:
        pair = find_prediction(predictions, image)
        if pair is None:
            return Record(image, "missing"), None
        mesh, landmarks = read_surface(pair.mesh), read_landmarks7(pair.landmarks)
        best, findings = match_landmarks(
            target, mesh, landmarks, protocol=PROTOCOLS["official"], unit=unit, metrical=False
        )
    except InputError as error:
        return failed(image, error), None
    if unit is None and sanity_checks.likely_unit(best.scale) is None:
        what = f"the landmarks say {best.scale:.4g} mm per unit: neither m nor cm nor mm"
        findings.append(Finding("unit_doubtful", what))
    opened = sanity_checks.assess_mouth(mesh.vertices * best.scale, mesh.faces, landmarks * best.scale)
    findings += [opened] if opened is not None else []
    if mesh.colored_obj:
        what = "an OBJ file with vertex colors, which the benchmark's own evaluator misreads"
        findings.append(Finding("colored_obj", what))
    shape = shorten(mesh.vertices, mesh.faces, landmarks, best.scale)
    return Record(image, "ok", shape=shape, findings=tuple(findings)), best.scale


def _strays(predictions: Path, images: list[Image]) -> tuple[str, ...]:
    known = {image.name for image in images}
    files = (p for p in predictions.rglob("*") if p.suffix.lower() in (*MESHES, *LANDMARKS))
    names = {p.relative_to(predictions).as_posix(): p for p in files}
    return tuple(sorted(n for n, p in names.items() if n.removesuffix(p.suffix) not in known))
