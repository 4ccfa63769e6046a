"""`headform train mesh-autoencoder` on a folder of small meshes, and how it refuses."""

import json
from pathlib import Path

import pytest
import torch

from headform.cli.main import main
from headform.nets.shipped import load_mesh_autoencoder
from tests.nets.blobs import ball, blobs, write_folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADFORM_CACHE", str(tmp_path / "cache"))


def test_a_folder_of_meshes_to_a_model_file(tmp_path: Path, capsys) -> None:
    write_folder(tmp_path / "meshes", 12, 700)
    out = tmp_path / "run"
    words = ["train", "mesh-autoencoder", "--data", str(tmp_path / "meshes"), "-o", str(out)]
    words += ["--batch", "4", "--latent", "5", "--hierarchy", "symmetric", "--seed", "2"]
    assert main([*words, "--steps", "3"]) == 0
    told = capsys.readouterr().out
    assert "mm on 2 held-out meshes" in told
    assert f"{out / 'mesh_autoencoder.safetensors'}: 12 meshes seen" in told
    net, card = load_mesh_autoencoder(out / "mesh_autoencoder.safetensors")
    assert net.hierarchy.counts == (700, 175, 44, 11, 4)
    vertices = torch.from_numpy(blobs(2, ball(700)[0]))
    assert net(vertices).shape == vertices.shape
    assert net.encode(vertices).shape == (2, 5)
    assert (card["steps"], card["seed"], card["license"]) == (3, 2, "not stated")
    assert card["data"].startswith("10 meshes: meshes, train")
    assert card["metrics"]["mean_mesh_mm"] > 1
    assert json.loads((out / "config.json").read_text())["meshes"]["kind"] == "registered meshes"

    assert main([*words, "--steps", "5"]) == 2  # the folder holds a run
    assert capsys.readouterr().err.startswith("error [run_exists]: ")
    assert main([*words, "--steps", "5", "--resume"]) == 0
    assert "20 meshes seen" in capsys.readouterr().out
    assert main([*words, "--steps", "5", "--resume", "--latent", "6"]) == 2
    assert capsys.readouterr().err.startswith("error [config_changed]: ")


def test_the_papers_preset_counts_in_epochs(tmp_path: Path, capsys) -> None:
    write_folder(tmp_path / "meshes", 12, 700)
    words = ["train", "mesh-autoencoder", "--preset", "coma-paper", "--epochs", "0.5"]
    words += ["--data", str(tmp_path / "meshes"), "-o", str(tmp_path / "run"), "--batch", "2"]
    assert main(words) == 0
    _, card = load_mesh_autoencoder(tmp_path / "run" / "mesh_autoencoder.safetensors")
    assert (card["steps"], card["meshes_seen"]) == (3, 6)  # half of 10 meshes, 2 at a time
    assert card["config"]["net"]["latent_activation"] == "relu"
    assert card["hierarchy"]["edge_weight"] == "per_triangle"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--steps", "0"], "steps_invalid"),
        (["--epochs", "nan"], "epochs_invalid"),
        (["--batch", "-1"], "batch_invalid"),
        (["--latent", "0"], "latent_invalid"),
        (["--count", "0"], "count_invalid"),
        (["--held-out", "0"], "held_out_invalid"),
        (["--seed", "-1"], "seed_invalid"),
        (["--steps", "1", "--epochs", "1"], "length_twice"),
    ],
)
def test_refusals_before_anything_is_made(tmp_path: Path, capsys, words, code) -> None:
    out = tmp_path / "run"
    assert main(["train", "mesh-autoencoder", "-o", str(out), *words]) == 2
    assert capsys.readouterr().err.startswith(f"error [{code}]: ")
    assert not out.exists()


def test_no_folder_and_meshes_of_several_topologies(tmp_path: Path, capsys) -> None:
    words = ["train", "mesh-autoencoder", "-o", str(tmp_path / "run"), "--data"]
    assert main([*words, str(tmp_path / "none")]) == 3
    assert capsys.readouterr().err.startswith("error [no_meshes]: ")
    write_folder(tmp_path / "a", 3, 60)
    write_folder(tmp_path / "b", 1, 61)
    (tmp_path / "b" / "000.obj").rename(tmp_path / "a" / "other.obj")
    assert main([*words, str(tmp_path / "a")]) == 3
    assert capsys.readouterr().err.startswith("error [mesh_topology]: ")
