"""Every module of the package: can be imported with its shapes checked, says what it is, is short."""

import importlib
from pathlib import Path

import pytest

import headform

ROOT = Path(headform.__file__).parent
MODULES = sorted(
    ".".join(("headform", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if path.name != "__main__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_imports_and_says_what_it_is(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert len(module.__doc__.split()) > 2, "the first line says what the module is for"


@pytest.mark.parametrize("name", MODULES)
def test_is_under_400_lines(name):
    source = ROOT.joinpath(*name.split(".")[1:])
    path = source / "__init__.py" if source.is_dir() else source.with_suffix(".py")
    assert len(path.read_text().splitlines()) < 400
