"""The public API: an inventory that a change must touch, names that resolve, and private modules that stay private."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import headform

INVENTORY = Path(__file__).parent / "public_api.txt"
INTERNAL = ("cli", "kernels", "openhead")
"""Packages without a public API: the command line, building blocks of kernels, the builder of the open head."""


def packages() -> list[str]:
    found = [m.name for m in pkgutil.walk_packages(headform.__path__, "headform.") if m.ispkg]
    return ["headform", *(name for name in found if name.split(".")[1] not in INTERNAL)]


def public_names(package: str) -> list[str]:
    """Names that a package exports: `__all__`, or what its `__init__` imports under the same name."""
    module = importlib.import_module(package)
    if "__all__" in vars(module):
        return sorted(module.__all__)
    tree = ast.parse(inspect.getsource(module))
    imports = [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    return sorted(alias.asname for alias in imports if alias.asname == alias.name)


def test_the_inventory_is_up_to_date() -> None:
    """After an intended change: `python -m tests.test_public_api > tests/public_api.txt`, and a line in the CHANGELOG."""
    assert INVENTORY.read_text().splitlines() == inventory()


def inventory() -> list[str]:
    return [f"{package}.{name}" for package in packages() for name in public_names(package)]


@pytest.mark.parametrize("package", packages())
def test_every_name_resolves_and_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    assert set(public_names(package)) <= set(dir(module))
    for name in public_names(package):
        value = getattr(module, name)
        assert not name.startswith("_") or name == "__version__"
        home = getattr(value, "__module__", "") or ""
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{package}.{name} has no docstring"
            assert home.startswith("headform."), f"{package}.{name} is not ours"


def test_no_public_package_is_empty() -> None:
    assert [package for package in packages() if not public_names(package)] == []


def test_private_modules_are_imported_by_their_own_package_alone() -> None:
    source = Path(headform.__file__).parent
    strays = []
    for path in source.rglob("*.py"):
        own = ".".join(("headform", *path.relative_to(source).parts[:-1]))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("headform."):
                parts = (node.module or "").split(".")
                modules = [parts, *([*parts, alias.name] for alias in node.names)]
                for parts in modules:
                    private = [k for k, part in enumerate(parts) if part.startswith("_") and part != "__init__"]
                    home = ".".join(parts[: private[0]]) if private else ""
                    if private and not (own == home or own.startswith(home + ".")) and _is_module(source, parts):
                        strays.append(f"{path.relative_to(source)}: {'.'.join(parts)}")
    assert strays == []


def _is_module(source: Path, parts: list[str]) -> bool:
    place = source.joinpath(*parts[1:])
    return place.with_suffix(".py").is_file() or place.is_dir()


def test_importing_headform_is_cheap_and_help_shows_the_packages() -> None:
    code = (
        "import sys, headform, pydoc; assert 'torch' not in sys.modules and 'numba' not in sys.modules;"
        "print(pydoc.render_doc(headform)); assert 'render_batch' in dir(headform.render)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("render", "losses", "Reconstructor", "importers"):
        assert name in done.stdout


if __name__ == "__main__":
    print("\n".join(inventory()))
