"""`headform evaluate texture`: what it prints, what it writes, what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from headform import errors
from headform.cli.main import main
from tests.evaluate.landmarks68.board import SIZE, png, write_board, write_manifest


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """A photo, the same with another gray in its left half, and a mask of that half."""
    first = np.full((SIZE[1], SIZE[0], 3), 100, np.uint8)
    second, mask = first.copy(), np.zeros_like(first)
    second[:, : SIZE[0] // 2] = 110
    mask[:, : SIZE[0] // 2] = 255
    paths = []
    for name, rgb in (("first", first), ("second", second), ("mask", mask)):
        (tmp_path / f"{name}.png").write_bytes(png(rgb))
        paths.append(str(tmp_path / f"{name}.png"))
    return paths


def test_a_pair(pictures: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, mask = pictures
    command = ["evaluate", "texture", "--first", first, "--second", second, "--mask", mask]
    assert main([*command, "--json", str(tmp_path / "t.json")]) == errors.SUCCESS
    face = json.loads((tmp_path / "t.json").read_text())["faces"][0]
    assert face["psnr"]["masked"] == pytest.approx(20 * np.log10(25.5))
    assert face["psnr"]["full"] == pytest.approx(20 * np.log10(25.5) + 10 * np.log10(2))
    assert "| second | 1536 | 28.13 | 31.14 |" in capsys.readouterr().out
    same = [
        "evaluate",
        "texture",
        "--first",
        first,
        "--second",
        first,
        "--json",
        str(tmp_path / "s"),
    ]
    assert main(same) == errors.SUCCESS
    assert "∞" in capsys.readouterr().out
    assert json.loads((tmp_path / "s").read_text())["summary"]["psnr full"]["mean"] == "inf"


def test_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(png(np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)))
    write_board(tmp_path / "out" / "a", np.full((16, 16, 3), 90, np.uint8))
    write_manifest(tmp_path / "out", ("a.png", ["a"]))
    command = ["evaluate", "texture", "--results", str(tmp_path / "out")]
    assert main([*command, "--photos", str(tmp_path)]) == errors.SUCCESS
    assert "| a |" in capsys.readouterr().out
    assert main(command) == errors.InputError.exit_code  # the photo is not where it was named
    assert "a.png" in capsys.readouterr().err


def test_what_is_not_clear(pictures: list[str], tmp_path: Path) -> None:
    first, second, mask = pictures
    for words in (
        [],
        ["--first", first],
        ["--results", str(tmp_path), "--first", first, "--second", second],
        ["--results", str(tmp_path), "--mask", mask],
        ["--first", first, "--second", second, "--embedder", "nose:x"],
    ):
        assert main(["evaluate", "texture", *words]) == errors.UsageError.exit_code, words
    words = ["--first", first, "--second", second, "--embedder", str(tmp_path / "none.pth")]
    assert main(["evaluate", "texture", *words]) == errors.WeightsError.exit_code


def test_identity_of_a_pair(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    photo = str(data_root / "photos" / "skimage" / "astronaut.png")
    embedder = f"onnx:{data_root / 'nets' / 'critics' / 'mobilefacenet.onnx'}"
    words = ["--first", photo, "--second", photo, "--embedder", embedder]
    assert main(["evaluate", "texture", *words]) == errors.SUCCESS
    assert "| 1.0000 | 1.0000 |" in capsys.readouterr().out
