"""`--landmarks` of `headform heads`: wherever a message asks for it."""

import json
from pathlib import Path

import numpy as np
import pytest

from headform import heads
from headform.cli.main import main
from headform.heads import head_file
from headform.heads.linear import LinearHead
from headform.importers.importing import linear_head
from headform.io.mesh import obj
from tests.heads.made_models import mask_model
from tests.importers.test_lyhm import read, table
from tests.registration.test_head_landmarks import SEVEN, bare


@pytest.fixture
def lyhm(tmp_path: Path) -> Path:
    read(tmp_path, table(900, 1700, 3))
    return tmp_path / "LYHM_global.mat"


def test_convert_and_inspect(lyhm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "seven.txt").write_text("0 10 11 1 12 13 14")
    out = tmp_path / "head.safetensors"
    assert main(["heads", "convert", str(lyhm), "-o", str(out), "--landmarks", str(tmp_path / "seven.txt")]) == 0
    capsys.readouterr()
    assert heads.load(out).now7.tolist() == [0, 10, 11, 1, 12, 13, 14]
    words = ["heads", "inspect", str(lyhm), "--landmarks", str(tmp_path / "seven.txt"), "--json"]
    assert main(words) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["landmarks"] == 7
    assert facts["license"].startswith("unknown license")
    assert main(["heads", "inspect", str(out), "--landmarks", str(tmp_path / "seven.txt")]) == 2
    assert "[head_whole]" in capsys.readouterr().err


def test_fit_heads_without_landmarks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head: LinearHead = heads.load_open()
    points = head.landmarks(head.mean, offset=False).double().numpy()
    np.savetxt(tmp_path / "seven.txt", 1000 * points[SEVEN])
    plain = bare(head)
    plain.name = "plain"
    head_file.write(plain, tmp_path / "plain.safetensors")
    marks = str(tmp_path / "seven.txt")
    source = str(tmp_path / "plain.safetensors")
    words = ["heads", "fit", source, "--landmarks", marks, "--to", source, "--to-landmarks", marks, "--region", "face"]
    assert main([*words, "--neutral", "-o", str(tmp_path / "out")]) == 0
    fitted = obj.read(tmp_path / "out" / "fitted_head.obj").vertices
    assert np.linalg.norm(fitted - head.mean.numpy(), axis=1).max() < 1e-3
    capsys.readouterr()
    assert main(["heads", "fit", source, "--landmarks", marks, "--to", "open", "--to-landmarks", marks]) == 2
    assert "--to-landmarks only applies" in capsys.readouterr().err


def test_inspect_knows_a_head_file_by_its_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head_file.write(linear_head(mask_model()), tmp_path / "mask.bin")
    assert main(["heads", "inspect", str(tmp_path / "mask.bin"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "mask"
