"""`headform train texture` from shards to a model file, and how it refuses."""

from pathlib import Path

import pytest

from headform.cli.main import main
from headform.heads import LinearHead
from headform.nets.shipped import load_texture
from tests.data.coarse_samples import write_coarse_samples


@pytest.fixture(scope="module")
def data(head: LinearHead, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_coarse_samples(folder / "set", head, 2)
    return folder


def test_from_samples_to_a_model_file(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "texture", "--data", str(data / "set"), "-o", str(tmp_path), "--batch", "1", "--held-out", "1"]
    words += ["--side", "32", "--critic-steps", "0", "--no-identity", "--channels", "3", "--steps"]
    assert main([*words, "1"]) == 0
    path = tmp_path / "texture.safetensors"
    out = capsys.readouterr().out
    assert f"{path}: 1 pictures seen" in out
    assert "masked PSNR" in out
    net, card = load_texture(path)
    assert (net.config.channels, net.config.embedding_size, card["kind"]) == (3, 128, "texture")
    assert main([*words, "2"]) == 2
    assert capsys.readouterr().err.startswith("error [run_exists]: ")


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ([], 2, "data_missing"),
        (["photo.jpg"], 2, "data_missing"),
        (["--preset", "overfit"], 2, "data_missing"),
        (["--preset", "overfit", "{none}.jpg"], 3, "image_missing"),
        (["--data", "{none}"], 3, "dataset_missing"),
        (["--data", "{set}", "--preset", "paper"], 2, "network_missing"),
        (["--data", "{set}", "--preset", "released-code"], 2, "network_missing"),
        (["--data", "{set}", "--preset", "released-code", "--recognizer", "facenet.pt"], 2, "network_missing"),
        (["--data", "{set}", "--regressor", "epoch_20.pth"], 2, "option_unused"),
        (["--data", "{set}", "--held-out", "2"], 2, "dataset_small"),
        (["--data", "{set}", "--recognizer", "{none}"], 5, "weights_missing"),
        (["--data", "{set}", "--start", "{none}"], 5, "weights_missing"),
        (["--data", "{set}", "--critic-steps", "-1"], 2, "critic_steps_invalid"),
        (["--data", "{set}", "--steps", "0"], 2, "steps_invalid"),
        (["--data", "{set}", "--side", "100"], 2, "side_invalid"),
        (["--data", "{set}", "--channels", "3", "--base", "photo"], 2, "base_invalid"),
        (["--data", "{set}", "--preset", "albedo", "--objective", "released"], 2, "objective_invalid"),
    ],
)
def test_refusals(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, error: str
) -> None:
    given = [word.format(set=data / "set", none=tmp_path / "none") for word in words]
    assert main(["train", "texture", "-o", str(tmp_path / "run"), *given]) == code
    assert capsys.readouterr().err.startswith(f"error [{error}]: ")
