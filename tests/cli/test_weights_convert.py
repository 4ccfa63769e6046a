"""`headform weights`: what it prints, what it writes, what it refuses."""

import json
import os
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from headform import errors
from headform.cli.main import main
from headform.heads import head_file
from headform.importers.importing import linear_head
from tests.heads.made_models import mask_model
from tests.io.test_file_content import LFS, PAGE, SMPL


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    shared = torch.arange(6.0).reshape(2, 3)
    net = {"a.weight": shared, "b.weight": shared.T, "c": torch.tensor([4], dtype=torch.int64)}
    path = tmp_path / "net.pth"
    torch.save({"state_dict": {f"module.{k}": v for k, v in net.items()}, "epoch": 7}, path)
    return path


def test_inspect(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "inspect", str(checkpoint)]) == errors.SUCCESS
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "state_dict/module.b.weight  3x2  float32"
    assert lines[3] == "epoch = 7"
    assert lines[-1] == "3 tensors, 13 numbers"


def test_convert(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "net.safetensors"
    command = ["weights", "convert", str(checkpoint), "-o", str(out)]
    assert main(command) == errors.SUCCESS
    found = safetensors.torch.load_file(out)
    assert found["a.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b.weight"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["c"].dtype == torch.int64
    card = json.loads((tmp_path / "net.json").read_text())
    assert "net.pth" in card["data"]
    assert main(command) == errors.UsageError.exit_code
    assert main([*command, "--overwrite"]) == errors.SUCCESS
    assert main([*command[:-1], str(tmp_path / "net.bin")]) == errors.UsageError.exit_code
    lacking = [*command, "--overwrite", "--part", "nose"]
    capsys.readouterr()
    assert main(lacking) == errors.WeightsError.exit_code
    assert "`state_dict`" in capsys.readouterr().err


def test_a_program_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, object]:
            return os.system, (f"touch {tmp_path / 'canary'}",)

    torch.save({"a": torch.ones(1), "b": Evil()}, tmp_path / "net.pth")
    out = tmp_path / "net.safetensors"
    code = main(["weights", "convert", str(tmp_path / "net.pth"), "-o", str(out)])
    assert code == errors.WeightsError.exit_code
    assert "posix.system" in capsys.readouterr().err
    assert not out.exists()
    assert not (tmp_path / "canary").exists()


def test_inspect_says_what_a_file_of_headform_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head_file.write(linear_head(mask_model()), tmp_path / "mask.safetensors")
    assert main(["weights", "inspect", str(tmp_path / "mask.safetensors")]) == errors.SUCCESS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("mask.safetensors: a head file of headform ('mask')")
    assert "headform heads inspect" in lines[0]
    assert "mean  81x3  float32" in lines
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "net.safetensors")
    (tmp_path / "net.json").write_text("{}")
    assert main(["weights", "inspect", str(tmp_path / "net.safetensors")]) == errors.SUCCESS
    assert "weights of a network" in capsys.readouterr().out


def test_what_is_no_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for data, words in (
        (PAGE, "web page"),
        (LFS, "Git LFS pointer"),
        (b"", "empty file"),
        (pickle.dumps(SMPL, 2), "SMPL"),
        (pickle.dumps({"v_template": 1}, 2), "headform heads convert"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
    ):
        (tmp_path / "net.pth").write_bytes(data)
        assert main(["weights", "inspect", str(tmp_path / "net.pth")]) == errors.WeightsError.exit_code
        assert words in capsys.readouterr().err
    assert main(["weights", "convert", str(tmp_path / "net.pth"), "-o", str(tmp_path / "net.safetensors")]) == 5
    assert "HDF5" in capsys.readouterr().err
