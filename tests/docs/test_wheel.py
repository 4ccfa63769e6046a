"""The wheel holds all that the package needs, and runs without the source beside it.

Built offline where hatchling is installed. With HEADFORM_TEST_WHEEL=1 pip may fetch it.
"""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = importlib.util.find_spec("hatchling") is not None
ASKED = os.environ.get("HEADFORM_TEST_WHEEL") == "1"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]

pytestmark = pytest.mark.skipif(
    not (OFFLINE or ASKED),
    reason="hatchling is not installed, so that no wheel is built offline; HEADFORM_TEST_WHEEL=1 lets pip fetch it",
)

PROBE = """
import sys
from pathlib import Path
import headform
place = Path(headform.__file__).resolve()
assert place.is_relative_to(Path(sys.argv[1]).resolve()), place
print(headform.__version__)
head = headform.heads.load_open()
print(tuple(head.vertices(head.mean.new_zeros(2, 3)).shape))
"""


def run(*words: str, **options) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(
        *PIP,
        "wheel",
        "--quiet",
        "--no-deps",
        *(["--no-build-isolation"] if OFFLINE else []),
        "-w",
        str(folder),
        str(ROOT),
    )
    (built,) = folder.glob("headform-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    run(*PIP, "install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    return target


def test_holds_assets_types_and_licenses(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    source = ROOT / "src" / "headform"
    assets = [p for p in source.rglob("*") if p.is_file() and p.suffix in {".safetensors", ".json", ".css", ".js"}]
    missing = {f"headform/{p.relative_to(source).as_posix()}" for p in assets} - set(names)
    assert not missing
    assert "headform/heads/assets/open_head.safetensors" in names
    assert "headform/py.typed" in names
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert not any(name.startswith(("tests/", "benchmarks/", "docs/")) for name in names)


def test_runs_without_the_source(installed, tmp_path):
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    options = {"cwd": tmp_path, "env": bare | {"PYTHONPATH": str(installed)}}
    version, shape = run(sys.executable, "-c", PROBE, str(installed), **options).splitlines()
    assert shape == "(2, 10639, 3)"
    listed = run(sys.executable, "-m", "headform", "heads", "list", **options)
    assert "open" in listed
    assert run(sys.executable, "-m", "headform", "--version", **options).strip() == f"headform {version}"
