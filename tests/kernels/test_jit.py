"""Compiled functions are kept on disk, and a cache that fails costs time, not the result."""

import importlib.util
import logging
import re
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import headform
from headform.kernels import jit
from headform.kernels.cache_places import CachePlaces

SOURCE = """
import numpy as np
from headform.kernels.jit import njit
from {callee} import inner

FACTOR = 2.0

@njit(cache=True, nogil=True)
def outer(values):
    return FACTOR * inner(values) + 1.0
"""
CALLEE = """
from headform.kernels.jit import njit

@njit(cache=True, nogil=True)
def inner(values):
    return {expression}
"""
VALUES = np.arange(4.0)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache folder, the only one of this process."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    use(monkeypatch, CachePlaces((folder,), folder))
    return folder


def use(monkeypatch, places) -> None:
    monkeypatch.setattr(jit, "places", lambda: places)
    jit._say_not_kept.cache_clear()
    jit._digest.cache_clear()
    jit._sources.cache_clear()


def load(folder, name, text):
    """Import a module from text under a name of its own."""
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def program(folder, expression="values.sum()"):
    """Import the two functions anew, as another process does, so that nothing is compiled yet."""
    jit._digest.cache_clear()
    load(folder, "jit_callee", CALLEE.format(expression=expression))
    return load(folder, "jit_caller", SOURCE.format(callee="jit_callee")).outer


def hits(function) -> tuple[int, int]:
    return sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values())


def test_code_is_kept_and_found_again(cache, tmp_path) -> None:
    first = program(tmp_path)
    assert first(VALUES) == 13.0
    assert hits(first) == (0, 1)
    again = program(tmp_path)
    assert again(VALUES) == 13.0
    assert hits(again) == (1, 0)
    assert again(VALUES.astype(np.float32)) == 13.0
    assert hits(again) == (1, 1)
    assert [path.name for path in cache.glob(".*")] == []


def test_a_change_of_a_called_function_is_seen(cache, tmp_path) -> None:
    assert program(tmp_path)(VALUES) == 13.0
    changed = program(tmp_path, "values.max()")
    assert changed(VALUES) == 7.0
    assert hits(changed) == (0, 1)


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:-9], lambda data: data[:60] + b"?" + data[61:]]
)
def test_a_damaged_entry_is_compiled_anew_and_replaced(cache, tmp_path, damage) -> None:
    program(tmp_path)(VALUES)
    entries = set(cache.glob("*.kernel"))
    for path in entries:
        path.write_bytes(damage(path.read_bytes()))
    again = program(tmp_path)
    assert again(VALUES) == 13.0
    assert hits(again) == (0, 1)
    replaced = program(tmp_path)
    assert replaced(VALUES) == 13.0
    assert hits(replaced) == (1, 0)
    assert set(cache.glob("*.kernel")) == entries


def test_where_nothing_can_be_kept_it_is_compiled_and_said_once(cache, tmp_path, monkeypatch, caplog) -> None:
    use(monkeypatch, CachePlaces((), None))
    with caplog.at_level(logging.WARNING, logger="headform"):
        assert program(tmp_path)(VALUES) == 13.0
    assert len(caplog.messages) == 1
    assert "not kept" in caplog.messages[0]
    assert "HEADFORM_CACHE" in caplog.messages[0]


def test_a_full_disk_costs_time_alone(cache, tmp_path, monkeypatch, caplog) -> None:
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(jit.os, "replace", full)
    with caplog.at_level(logging.WARNING, logger="headform"):
        assert program(tmp_path)(VALUES) == 13.0
    assert len(caplog.messages) == 1
    assert "No space left on device" in caplog.messages[0]
    assert list(cache.iterdir()) == []


def test_a_second_folder_is_read(cache, tmp_path, monkeypatch) -> None:
    program(tmp_path)(VALUES)
    use(monkeypatch, CachePlaces((tmp_path / "missing", cache), None))
    again = program(tmp_path)
    assert again(VALUES) == 13.0
    assert hits(again) == (1, 0)


def test_importing_a_kernel_touches_no_disk(tmp_path) -> None:
    text = "import headform.mesh.closest_point, headform.kernels.jit as j; print(j.places.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_all_kernels_use_this_cache() -> None:
    """`numba.njit(cache=True)` refuses to define a function where no folder can be written."""
    root = Path(headform.__file__).parent
    direct = re.compile(r"^\s*(from numba import .*\b(njit|jit|vectorize|guvectorize)\b|import numba$)", re.MULTILINE)
    found = [path for path in root.rglob("*.py") if direct.search(path.read_text(encoding="utf-8"))]
    assert found == [root / "kernels" / "jit.py"]


def test_borrowed_arrays_are_read_and_written_but_never_made(cache):
    @jit.njit(borrowed=True, nogil=True)
    def double(values):
        for i in range(len(values)):
            values[i] *= 2

    @jit.njit(cache=False, borrowed=True)
    def copy(values):
        return values + 1

    values = VALUES.copy()
    double(values)
    np.testing.assert_array_equal(values, 2 * VALUES)
    with pytest.raises(numba.core.errors.NumbaError):
        copy(values)
