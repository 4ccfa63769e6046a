"""`headform data coarse` on the Basel head of a regressor with random weights, and training on what it writes."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from headform import heads, images
from headform.cli.main import main
from headform.data.coarse_stage import photo_sample, read_coarse_stage
from headform.data.shards import ShardSet, ShardWriter
from headform.heads import LinearHead, head_file
from headform.nets.basel_alignment import FACE5_DM, alignment_points
from headform.nets.basel_regressor_net import BaselRegressor
from headform.nets.shipped import load_texture
from headform.nets.texture_net import TextureNet, TextureNetConfig
from headform.pipeline.reconstructor import Reconstructor
from headform.train.export_weights import export_weights
from headform.train.texture import head_hierarchy
from tests.registration.other_heads import basel_face

SIDE = 224
LIGHT = 1e-3
"""Largest weight of the regressor's heads: its readings differ a little from photo to photo."""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> dict[str, Path]:
    """Photos as they are and mirrored, as shards of two people; a Basel front in miniature; a regressor."""
    folder = tmp_path_factory.mktemp("coarse")
    photo = images.read(repository / "examples" / "astronaut.jpg")
    reader = Reconstructor.load(texture_size=0)
    with ShardWriter(folder / "set", size=SIDE, lossless=True) as writer:
        for number, rgb in enumerate((photo.rgb, np.ascontiguousarray(photo.rgb[:, ::-1]))):
            (face,) = reader.reconstruct(rgb)
            writer.add(replace(photo_sample(face, SIDE, f"photo-{number}"), coefficients={}, head=None))
    head = basel_face()
    head_file.write(head, folder / "basel.safetensors")
    torch.manual_seed(0)
    net = BaselRegressor()
    for layer in net.final_layers:
        torch.nn.init.uniform_(layer.weight, -LIGHT / 2048, LIGHT / 2048)  # type: ignore[arg-type]
    # the open head's frame has another origin: its mean eyes, nose and mouth are put where the published ones lie
    five = alignment_points(head.landmarks(head.mean).numpy()[:, :2])
    with torch.no_grad():
        net.final_layers[5].bias.copy_(torch.from_numpy((FACE5_DM[:, :2] - 10 * five).mean(0)))  # type: ignore[operator, union-attr]
    safetensors.torch.save_file(net.state_dict(), folder / "regressor.safetensors")
    words = [
        "data",
        "coarse",
        str(folder / "set"),
        "-o",
        str(folder / "out"),
        "--head",
        str(folder / "basel.safetensors"),
    ]
    assert main([*words, "--regressor", str(folder / "regressor.safetensors")]) == 0
    return {name: folder / name for name in ("set", "out", "basel.safetensors", "regressor.safetensors")}


@pytest.fixture(scope="module")
def basel(places: dict[str, Path]) -> LinearHead:
    return heads.load(places["basel.safetensors"])


def test_the_regressors_head_lies_on_each_photo(places: dict[str, Path], basel: LinearHead) -> None:
    samples = ShardSet.open(places["out"])
    assert [sample.name for sample in samples] == ["photo-0", "photo-1"]
    codes = []
    for sample in samples:
        stage = read_coarse_stage(sample, basel)
        assert sample.head == basel.sha256
        assert sample.coefficients["coarse_identity"].shape == (80,)
        assert sample.coefficients["coarse_expression"].shape == (64,)
        assert sample.coefficients["coarse_albedo"].shape == (80,)
        seen = stage.camera.project(basel.landmarks(torch.from_numpy(stage.vertices)).double().numpy())[:, :2]
        away = np.linalg.norm(alignment_points(seen) - alignment_points(sample.points68), axis=1)
        assert away.max() < 0.12 * np.ptp(sample.points68[:, 0])
        code = torch.from_numpy(sample.coefficients["coarse_albedo"])
        np.testing.assert_array_equal(stage.albedo, basel.albedo_of(code).clamp(0, 1))
        codes.append(code)
    assert (codes[0] != codes[1]).any(), "read from the photos"


def test_training_runs_on_its_mesh(
    places: dict[str, Path], basel: LinearHead, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "texture", "--data", str(places["out"]), "--head", str(places["basel.safetensors"])]
    words += ["-o", str(tmp_path / "run"), "--batch", "1", "--held-out", "1", "--side", "64", "--steps", "3"]
    assert main(words) == 0
    net, card = load_texture(tmp_path / "run" / "texture.safetensors")
    assert net.levels.counts[0] == len(basel.mean)
    assert card["head"] == basel.sha256
    found = re.search(r"masked PSNR ([\d.]+) dB coarse, ([\d.]+) dB refined", capsys.readouterr().out)
    assert found is not None
    # the networks begin at the photo's colors, so the head lies where the photo shows it
    assert float(found[2]) > float(found[1]) + 5
    assert len(list((tmp_path / "run" / "pictures").iterdir())) > 0
    assert card["license"].startswith(f"that of the head {basel.name}: {basel.license}")


def test_networks_of_its_mesh_are_refused_on_the_open_head(
    places: dict[str, Path], basel: LinearHead, tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    net = TextureNet(TextureNetConfig("residual", 7, "recognizer", 128), head_hierarchy(basel))
    path = tmp_path / "texture.safetensors"
    export_weights(net, {"config": {"seed": 0}, "minutes": 0}, path, command="made by a test")
    photo = repository / "examples" / "astronaut.jpg"
    words = ["reconstruct", str(photo), "-o", str(tmp_path / "out"), "--texture-net", str(path)]
    assert main(words) == 5
    said = capsys.readouterr().err
    assert said.startswith("error [model_mismatch]: ")
    assert f"of {len(basel.mean)} vertices, the head open has {len(heads.load_open().mean)}" in said
    assert not (tmp_path / "out" / "astronaut").exists()


def test_the_open_head_is_refused_for_these_shards(
    places: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "texture", "--data", str(places["out"]), "-o", str(tmp_path / "run"), "--held-out", "1"]
    assert main([*words, "--steps", "1"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error [sample_unusable]: ")
    assert "--head" in said
    assert not (tmp_path / "run" / "config.json").exists()


def test_shards_of_another_head_are_not_mixed(places: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "coarse", str(places["set"]), "-o", str(places["out"])]) == 3
    assert "the coarse stage of another head" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["--head", "{basel.safetensors}"], 2, "network_missing"),
        (["--regressor", "{regressor.safetensors}"], 2, "option_unused"),
        (["--head", "{none}", "--regressor", "{regressor.safetensors}"], 5, "head_missing"),
        (["--head", "{basel.safetensors}", "--regressor", "{basel.safetensors}"], 5, "weights_kind"),
    ],
)
def test_refusals(
    places: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    error: str,
) -> None:
    given = [str(places.get(word.strip("{}"), tmp_path / word)) if "{" in word else word for word in words]
    assert main(["data", "coarse", str(places["set"]), "-o", str(tmp_path / "out"), *given]) == code
    assert capsys.readouterr().err.startswith(f"error [{error}]: ")
