"""Results as text: markdown tables and JSON."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown table with a row of titles; one line per row, no line break at the end."""
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def decimals(value: float | None, places: int) -> str:
    """Number with a fixed count of decimal places; a dash for None and NaN."""
    return "–" if value is None or math.isnan(value) else f"{value:.{places}f}"


def percent(value: float | None) -> str:
    """Fraction in per cent with two decimal places; a dash for None and NaN."""
    return decimals(None if value is None else 100 * value, 2)


def json_text(content: object) -> str:
    """JSON of plain values, dataclasses and arrays, one value a line; see `plain`."""
    return json.dumps(plain(content), indent=1, allow_nan=False) + "\n"


def plain(value: object) -> Any:
    """Convert to what JSON can hold: arrays to lists, NaN to null, an infinity to the text "inf" or "-inf"."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
