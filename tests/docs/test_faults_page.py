"""The page of faults names, in each row, a test that there is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "what-happens-when.md"
HEADS = ("|---|---|---|", "| Input or fault | Outcome | Test |")
ROWS = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|") and line not in HEADS]


@pytest.mark.parametrize("row", ROWS)
def test_names_a_test_that_there_is(row):
    cells = row.strip("|").split(" | ")
    assert len(cells) == 3
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cells[-1])
    assert named, "the row names no test"
    for path, test in named:
        assert re.search(rf"^\s*def {test}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE), (path, test)
