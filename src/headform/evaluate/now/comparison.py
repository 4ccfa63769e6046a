"""Several methods on the benchmark in one table, as papers print it.

P distances.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64

from headform.evaluate.now._table import NowTable, Pooled, of_challenge
from headform.evaluate.now.published import SOURCE, PublishedErrors
from headform.evaluate.tables import decimals, json_text, markdown_table

Alignment = Literal["non-metrical", "metrical"]

_PLACES = 3  # of millimeters


@dataclass(frozen=True, eq=False)
class Measured:
    """Results of one method.

    Attributes:
        name: Name of the method.
        tables: Its tables by alignment, one or both.
    """

    name: str
    tables: dict[Alignment, NowTable]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results of several methods on the same images.

    Attributes:
        methods: Measured methods, all by the same alignments.
        published: Published rows below them, marked as such.
    """

    methods: tuple[Measured, ...]
    published: tuple[PublishedErrors, ...] = ()

    @property
    def alignments(self) -> tuple[Alignment, ...]:
        """Alignments that were measured, in the order of columns."""
        return tuple(self.methods[0].tables)

    def to_markdown(self) -> str:
        """Median, mean and standard deviation of all methods over all images, then by challenge."""
        first = next(iter(self.methods[0].tables.values()))
        lines = [f"NoW, protocol {first.options.protocol}, {len(first.records)} images, millimeters", ""]
        titles = [f"{a} {what}" for a in self.alignments for what in ("median", "mean", "std")]
        lines.append(markdown_table(["method", *titles, "images"], [*self._rows(), *self._published_rows()]))
        if self.published:
            lines += ["", f"(published): {SOURCE}; not measured here, and not comparable with other images."]
        for alignment in self.alignments:
            rows = [[m.name, *map(_three, self._by_challenge(m, alignment))] for m in self.methods]
            lines += ["", f"By challenge, {alignment}, median / mean / std:", ""]
            lines.append(markdown_table(["method", *self._challenges()], rows))
        notes = [note for m in self.methods for a, table in m.tables.items() for note in _notes(m.name, a, table)]
        return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"

    def to_json(self) -> str:
        """Format as JSON text: everything of the tables, and the published rows."""
        first = next(iter(self.methods[0].tables.values()))
        content = {
            "protocol": first.options.protocol,
            "methods": {
                m.name: {
                    alignment: {
                        "all": asdict(table.pooled()),
                        "challenges": {c: asdict(table.pooled(of_challenge(c))) for c in self._challenges()},
                        "warnings": dict(table.warnings()),
                        "unit": table.options.unit,
                    }
                    for alignment, table in m.tables.items()
                }
                for m in self.methods
            },
            "published": {
                "source": SOURCE,
                "measured_here": False,
                "methods": {
                    row.method: {"non-metrical": row.plain, "metrical": row.metrical} for row in self.published
                },
            },
        }
        if not self.published:
            del content["published"]
        return json_text(content)

    def curves(self, alignment: Alignment) -> dict[str, Float64[np.ndarray, " P"]]:
        """Distances of each method, millimeters."""
        return {m.name: m.tables[alignment].distances() for m in self.methods}

    def _rows(self) -> list[list[object]]:
        rows: list[list[object]] = []
        for m in self.methods:
            pooled = [table.pooled() for table in m.tables.values()]
            numbers = [decimals(x, _PLACES) for p in pooled for x in (p.median, p.mean, p.std)]
            rows.append([m.name, *numbers, f"{pooled[0].measured} of {pooled[0].images}"])
        return rows

    def _published_rows(self) -> list[list[object]]:
        rows: list[list[object]] = []
        for row in self.published:
            by = {"non-metrical": row.plain, "metrical": row.metrical}
            numbers = [decimals(x, 2) for a in self.alignments for x in (by[a] or (None, None, None))]
            rows.append([f"{row.method} (published)", *numbers, "–"])
        return rows

    def _challenges(self) -> tuple[str, ...]:
        return next(iter(self.methods[0].tables.values())).challenges()

    def _by_challenge(self, method: Measured, alignment: Alignment) -> Sequence[Pooled]:
        table = method.tables[alignment]
        return [table.pooled(of_challenge(name)) for name in self._challenges()]


def _three(pooled: Pooled) -> str:
    return " / ".join(decimals(x, 2) for x in (pooled.median, pooled.mean, pooled.std))


def _notes(name: str, alignment: Alignment, table: NowTable) -> list[str]:
    """Holes and warnings of a table in a line each."""
    notes = []
    holes = table.holes()
    if holes:
        notes.append(f"{name}, {alignment}: {len(holes)} of {len(table.records)} images without a number")
    if table.warnings():
        counts = ", ".join(f"{code} {count}" for code, count in table.warnings().items())
        notes.append(f"{name}, {alignment}: warnings {counts}")
    return notes
