"""Where there is test data, it is whole: a file that a test names must be there."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import find_data_root
from tests.data_files import FACES, FILES


@pytest.mark.parametrize("name", FILES)
def test_named_file_is_there_and_not_empty(data_root, name):
    path = data_root / name
    assert path.is_file(), f"{path} is named in tests/data_files.py and absent"
    assert path.stat().st_size > 0


def test_every_annotated_photo_is_there(data_root):
    faces = json.loads((data_root / "photos" / "landmarks68.json").read_text())
    assert len(faces) == FACES
    absent = [face["file"] for face in faces if not (data_root / "photos" / face["file"]).is_file()]
    assert absent == []


def test_folder_named_in_the_environment_counts_before_all_others(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADFORM_TEST_DATA", str(tmp_path))
    assert find_data_root() == tmp_path


def test_folder_named_in_the_environment_must_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADFORM_TEST_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="HEADFORM_TEST_DATA"):
        find_data_root()


def test_a_data_folder_that_is_absent_fails_when_it_is_required(tmp_path, repository):
    """`make test-data` sets the variable; here in a checkout that has no data beside it."""
    tests = tmp_path / "checkout" / "tests"
    tests.mkdir(parents=True)
    for name in ("conftest.py", "data_files.py", "test_data_files.py"):
        shutil.copy(repository / "tests" / name, tests / name)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADFORM_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
    command += ["--rootdir=.", "--import-mode=importlib", "tests", "-k", "annotated_photo"]
    done = subprocess.run(
        command,
        cwd=tests.parent,
        env=kept | {"HEADFORM_REQUIRE_DATA": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no test data: set HEADFORM_TEST_DATA" in done.stdout
