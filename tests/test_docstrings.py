"""Style of docstrings: the first word is a verb or a noun of the field, and field docs are noun phrases."""

import ast
import re
from pathlib import Path

import headform

SOURCE = Path(headform.__file__).parent
QUESTION_WORDS = {"Of", "What", "How", "Whether", "Who", "Which", "Where", "Everything", "When"}
FIELD = re.compile(r"\s+`?\w+`?: (Of|What|How|Whether|Who|Which|Where|As) ")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _offenders(path: Path) -> list[str]:
    text, name = path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix()
    found = []
    for node in ast.walk(ast.parse(text)):
        words = (ast.get_docstring(node) or "").split() if isinstance(node, Documented) else []
        if words and words[0].strip(",.:") in QUESTION_WORDS:
            found.append(f"{name}: docstring of {getattr(node, 'name', 'the module')}: {' '.join(words[:8])}")
    for number, line in enumerate(text.splitlines(), 1):
        if FIELD.match(line):
            found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    offenders = [line for path in sorted(SOURCE.rglob("*.py")) for line in _offenders(path)]
    assert not offenders, "\n".join(offenders)


def test_the_check_finds_docstrings_and_field_docs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    path = tmp_path / "module.py"
    path.write_text('"""Masks."""\ndef f(a):\n    """Whether it is.\n\n    Args:\n        a: Of the head.\n    """\n')
    assert _offenders(path) == [
        "module.py: docstring of f: Whether it is. Args: a: Of the head.",
        "module.py:6: a: Of the head.",
    ]
