"""What is no model is named for what it is, with and without its kind; so is a file beside a model that cannot be read."""

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from headform.errors import WeightsError
from headform.importers._companions import Companions
from headform.importers.registry import MODULES, convert
from tests.io.test_file_content import LFS, PAGE, SMPL

PNG = b"\x89PNG\r\n\x1a\n" + bytes(60)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("FLAME2020/generic_model.pkl", b"x" * 99)
    return out.getvalue()


FOREIGN = {
    "page": (PAGE, "web page", "model_kind"),
    "pointer": (LFS, "Git LFS pointer", "model_kind"),
    "zip": (_zip(), "generic_model.pkl", "model_kind"),
    "picture": (PNG, "picture (PNG)", "model_kind"),
    "body": (pickle.dumps(SMPL, 2), "SMPL", "model_kind"),
    "empty": (b"", "empty file", "weights_damaged"),
    "cut": (pickle.dumps({"v_template": np.zeros((9, 3))}, 2)[:-40], "cut off", "weights_damaged"),
    "page compressed": (gzip.compress(PAGE), "web page", "model_kind"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_named_with_and_without_its_kind(tmp_path: Path, name: str) -> None:
    data, words, code = FOREIGN[name]
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    pickles = ("flame", "tddfa")  # one child each
    kinds = [kind for kind in MODULES if kind not in pickles or name == "cut"]
    for kind in (None, *kinds):
        with pytest.raises(WeightsError) as caught:
            convert(path, kind)
        assert words in caught.value.message, kind
        assert caught.value.code == code, kind
        assert path.name in caught.value.location
        assert caught.value.hint


def test_a_folder_is_answered_with_the_models_in_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "flame.npz", v_template=np.zeros((5023, 3)), shapedirs=np.zeros(1), posedirs=np.zeros(1))
    (tmp_path / "Readme.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(WeightsError, match="a folder that holds") as caught:
        convert(tmp_path)
    assert "flame.npz (flame)" in caught.value.hint


@pytest.mark.parametrize("data", [PAGE, LFS, b"", PNG], ids=["page", "pointer", "empty", "picture"])
def test_a_file_beside_a_model_is_named_for_what_it_is(tmp_path: Path, data: bytes) -> None:
    beside = tmp_path / "points.txt"
    beside.write_bytes(data)

    def read(path: Path) -> None:
        raise WeightsError("weights_damaged", "not a list of numbers", repr(str(path)))

    files = Companions(tmp_path / "model.bin")
    assert files.fetch(["points.txt"], read, "no points") is None
    (note,) = files.notes
    assert note.startswith("points.txt beside the model was left out: it is a")
    with pytest.raises(WeightsError, match="it is a") as caught:
        Companions(tmp_path / "model.bin", [beside]).fetch(["points.txt"], read)
    assert caught.value.code == "weights_damaged"


def test_whatever_has_a_companions_name_is_mentioned(tmp_path: Path) -> None:
    """A folder, a link that leads nowhere, a pipe; and a file of nearly the name."""

    def read(path: Path) -> bytes:
        raise WeightsError("weights_missing", "not a regular file", repr(str(path)))

    (tmp_path / "model.bin").write_bytes(b"x")
    (tmp_path / "a.npy").mkdir()
    (tmp_path / "b.npy").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "c.npy")
    (tmp_path / "my_static_embedding.pkl").write_bytes(b"x")
    files = Companions(tmp_path / "model.bin")
    names = ("a.npy", "b.npy", "c.npy", "*static_embedding*.pkl")
    assert files.fetch(names, read, "none was found") is None
    assert [note.split()[0] for note in files.notes[:3]] == ["a.npy", "b.npy", "c.npy"]
    assert "my_static_embedding.pkl; give it with --with" in files.notes[3]
    assert len(files.notes) == 4


def test_the_next_file_is_read_when_the_first_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(PAGE)
    (tmp_path / "b.txt").write_bytes(b"1 2 3")

    def read(path: Path) -> str:
        if path.name == "a.txt":
            raise WeightsError("weights_damaged", "not numbers", repr(str(path)))
        return path.read_text()

    files = Companions(tmp_path / "model.bin")
    assert files.fetch(["a.txt", "b.txt"], read, "none") == "1 2 3"
    assert len(files.notes) == 1
    assert [path.name for path in files.sources] == ["model.bin", "b.txt"]
