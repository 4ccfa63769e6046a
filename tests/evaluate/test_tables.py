"""Markdown and JSON of results."""

import json
from dataclasses import dataclass

import numpy as np

from headform.evaluate.tables import decimals, json_text, markdown_table, percent


@dataclass(frozen=True)
class Row:
    name: str
    values: np.ndarray


def test_a_markdown_table_has_a_line_per_row() -> None:
    assert markdown_table(["a", "b"], [["x", 1], ["y", "–"]]) == "| a | b |\n|---|---|\n| x | 1 |\n| y | – |"


def test_missing_numbers_are_dashes() -> None:
    assert [decimals(x, 1) for x in (1.25, None, float("nan"))] == ["1.2", "–", "–"]
    assert [percent(x) for x in (0.5, None)] == ["50.00", "–"]


def test_json_holds_arrays_dataclasses_and_what_is_not_finite() -> None:
    content = {"row": Row("r", np.array([1.5, np.nan])), "pair": (np.float32(2), np.int64(3)), "far": -float("inf")}
    found = json.loads(json_text(content))
    assert found == {"row": {"name": "r", "values": [1.5, None]}, "pair": [2.0, 3], "far": "-inf"}
