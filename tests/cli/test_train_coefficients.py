"""`headform train coefficients` from shards to a model file, and how it refuses."""

import json
from pathlib import Path

import pytest

from headform.cli.main import main
from headform.heads import LinearHead
from headform.nets.shipped import load_face_encoder
from tests.train.coefficient_samples import write_faces


@pytest.fixture(scope="module")
def data(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_faces(folder / "set", head, 4)
    write_faces(folder / "photos", head, 2, labeled=False)
    return folder


def test_from_samples_to_a_model_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "coefficients", "--data", str(data / "set"), "-o", str(tmp_path), "--losses", "vertices"]
    words += ["--batch", "2", "--held-out", "1", "--steps"]
    assert main([*words, "1"]) == 0
    path = tmp_path / "face_encoder.safetensors"
    assert f"{path}: 4 pictures seen" in capsys.readouterr().out
    net, card = load_face_encoder(path)
    assert net.config.backbone == "mobilefacenet"
    assert (card["stage"], card["steps"], card["kind"]) == ("coefficients", 1, "face encoder")
    assert card["metrics"]["metrical_mm"] > 0
    assert card["data"].startswith("8 photos of 4 subjects with meshes")
    assert json.loads((tmp_path / "config.json").read_text())["config"]["weights"]["dim2"] == 0.0
    assert main([*words, "2"]) == 2
    assert capsys.readouterr().err.startswith("error [run_exists]: ")
    assert main([*words, "2", "--resume"]) == 0
    assert "8 pictures seen" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ([], 2, "data_missing"),
        (["--data", "{none}"], 3, "dataset_missing"),
        (["--data", "{set}", "--preset", "paper-flame"], 2, "head_missing"),
        (["--data", "{set}", "--preset", "mica"], 2, "head_missing"),
        (["--data", "{set}", "--preset", "paper-flame", "--head", "open"], 2, "backbone_missing"),
        (["--data", "{set}", "--head", "open"], 3, "autoencoder_missing"),
        (["--data", "{set}"], 2, "dataset_small"),
        (["--data", "{set}", "--held-out", "1", "--losses", "vertices", "--photos", "{photos}"], 2, "photos_unused"),
        (
            ["--data", "{set}", "--held-out", "1", "--preset", "mica", "--head", "open", "--backbone", "open"],
            2,
            "head_unsupported",
        ),
        (["--data", "{photos}", "--held-out", "1"], 3, "meshes_missing"),
        (["--data", "{set}", "--backbone", "{none}"], 5, "weights_missing"),
        (["--data", "{set}", "--steps", "0"], 2, "steps_invalid"),
        (["--data", "{set}", "--held-out", "0"], 2, "held_out_invalid"),
        (["--seed", "-1"], 2, "seed_invalid"),
    ],
)
def test_refusals(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, error: str
) -> None:
    names = {"none": data / "none", "set": data / "set", "photos": data / "photos"}
    given = [word.format(**names) for word in words]
    found = main(["train", "coefficients", "-o", str(tmp_path / "run"), *given])
    said = capsys.readouterr().err
    assert said.startswith(f"error [{error}]: "), said
    assert found == code
    assert not (tmp_path / "run" / "face_encoder.safetensors").exists()
