"""`headform train identity`: its options, and a run from shards to weights that embed."""

from pathlib import Path

import numpy as np
import pytest

from headform.cli.main import main
from headform.nets.recognition.embedder_files import load_embedder
from tests.train.people_shards import write_people


def test_arcface_from_shards_to_an_embedder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = write_people(tmp_path / "people", 5, 2), tmp_path / "run"
    words = f"train identity --data {data} -o {out} --batch 4 --held-out 2 --sub-centers 1"
    assert main([*words.split(), "--steps", "1"]) == 0
    assert "recognition.safetensors: 4 pictures seen" in capsys.readouterr().out
    embedder = load_embedder(str(out / "recognition.safetensors"))
    assert embedder.name.startswith("mobilefacenet")
    assert embedder.embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 128)
    assert main([*words.split(), "--steps", "1"]) == 2
    assert "run_exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "data_missing"),
        ("--data x --steps 3 --minutes 2", "option_unused"),
        ("--data x --start y --from-scratch", "option_unused"),
        ("--data x --sub-centers 0", "sub_centers_invalid"),
        ("--data x", "dataset_missing"),
    ],
)
def test_options_that_do_not_fit(words: str, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["train", "identity", *words.replace(" x", f" {tmp_path}").split(), "-o", str(out)]) in (2, 3)
    assert f"[{code}]" in capsys.readouterr().err
    assert not out.exists()
