"""Every reader, on sound files and on 200 mutated ones: each is read, or refused with a code."""

import os
import re
import subprocess
import sys

import pytest

from tests.fuzz.targets import TARGETS

FILES = 200
"""Mutated files of each target; `python -m tests.fuzz all` tries 10,000."""
UNREADABLE = {"index", "onnx"}
"""Targets whose seeds are sound in form alone: an index of files that are not there, a network that answers with zeros."""
TIME = 300
"""Seconds for all; it tells a hang."""


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - UNREADABLE))
def test_sound_files_are_read(name, tmp_path, monkeypatch):
    """A target whose seeds were refused would test the first check alone."""
    monkeypatch.chdir(tmp_path)
    for number, data in enumerate(TARGETS[name].seeds()):
        path = tmp_path / str(number) / TARGETS[name].name
        path.parent.mkdir()
        path.write_bytes(data)
        TARGETS[name].read(path)


@pytest.fixture(scope="module")
def told(repository, tmp_path_factory) -> dict[str, str]:
    """What the fuzzer prints of each target; run in a child, where no shape is checked at each call."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "all", "--count", str(FILES), "--seed", "2"]
    environment = os.environ | {"PYTHONPATH": f"{repository / 'src'}{os.pathsep}{repository}"}
    keep = str(tmp_path_factory.mktemp("faults"))
    child = subprocess.run(
        [*command, "--keep", keep], env=environment, cwd=repository, capture_output=True, text=True, timeout=TIME
    )
    lines = [line for line in child.stdout.splitlines() if re.match(r"\w+: \d+ files", line)]
    assert len(lines) == len(TARGETS), child.stderr
    return {line.partition(":")[0]: line for line in lines}


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_are_read_or_refused(name, told):
    assert re.match(rf"{name}: {FILES if TARGETS[name].seeds() else 0} files, seed 2, 0 faults", told[name]), told[name]
