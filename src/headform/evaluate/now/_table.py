"""The tables of a NoW evaluation.

P distances.

Numbers of several images are those of all their distances together, as the benchmark pools them: a scan with more vertices
weighs more.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float64

from headform.errors import InputError
from headform.evaluate.now._curve import share_below
from headform.evaluate.now._units import mixed_units, units_by_size
from headform.evaluate.now.image import Options
from headform.evaluate.now.layout import CHALLENGES, Image
from headform.evaluate.now.record import Record
from headform.evaluate.tables import decimals, json_text, markdown_table

_SHOWN = 5
_PLACES = 4  # of millimeters
_COARSE = np.arange(0, 81) / 10.0


@dataclass(frozen=True)
class Pooled:
    """Numbers of several images.

    Attributes:
        images: Number of images.
        measured: Number of images with distances.
        vertices: Number of distances.
        median: Millimeters; None where nothing was measured, as the next two.
        mean: Millimeters.
        std: Millimeters.
    """

    images: int
    measured: int
    vertices: int
    median: float | None
    mean: float | None
    std: float | None


@dataclass(frozen=True, eq=False)
class NowTable:
    """Records of all images, in the order of the data set's list, and their statistics.

    Attributes:
        records: Record of each image.
        options: Options of the evaluation.
    """

    records: tuple[Record, ...]
    options: Options

    def distances(self, wanted: Callable[[Record], bool] = lambda record: True) -> Float64[np.ndarray, " P"]:
        """Concatenate the distances of the wanted images, millimeters."""
        parts = [r.distances for r in self.records if r.distances is not None and wanted(r)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def pooled(self, wanted: Callable[[Record], bool] = lambda record: True) -> Pooled:
        """Numbers of the wanted images."""
        chosen = [record for record in self.records if wanted(record)]
        d = self.distances(wanted)
        known = (float(np.median(d)), float(d.mean()), float(d.std())) if len(d) else (None, None, None)
        return Pooled(len(chosen), sum(r.status == "ok" for r in chosen), len(d), *known)

    def challenges(self) -> tuple[str, ...]:
        """Those of the benchmark first, then others in the order of their first image."""
        found = dict.fromkeys(record.image.challenge for record in self.records)
        return (*(c for c in CHALLENGES if c in found), *(c for c in found if c not in CHALLENGES))

    def subjects(self) -> tuple[str, ...]:
        """In the order of their first image."""
        return tuple(dict.fromkeys(record.image.subject for record in self.records))

    def holes(self) -> list[Record]:
        """Images without distances: missing or invalid predictions."""
        return [record for record in self.records if record.status != "ok"]

    def require_complete(self, *, allow_missing: bool, method: str = "") -> None:
        """Refuse to average over holes; `method` names the predictions in the error.

        Raises:
            InputError: `predictions_incomplete`, always when nothing at all was measured.
        """
        holes = self.holes()
        if not holes or (allow_missing and len(holes) < len(self.records)):
            return
        counts = Counter(record.status for record in holes)
        listed = "; ".join(_hole(record) for record in holes[:_SHOWN])
        more = f"; and {len(holes) - _SHOWN} more" if len(holes) > _SHOWN else ""
        what = f"{counts['missing']} missing and {counts['invalid']} invalid of {len(self.records)} predictions"
        fix = "correct them"
        if len(holes) < len(self.records):
            fix += ", or average over the others with --allow-missing"
        raise InputError("predictions_incomplete", f"{what}: {listed}{more}", method, fix)

    def to_json(self) -> str:
        """Format all but the distances as JSON text."""
        everything = self.distances()
        curve = share_below(everything, _COARSE) if len(everything) else np.zeros(0)
        counts = Counter(record.status for record in self.records)
        content = {
            **asdict(self.options),
            "distances": "millimeters, every cropped scan vertex to the predicted surface, pooled over images",
            "all": asdict(self.pooled()),
            "missing": counts["missing"],
            "invalid": counts["invalid"],
            "warnings": dict(self.warnings()),
            "units": {unit: len(images) for unit, images in self.units().items()},
            "challenges": {c: asdict(self.pooled(of_challenge(c))) for c in self.challenges()},
            "subjects": {s: asdict(self.pooled(_of_subject(s))) for s in self.subjects()},
            "curve": {"millimeters": _COARSE.tolist(), "share": curve.tolist()},
            "images": [record.facts() for record in self.records],
        }
        return json_text(content)

    def units(self) -> dict[str, list[Image]]:
        """Images by the unit in which their predictions have human size, as far as they were measured."""
        return units_by_size({r.image: r.numbers.scale for r in self.records if r.numbers is not None})

    def warnings(self) -> Counter[str]:
        """Count the images with each warning."""
        return Counter(f.code for record in self.records for f in record.findings)

    def to_markdown(self, *, details: bool = False) -> str:
        """Tables by challenge; with `details` also by subject and by image; then what is missing or doubtful."""
        kind = "non-metrical"
        if self.options.metrical:
            kind = f"metrical, predictions in {self.options.unit}"
        lines = [f"NoW, protocol {self.options.protocol}, {kind}", ""]
        columns = ["images", "measured", "median mm", "mean mm", "std mm"]
        rows = [_row(c, self.pooled(of_challenge(c))) for c in self.challenges()]
        lines.append(markdown_table(["challenge", *columns], [*rows, _row("all", self.pooled())]))
        if details:
            rows = [_row(s, self.pooled(_of_subject(s))) for s in self.subjects()]
            lines += ["", markdown_table(["subject", *columns], rows)]
            header = ["image", "median mm", "mean mm", "std mm", "vertices", "scale", "notes"]
            lines += ["", markdown_table(header, map(_image_row, self.records))]
        mixed = mixed_units(self.units())
        if mixed:
            lines += ["", mixed[0].upper() + mixed[1:]]
        holes = self.holes()
        if holes:
            lines += ["", f"Without a number: {len(holes)} of {len(self.records)}"]
            lines += [f"- {_hole(record)}" for record in holes]
        doubtful = [(r, f) for r in self.records for f in r.findings]
        if doubtful:
            lines += ["", f"Warnings: {', '.join(f'{c} {n}' for c, n in self.warnings().items())}"]
            lines += [f"- {record.image.name} [{f.code}]: {f.message}" for record, f in doubtful]
        return "\n".join(lines) + "\n"


def of_challenge(name: str) -> Callable[[Record], bool]:
    """Create a predicate for the images of a challenge."""
    return lambda record: record.image.challenge == name


def _of_subject(name: str) -> Callable[[Record], bool]:
    return lambda record: record.image.subject == name


def _row(name: str, pooled: Pooled) -> list[object]:
    numbers = (decimals(x, _PLACES) for x in (pooled.median, pooled.mean, pooled.std))
    return [name, pooled.images, pooled.measured, *numbers]


def _image_row(record: Record) -> list[object]:
    n = record.numbers
    notes = " ".join([record.status] * (n is None) + [f.code for f in record.findings])
    if n is None:
        return [record.image.name, *["–"] * 5, notes]
    numbers = (decimals(x, _PLACES) for x in (n.median, n.mean, n.std))
    return [record.image.name, *numbers, n.vertices, f"{n.scale:.5g}", notes]


def _hole(record: Record) -> str:
    return f"{record.image.name}: {record.message or 'missing'}"
