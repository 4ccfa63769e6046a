"""The page of synthetic faces: its tables have every field of the configuration, with the value that the code has."""

import ast
import importlib.util
import inspect
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from headform.synth.randomization import FULL

HOOK = Path(__file__).resolve().parents[2] / "docs" / "hooks" / "randomization_tables.py"


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("randomization_tables", HOOK)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_field_of_every_group_has_its_row(hook) -> None:
    sections = hook.tables().split("\n### ")
    for group in fields(FULL):
        value = getattr(FULL, group.name)
        if is_dataclass(value):
            (section,) = [s for s in sections if s.startswith(f"{group.name}: {type(value).__name__}\n")]
            rows = [line.split(" | ")[0].strip("| `") for line in section.splitlines() if line.startswith("| `")]
            assert rows == [f.name for f in fields(value)]
            assert inspect.getdoc(type(value)) in section
        else:
            assert f"| `{group.name}` |" in sections[0]


def test_defaults_are_those_of_the_code(hook) -> None:
    compared = 0
    rows = {name: rows for path in hook.ROOM.glob("*.py") for name, _, rows in hook.groups(path)}
    for group in fields(FULL):
        value = getattr(FULL, group.name)
        for name, default, _ in rows[type(value).__name__] if is_dataclass(value) else []:
            try:
                written = ast.literal_eval(default)
            except ValueError:  # a constant or a nested dataclass
                continue
            assert getattr(value, name) == written
            compared += 1
    assert compared > 150


def test_comments_on_any_line_of_a_field_are_its_meaning(hook, tmp_path) -> None:
    source = tmp_path / "group.py"
    source.write_text(
        "class Group:\n"
        '    """A group."""\n\n'
        "    one: float = 0.5  # probability | of one\n"
        "    two: tuple = (  # several\n        1.0,\n    )\n"
        '    three: int = 3\n    """Three\n    words."""\n'
        "    four: int = 4\n"
    )
    [(name, doc, rows)] = hook.groups(source)
    assert (name, doc) == ("Group", "A group.")
    assert rows == [
        ("one", "0.5", "probability \\| of one"),
        ("two", "(1.0,)", "several"),
        ("three", "3", "Three words."),
        ("four", "4", ""),
    ]


def test_the_page_asks_for_the_tables(hook) -> None:
    page = (HOOK.parents[1] / "guides" / "synthetic-faces.md").read_text()
    filled = hook.on_page_markdown(page)
    assert "<!-- randomization -->" not in filled
    assert "| `closed_mouth_rate` | `0.5` |" in filled
    assert hook.on_page_markdown("another page") == "another page"
