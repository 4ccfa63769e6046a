"""Units of a submission's images, by the size of their landmarks, and those that are not in the unit of most."""

from collections import Counter
from collections.abc import Mapping, Sequence

from headform.evaluate.now.layout import Image
from headform.evaluate.now.record import Record
from headform.evaluate.scan.sanity_checks import Finding, likely_unit

_SUBJECTS = 10  # named in a sentence


def units_by_size(scales: Mapping[Image, float]) -> dict[str, list[Image]]:
    """Group images by the unit in which their heads have human size, the most frequent first.

    Args:
        scales: Millimeters per unit of each image's prediction; those of no unit are left out.
    """
    groups: dict[str, list[Image]] = {}
    for image, scale in scales.items():
        unit = likely_unit(scale)
        if unit is not None:
            groups.setdefault(unit, []).append(image)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def mixed_units(groups: Mapping[str, Sequence[Image]]) -> str:
    """Name the subjects of each unit in one sentence; empty where all images are in one."""
    if len(groups) < 2:
        return ""
    parts = [f"{unit}: {len(images)} images of {_subjects(images)}" for unit, images in groups.items()]
    return f"the predictions are in different units: {'; '.join(parts)}"


def assess_units(records: Sequence[Record], groups: Mapping[str, Sequence[Image]]) -> list[Record]:
    """The records with a warning `units_mixed` where a prediction is in another unit than most."""
    most, *others = groups or [""]
    unit_of = {image: unit for unit in others for image in groups[unit]}
    assessed = []
    for record in records:
        unit = unit_of.get(record.image)
        if unit is None:
            assessed.append(record)
            continue
        what = f"it is in {unit} by the size of its landmarks, most others are in {most}"
        assessed.append(record.with_findings((Finding("units_mixed", what),)))
    return assessed


def _subjects(images: Sequence[Image]) -> str:
    names = Counter(image.subject for image in images)
    more = f" and {len(names) - _SUBJECTS} more subjects" if len(names) > _SUBJECTS else ""
    return ", ".join(list(names)[:_SUBJECTS]) + more
