"""The numbers of a run over rendered scans, as markdown and as JSON."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from headform.evaluate.rendered_scans.scans_rendered import (
    MODES,
    Mode,
    Numbers,
    PhotoScore,
    RenderedScores,
)
from headform.evaluate.scan.report import scan_facts
from headform.evaluate.tables import decimals, json_text, markdown_table


def rendered_markdown(result: RenderedScores) -> str:
    """A table per mode: rows by view, by light, and all; then what makes the numbers doubtful."""
    lines = [
        f"{result.reconstructor} on {len(result.subjects)} scans, {len(result.views)} views, {result.light_count} lights, "
        f"seed {result.seed}; protocol {result.protocol}; floor: {result.floor}; millimeters."
    ]
    for mode in MODES:
        mark = " (scale of the scan assumed)" if mode == "metrical" and result.scale_assumed else ""
        lines += ["", f"**{mode}{mark}**", "", _table(result, mode)]
    notes = [*_scan_notes(result), *_warnings(result), *_misses(result)]
    return "\n".join([*lines, "", *notes]) + "\n"


def rendered_json(result: RenderedScores) -> str:
    """Format everything but the distances themselves as JSON text."""
    content = {
        "reconstructor": result.reconstructor,
        "floor": result.floor,
        "protocol": result.protocol,
        "seed": result.seed,
        "size": result.size,
        "lights": result.light_count,
        "unit": "mm",
        "metrical_scale_assumed": result.scale_assumed,
        "scans": [
            {
                "name": subject.name,
                "unit": subject.unit,
                "unit_known": subject.unit_known,
                "landmarks": subject.landmark_source,
                "landmarks_mm": subject.landmarks().tolist(),
                "floor": {mode: scan_facts(error) for mode, error in floor.items()},
            }
            for subject, floor in zip(result.subjects, result.floors, strict=True)
        ],
        "views": [asdict(view) for view in result.views],
        "missed": len(result.missed),
        "all": {mode: _pair(result, mode, result.scores) for mode in MODES},
        "photos": [_photo(score) for score in result.scores],
    }
    return json_text(content)


def _table(result: RenderedScores, mode: Mode) -> str:
    numbers = ["median", "mean", "std", "floor median", "mean", "std", "of the floor's median"]
    rows: list[list[object]] = []
    groups: list[tuple[str, list[PhotoScore]]] = []
    for number, view in enumerate(result.views):
        title = f"yaw {view.yaw:+.0f}°, pitch {view.pitch:+.0f}°, {view.distance:.2f} m"
        groups.append((title, [s for s in result.scores if s.view == number]))
    for number in range(result.light_count):
        title = "even light" if number == 0 else f"light {number}"
        groups.append((title, [s for s in result.scores if s.light == number]))
    for title, scores in (*groups, ("all", list(result.scores))):
        own, floor = result.numbers(mode, scores), result.floor_numbers(mode, scores)
        found = sum(s.errors is not None for s in scores)
        share = "–" if own is None or floor is None else f"{100 * own.median / floor.median:.0f} %"
        rows.append([title, f"{found} of {len(scores)}", *_cells(own), *_cells(floor), share])
    return markdown_table(["photos", "reconstructed", *numbers], rows)


def _cells(numbers: Numbers | None) -> list[str]:
    known = (None,) * 3 if numbers is None else (numbers.median, numbers.mean, numbers.std)
    return [decimals(value, 2) for value in known]


def _scan_notes(result: RenderedScores) -> list[str]:
    lines = []
    for subject in result.subjects:
        unit = subject.unit if subject.unit_known else _guess(subject.unit)
        lines.append(f"- {subject.name}: {unit}; landmarks {subject.landmark_source}")
    if result.scale_assumed:
        lines.append(
            "- The unit was inferred from the eyes' distance alone, so the true size of these scans is unknown and metrical "
            "numbers compare methods with each other at best. State --scan-unit where it is known."
        )
    return lines


def _guess(unit: str) -> str:
    return f"unit not stated, taken for {unit}" if unit else "in no known unit, scaled to the mean head"


def _warnings(result: RenderedScores) -> list[str]:
    def counted(errors: Sequence[Any], title: str) -> list[str]:
        codes = Counter(finding.code for error in errors for finding in error.findings)
        first = {f.code: f.message for error in reversed(errors) for f in error.findings}
        return [f"- warning [{code}] {title}, {n} times: {first[code]}" for code, n in codes.items()]

    scored = [e for s in result.scores if s.errors is not None for e in s.errors.values()]
    floors = [e for floor in result.floors for e in floor.values()]
    return [*counted(scored, "of reconstructions"), *counted(floors, "of the floor")]


def _misses(result: RenderedScores) -> list[str]:
    return [f"- no head from {score.name}: {score.reason}" for score in result.missed]


def _pair(result: RenderedScores, mode: Mode, scores: Sequence[PhotoScore]) -> dict[str, Any]:
    own, floor = result.numbers(mode, scores), result.floor_numbers(mode, scores)
    return {
        "reconstruction": None if own is None else asdict(own),
        "floor": None if floor is None else asdict(floor),
    }


def _photo(score: PhotoScore) -> dict[str, Any]:
    errors = None
    if score.errors is not None:
        errors = {mode: scan_facts(error) for mode, error in score.errors.items()}
    return {
        "photo": score.name,
        "scan": score.scan,
        "view": score.view,
        "light": score.light,
        "errors": errors,
        "reason": score.reason,
    }
