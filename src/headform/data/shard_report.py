"""Report on the samples of shards: counts, gaps, doubles, damage, and people shared with another set."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headform.data.contamination import contamination
from headform.data.license_terms import license_warnings
from headform.data.shards import ShardSet
from headform.errors import InputError

_MOST_NAMED = 10
"""Names in a line of the report before it counts the rest."""


@dataclass(frozen=True)
class ShardReport:
    """Report on shards.

    Attributes:
        samples: Number of samples.
        subjects: Number of subjects.
        side: Side of the pictures, pixels.
        sources: Samples of each data set.
        per_subject: Least, median and greatest number of samples of a subject.
        damaged_shards: Files whose content is not that of the index.
        damaged: Samples that cannot be read.
        points_missing: Share of the 68 points that is unknown.
        without_points: Samples without any point.
        points_outside: Samples with a point farther outside of the picture than its side.
        without_skin: Samples without a mask.
        empty_skin: Samples whose mask is empty.
        with_mesh: Samples with a mesh.
        mesh_sizes: Samples of each number of vertices.
        uneven_meshes: Subjects whose samples have different meshes.
        coefficients: Samples with each part of coefficients.
        heads: Samples of each head's SHA-256.
        doubles: Groups of samples with the same picture.
        shared_subjects: Subjects that the other set holds too.
        shared_pictures: Samples whose picture the other set holds too.
        warnings: People of evaluation sets, and sets for research alone.
    """

    samples: int
    subjects: int
    side: int
    sources: dict[str, int]
    per_subject: tuple[int, int, int]
    damaged_shards: list[str]
    damaged: list[str]
    points_missing: float
    without_points: list[str]
    points_outside: list[str]
    without_skin: list[str]
    empty_skin: list[str]
    with_mesh: int
    mesh_sizes: dict[str, int]
    uneven_meshes: list[str]
    coefficients: dict[str, int]
    heads: dict[str, int]
    doubles: list[list[str]]
    shared_subjects: list[str]
    shared_pictures: list[str]
    warnings: list[str]

    @property
    def whole(self) -> bool:
        """True where nothing is damaged."""
        return not self.damaged_shards and not self.damaged

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        sources = ", ".join(f"{name} {count}" for name, count in self.sources.items())
        low, middle, high = self.per_subject
        found = [
            f"{self.samples} samples of {self.subjects} subjects, {self.side} pixels; {sources}",
            f"samples of a subject: {low} to {high}, median {middle}",
            f"points unknown: {self.points_missing:.1%}; masks: {self.samples - len(self.without_skin)}; "
            f"meshes: {self.with_mesh}" + "".join(f", {n} of {size} vertices" for size, n in self.mesh_sizes.items()),
        ]
        if self.coefficients:
            found.append("coefficients: " + ", ".join(f"{name} {count}" for name, count in self.coefficients.items()))
        found += [f"head {digest}: {count} samples" for digest, count in self.heads.items()]
        for what, names in (
            ("DAMAGED shards", self.damaged_shards),
            ("DAMAGED samples", self.damaged),
            ("samples without points", self.without_points),
            ("samples with points far outside", self.points_outside),
            ("samples without a mask", self.without_skin),
            ("samples with an empty mask", self.empty_skin),
            ("subjects with different meshes", self.uneven_meshes),
            ("samples with the same picture", [" = ".join(group) for group in self.doubles]),
            ("SHARED subjects", self.shared_subjects),
            ("SHARED pictures", self.shared_pictures),
        ):
            if names:
                more = ", ..." if len(names) > _MOST_NAMED else ""
                found.append(f"{what}: {len(names)} ({', '.join(names[:_MOST_NAMED])}{more})")
        return [*found, *(f"warning: {warning}" for warning in self.warnings)]


def report_on(
    samples: ShardSet, against: ShardSet | None = None, *, done: Callable[[], None] = lambda: None
) -> ShardReport:
    """Read all samples and report on them.

    Args:
        samples: Samples.
        against: Another set, such as the one held out, with which people and pictures are compared.
        done: Called after each sample.
    """
    names: dict[str, list[str]] = {key: [] for key in ("damaged", "points", "outside", "no_skin", "empty", "uneven")}
    pictures: dict[str, list[str]] = {}
    meshes: dict[tuple[str, str], str] = {}
    sizes, parts, heads = Counter[str](), Counter[str](), Counter[str]()
    unknown = readable = with_mesh = 0
    for number in range(len(samples)):
        try:
            sample = samples[number]
        except InputError:
            names["damaged"].append(samples.name(number))
            done()
            continue
        readable += 1
        missing = np.isnan(sample.points68).any(1)
        unknown += int(missing.sum())
        known = sample.points68[~missing]
        if missing.all():
            names["points"].append(sample.name)
        elif (known < -sample.side).any() or (known > 2 * sample.side).any():
            names["outside"].append(sample.name)
        if sample.skin is None:
            names["no_skin"].append(sample.name)
        elif not sample.skin.any():
            names["empty"].append(sample.name)
        pictures.setdefault(_digest(sample.image), []).append(sample.name)
        if sample.vertices is not None:
            with_mesh += 1
            sizes[str(len(sample.vertices))] += 1
            subject = samples.label(number)
            if meshes.setdefault(subject, _digest(sample.vertices)) != _digest(sample.vertices):
                names["uneven"].append(" ".join(subject))
        parts.update(list(sample.coefficients))
        if sample.head is not None:
            heads[sample.head] += 1
        done()
    counts = [len(numbers) for numbers in samples.subjects]
    others = set(against.subject_labels) if against is not None else set()
    shared = _shared_pictures(pictures, against) if against is not None else []
    sources = Counter(samples.label(number)[0] for number in range(len(samples)))
    return ShardReport(
        samples=len(samples),
        subjects=len(counts),
        side=samples.side,
        sources=dict(sources),
        per_subject=(min(counts), int(np.median(counts)), max(counts)),
        damaged_shards=samples.damaged_shards(),
        damaged=names["damaged"],
        points_missing=unknown / max(1, 68 * readable),
        without_points=names["points"],
        points_outside=names["outside"],
        without_skin=names["no_skin"],
        empty_skin=names["empty"],
        with_mesh=with_mesh,
        mesh_sizes=dict(sizes),
        uneven_meshes=list(dict.fromkeys(names["uneven"])),
        coefficients=dict(parts),
        heads=dict(heads),
        doubles=[group for group in pictures.values() if len(group) > 1],
        shared_subjects=[" ".join(label) for label in samples.subject_labels if label in others],
        shared_pictures=shared,
        warnings=[*contamination(sources), *license_warnings(sources)],
    )


def _shared_pictures(pictures: dict[str, list[str]], against: ShardSet) -> list[str]:
    found = []
    for number in range(len(against)):
        try:
            found += pictures.get(_digest(against[number].image), [])
        except InputError:
            continue
    return sorted(set(found))


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
