"""A folder of synthetic faces: all of one set, or as it was."""

import json

import numpy as np
import pytest
from PIL import Image

from headform.errors import ResourceError
from headform.io import atomic
from headform.synth import folder as synth_folder
from headform.synth.folder import write_folder
from tests.synth.kept_generators import keep_generators

SIDE = 32


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def _kept_generators(monkeypatch):
    keep_generators(monkeypatch, synth_folder)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    out = tmp_path_factory.mktemp("three")
    write_folder(out, 3, size=SIDE)
    return contents(out)


@pytest.fixture
def used(tmp_path, three):
    """A folder with a set of three and a picture of one's own."""
    for name, data in {**three, "000009.png": b"mine"}.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_smaller_set_replaces_a_larger_one_and_leaves_other_files(used):
    (used / "elsewhere").mkdir()
    (used / "elsewhere" / "picture").write_bytes(b"mine too")
    (used / "000000.png").unlink()
    (used / "000000.png").symlink_to(used / "elsewhere" / "picture")
    write_folder(used, 1, size=SIDE, seed=1)
    found = sorted(path.name for path in used.iterdir())
    assert found == ["000000.png", "000009.png", "elsewhere", "labels.json", "labels.npz", "sheet.png"]
    assert (used / "000009.png").read_bytes() == b"mine"
    assert (used / "elsewhere" / "picture").read_bytes() == b"mine too"
    with Image.open(used / "000000.png") as picture:
        assert picture.size == (SIDE, SIDE)
    assert json.loads((used / "labels.json").read_text())["count"] == 1
    with np.load(used / "labels.npz") as labels:
        assert len(labels["points"]) == 1


@pytest.mark.parametrize("kept", [0, 1, 2, 4, 5])
def test_on_a_full_disk_the_folder_is_as_it_was(used, monkeypatch, kept):
    before = contents(used)
    count = []

    def full(path, data):
        count.append(path)
        if len(count) > kept:
            raise ResourceError("write_failed", "no space left", str(path))
        atomic.write_bytes(path, data)

    monkeypatch.setattr(synth_folder, "write_bytes", full)
    for out in (used, used / "new" / "folder"):
        count.clear()
        with pytest.raises(ResourceError):
            write_folder(out, 2, size=SIDE, seed=1)
    assert contents(used) == before


def test_a_set_that_was_killed_while_it_took_its_places_says_so(used, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*_, **__):
        raise Killed

    monkeypatch.setattr(synth_folder, "publish", killed)
    with pytest.raises(Killed):
        write_folder(used, 1, size=SIDE, seed=1)
    assert json.loads((used / "labels.json").read_text()) == {"count": 3, "unfinished": True}
    monkeypatch.undo()
    write_folder(used, 1, size=SIDE, seed=1)
    assert not (used / "000001.png").exists()
    assert (used / "000009.png").read_bytes() == b"mine"


@pytest.mark.parametrize("labels", [b"{", b"[]", b'{"count": "3"}', b'{"count": true}', b'{"count": 1e99}'])
def test_labels_of_another_program_count_nothing(used, labels):
    (used / "labels.json").write_bytes(labels)
    write_folder(used, 1, size=SIDE)
    assert (used / "000002.png").exists()
