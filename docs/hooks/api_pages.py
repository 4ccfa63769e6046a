"""Fill the pages of the reference: what a package re-exports, or its public modules where it re-exports nothing.

A page names its package by a line `<!-- reference: headform.render -->`.
"""

import ast
import re
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / "src"
OWN_PAGE = ("headform.heads.flame.",)
"""Packages within packages that have a page of their own."""
_MARK = re.compile(r"^<!-- reference: ([\w.]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark of a page by directives of mkdocstrings."""
    return _MARK.sub(lambda found: reference(found[1]), markdown)


def reference(name: str) -> str:
    """Return the Markdown of a package or module."""
    place = SOURCE.joinpath(*name.split("."))
    if not place.is_dir():
        return f"::: {name}\n"
    inner = [path.parent for path in sorted(place.glob("*/__init__.py")) if f"{dotted(path.parent)}." not in OWN_PAGE]
    text = listing(name, place)
    for package in inner if name not in OWN_PAGE else []:
        text += [f"## {dotted(package)}", "", *listing(dotted(package), package)]
    modules = [path for path in public_modules(place, name) if docstring(path)]
    if any(exports(package) for package in (place, *inner)):
        text += ["## Modules", "", "| module | what it is for |", "|---|---|"]
        text += [f"| `{dotted(path)}` | {first_sentence(path)} |" for path in modules]
    else:
        for path in modules:
            text += [f"## {dotted(path)}", "", f"::: {dotted(path)}", "    options:"]
            text += ["      show_root_heading: false", "      show_root_toc_entry: false", ""]
    return "\n".join(text) + "\n"


def listing(name: str, place: Path) -> list[str]:
    """Return the directives that show a package's docstring and the names that it exports."""
    exported = exports(place)
    hidden = [own for own in exported if (place / f"{own}.py").is_file()]  # behind the module of the same name
    shown = ", ".join(own for own in exported if own not in hidden)
    options = ["show_root_heading: false", "show_root_toc_entry: false", f"members: [{shown}]"]
    directives = [f"::: {name}", "    options:", *(f"      {option}" for option in options), ""]
    for own in hidden:
        directives += [f"::: {name}.{own}.{own}", ""]
    return directives


def exports(place: Path) -> list[str]:
    """Return the names that a package exports: its `__all__`, else what it imports by `as` and defines itself.

    A package whose names load on first use lists them in `__init__.pyi`; what it imports from itself is a module.
    """
    stub = place / "__init__.pyi"
    tree = ast.parse((stub if stub.is_file() else place / "__init__.py").read_text(encoding="utf-8"))
    listed = next((literal(node) for node in tree.body if is_all(node)), None)
    found = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and (node.level or node.module.startswith("headform")):
            found += [alias.name for alias in node.names if alias.asname == alias.name]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            found.append(node.name)
    return found if listed is None else listed


def is_all(node: ast.stmt) -> bool:
    """Whether a statement assigns `__all__`."""
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"


def literal(node: ast.stmt) -> list[str]:
    """Return the value of an assignment."""
    return list(ast.literal_eval(node.value)) if isinstance(node, ast.Assign) else []


def public_modules(place: Path, name: str) -> list[Path]:
    """Return the public modules of a package and of the packages in it; those of packages with a page are left out."""
    names = {path: dotted(path) for path in sorted(place.rglob("*.py"))}
    public = {path: own for path, own in names.items() if "._" not in own}
    return [path for path, own in public.items() if f"{name}." in OWN_PAGE or not own.startswith(OWN_PAGE)]


def dotted(path: Path) -> str:
    """Return the name of a module."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def docstring(path: Path) -> str:
    """Return the docstring of a module; empty without one."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def first_sentence(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return docstring(path).splitlines()[0].replace("|", "\\|")
