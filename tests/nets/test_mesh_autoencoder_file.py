"""The model file of a mesh autoencoder: it stands alone, gives the same to the bit, and is refused when it is another's."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

from headform.errors import WeightsError
from headform.io.model_file import save_model
from headform.mesh.hierarchy import build_hierarchy
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.mesh_autoencoder_net import MeshAutoencoder, MeshAutoencoderConfig
from headform.nets.shipped import load_face_encoder, load_mesh_autoencoder
from headform.train.export_weights import export_weights

from .blobs import ball, blobs

FACTS = {
    "stage": "s",
    "config": {"seed": 3, "net": {}, "hierarchy": "coma"},
    "data": "40 blobs",
    "license": "CC0",
    "steps": 7,
    "meshes_seen": 112,
    "minutes": 0.5,
    "validation": {"mean_mm": 1.5},
}
VERTICES, FACES = ball(90)


@pytest.fixture
def net() -> MeshAutoencoder:
    config = MeshAutoencoderConfig(
        latent=5,
        encoder_channels=(4, 6),
        decoder_channels=(6, 4),
        num_terms=3,
        latent_activation="linear",
    )
    net = MeshAutoencoder(config, build_hierarchy(VERTICES, FACES, factors=(3, 3)))
    shapes = torch.from_numpy(blobs(50, VERTICES))
    net.normalization.set_statistics(shapes.mean(0), shapes.std(0).clamp(min=1e-3))
    return net


@pytest.fixture
def path(net: MeshAutoencoder, tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    export_weights(net, FACTS, path, command="headform train mesh-autoencoder")
    return path


def test_what_comes_back_gives_the_same_to_the_bit(net: MeshAutoencoder, path: Path) -> None:
    back, card = load_mesh_autoencoder(path)
    vertices = torch.from_numpy(blobs(6, VERTICES, seed=2))
    assert torch.equal(back.encode(vertices), net.encode(vertices))
    assert torch.equal(back(vertices), net(vertices))
    assert back.config == net.config
    assert back.hierarchy.topology == net.hierarchy.topology
    assert not back.training
    assert (card["kind"], card["data"], card["license"]) == ("mesh autoencoder", "40 blobs", "CC0")
    assert (card["images_seen"], card["meshes_seen"], card["seed"]) == (0, 112, 3)
    assert card["metrics"] == {"mean_mm": 1.5}


def test_whole_numbers_take_two_bytes(path: Path) -> None:
    tensors = safetensors.torch.load(path.read_bytes())
    assert tensors["hierarchy.faces.0"].dtype == torch.uint16
    assert tensors["hierarchy.up_vertices.1"].dtype == torch.uint16
    assert tensors["normalization.mean"].dtype == torch.float32


def test_weights_of_another_kind(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "i.safetensors"
    facts = FACTS | {"samples_seen": 3}
    export_weights(FaceEncoder(FaceEncoderConfig(hidden=8)), facts, other, command="c")
    with pytest.raises(WeightsError, match="kind 'face encoder', expected 'mesh autoencoder'") as caught:
        load_mesh_autoencoder(other)
    assert caught.value.code == "weights_kind"
    with pytest.raises(WeightsError, match="kind 'mesh autoencoder', expected 'face encoder'"):
        load_face_encoder(path)


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("hierarchy.kept.0", None, "kept.0 is missing"),
        ("hierarchy.faces.1", lambda t: t.int() + 40, "faces.1 has an index outside"),
        ("hierarchy.up_weights.0", lambda t: -t, "not barycentric weights"),
        ("encoder.code.weight", None, "encoder.code.weight is missing"),
        ("encoder.code.weight", lambda t: t[:, :-1], "encoder.code.weight has shape"),
        ("normalization.mean", lambda t: t[:-1], "normalization.mean has shape"),
    ],
)
def test_parts_that_do_not_fit(path: Path, name: str, change: object, match: str) -> None:
    tensors = safetensors.torch.load(path.read_bytes())
    card = json.loads(path.with_suffix(".json").read_text())
    if change is None:
        del tensors[name]
    else:
        tensors[name] = change(tensors[name]).contiguous()
    save_model(path, tensors, card, half=False)
    with pytest.raises(WeightsError, match=match) as caught:
        load_mesh_autoencoder(path)
    assert caught.value.code == "weights_mismatch"
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        (None, "card_damaged"),
        ({"latent": 5, "color": "red"}, "weights_mismatch"),
        ({"latent": 5}, "weights_mismatch"),
        ({"latent": -5}, "weights_mismatch"),
    ],
)
def test_a_card_with_other_sizes(path: Path, sizes: object, code: str) -> None:
    beside = path.with_suffix(".json")
    card = json.loads(beside.read_text())
    card["config"] = {"net": sizes}
    beside.write_text(json.dumps(card))
    with pytest.raises(WeightsError) as caught:
        load_mesh_autoencoder(path)
    assert caught.value.code == code


def test_a_cut_file_and_no_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError) as caught:
        load_mesh_autoencoder(path)
    assert caught.value.code == "weights_truncated"
    with pytest.raises(WeightsError) as caught:
        load_mesh_autoencoder(path.with_name("none.safetensors"))
    assert caught.value.code == "weights_missing"
