"""What training writes is what `headform.nets.shipped` loads, with a card that tells how."""

import torch

from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig
from headform.nets.landmarks.dense_net import DenseNet, DenseNetConfig
from headform.nets.shipped import load_dense, load_face_encoder
from headform.train.export_weights import export_weights, source_commit

FACTS = {
    "stage": "s",
    "config": {"seed": 3, "net": {"points": 1}, "loop": {"minutes": 1.0}},
    "head": "ab" * 32,
    "steps": 7,
    "samples_seen": 336,
    "faces_rendered": 64,
    "minutes": 0.5,
    "validation": {"point_px": 1.5},
}


def test_dense_weights_come_back_with_their_own_sizes(tmp_path):
    config = DenseNetConfig(points=20, channels=(8, 8, 8, 8), depths=(1, 1, 1, 1), hidden=16)
    net = DenseNet(config)
    export_weights(net, FACTS, tmp_path / "d.safetensors", command="headform train landmarks")
    back, card = load_dense(tmp_path / "d.safetensors")
    assert back.config == config
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)
    assert (card["seed"], card["images_seen"], card["minutes"]) == (3, 336, 0.5)
    assert (card["command"], card["steps"]) == ("headform train landmarks", 7)
    assert card["metrics"] == {"point_px": 1.5}
    assert card["config"]["loop"] == {"minutes": 1.0}


def test_face_encoders_come_back(tmp_path):
    config = FaceEncoderConfig(hidden=16, hidden_layers=1)
    facts = {k: v for k, v in FACTS.items() if k != "validation"}
    export_weights(FaceEncoder(config), facts, tmp_path / "i.safetensors", command="c")
    back, card = load_face_encoder(tmp_path / "i.safetensors")
    assert back.config == config
    assert card["metrics"] == {}


def test_commit_of_a_checkout_or_the_release():
    commit = source_commit().removesuffix("+changes")
    assert commit.startswith("release ") or (len(commit) == 40 and int(commit, 16) >= 0)
