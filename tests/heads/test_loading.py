"""Head files by path and the open head by name; everything else is named, with the command that helps."""

import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
import scipy.io

from headform import heads
from headform.errors import WeightsError
from headform.heads import head_file
from headform.importers.importing import linear_head
from tests.heads.made_models import mask_model
from tests.io.test_file_content import LFS, PAGE


def test_open_by_its_name() -> None:
    by_name = heads.load("open")
    assert by_name.sha256 == heads.load_open().sha256 == heads.load(Path("open")).sha256
    assert by_name is not heads.load("open")


def test_a_file_called_open_is_read_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    head_file.write(linear_head(mask_model()), tmp_path / "open")
    assert heads.load(Path("open")).name == "mask"
    assert heads.load("./open").name == "mask"
    assert heads.load("open").name == heads.load_open().name


def _refused(path: Path) -> WeightsError:
    with pytest.raises(WeightsError) as caught:
        heads.load(path)
    return caught.value


def test_publishers_files_are_to_be_converted(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "01_MorphableModel.mat", {"shapeMU": np.zeros(3)})
    with h5py.File(tmp_path / "model2019_bfm.h5", "w") as file:
        file["shape"] = np.zeros(3)
    (tmp_path / "generic_model.pkl").write_bytes(pickle.dumps({"v_template": np.zeros(3)}, 2))
    (tmp_path / "text_model.pkl").write_bytes(pickle.dumps({"v_template": np.zeros(3)}, 0))
    np.savez(tmp_path / "gnm_head.npz", a=np.zeros(3))
    (tmp_path / "sfm_shape_3448.bin").write_bytes(b"\1\0\0\0" + bytes(range(200)))
    (tmp_path / "FaceXModel").mkdir()
    for path in tmp_path.iterdir():
        error = _refused(path)
        assert f"headform heads convert {path}" in error.hint, path
        assert error.code in ("head_foreign", "head_damaged", "head_unreadable")


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    path = tmp_path / "head.safetensors"
    for data, words, code in (
        (PAGE, "web page", "head_foreign"),
        (LFS, "Git LFS", "head_foreign"),
        (b"", "empty file", "head_damaged"),
        (b"not a head", "text file", "head_damaged"),
        (head_file.encode(linear_head(mask_model()))[:-9], "9 bytes or more are missing", "head_damaged"),
    ):
        path.write_bytes(data)
        error = _refused(path)
        assert words in error.message
        assert error.code == code
    path.write_bytes(safetensors.numpy.save({"conv.weight": np.zeros(3)}))
    assert "headform weights inspect" in _refused(path).hint
    path.with_suffix(".json").write_text("{}")
    assert "the weights of a network" in _refused(path).message


def test_an_absent_file(tmp_path: Path) -> None:
    error = _refused(tmp_path / "flame")
    assert error.code == "head_missing"
    assert "give the name open" in error.hint
    os.mkfifo(tmp_path / "pipe")
    assert _refused(tmp_path / "pipe").code == "head_unreadable"
