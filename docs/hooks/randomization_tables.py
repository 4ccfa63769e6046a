"""Fill the page of synthetic faces: a table of every probability and range, with the comments of the code.

A page asks for them by a line `<!-- randomization -->`.
"""

import ast
import io
import re
import tokenize
from pathlib import Path
from typing import Any

ROOM = Path(__file__).resolve().parents[2] / "src" / "headform" / "synth" / "randomization"
LONGEST = 100
"""Characters of a default that are shown; the rest is in the code."""
_MARK = "<!-- randomization -->"
_FACTORY = re.compile(r"field\(default_factory=(\w+)\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark by the tables."""
    return markdown.replace(_MARK, tables()) if _MARK in markdown else markdown


def tables() -> str:
    """Return the Markdown of all groups, in the order of `RandomizationConfig`."""
    found = {name: (doc, rows) for path in sorted(ROOM.glob("*.py")) for name, doc, rows in groups(path)}
    doc, own = found["RandomizationConfig"]
    text = [f"### RandomizationConfig\n\n{doc}\n", *table([row for row in own if not _FACTORY.fullmatch(row[1])])]
    for field, default, _ in own:
        factory = _FACTORY.fullmatch(default)
        if factory:
            doc, rows = found[factory[1]]
            text += [f"\n### {field}: {factory[1]}\n\n{doc}\n", *table(rows)]
    return "\n".join(text) + "\n"


def table(rows: list[tuple[str, str, str]]) -> list[str]:
    """Return a Markdown table of fields, defaults and meanings."""
    head = ["| field | default | meaning |", "|---|---|---|"]
    return head + [f"| `{name}` | `{shortened(default)}` | {meaning} |" for name, default, meaning in rows]


def shortened(default: str) -> str:
    """Return a default on one line, its end left out where it is long."""
    line = re.sub(r"\s+", " ", default)
    return line if len(line) <= LONGEST else line[: LONGEST - 2].rstrip() + " …"


def groups(path: Path) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Return the dataclasses of a module: name, docstring, and name, default and comment of each field."""
    source = path.read_text(encoding="utf-8")
    tree, notes = ast.parse(source), comments(source)
    found = []
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        rows = []
        for k, part in enumerate(node.body):
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.value is not None:
                below = node.body[k + 1] if k + 1 < len(node.body) else None
                rows.append((part.target.id, ast.unparse(part.value), meaning(part, below, notes)))
        found.append((node.name, ast.get_docstring(node) or "", rows))
    return found


def comments(source: str) -> dict[int, str]:
    """Return the comment at the end of each line of code that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ")
        for token in tokens
        if token.type == tokenize.COMMENT and token.line.split("#")[0].strip()
    }


def meaning(part: ast.AnnAssign, below: ast.stmt | None, notes: dict[int, str]) -> str:
    """Return the comment of a field, which stands on one of its lines, or the string below it."""
    lines = range(part.lineno, (part.end_lineno or part.lineno) + 1)
    found = [notes[line] for line in lines if line in notes]
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
        found.append(" ".join(below.value.value.split()))
    return "; ".join(found).replace("|", "\\|")
