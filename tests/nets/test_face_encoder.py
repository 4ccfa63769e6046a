"""The face encoder: the paper's sizes and rules, what learns, how photos are pooled, and its file."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import InputError, UsageError
from headform.heads import LinearHead
from headform.heads.code_decoder import decoder_of, mean_code
from headform.nets.face_encoder import FaceEncoder, FaceEncoderConfig, MappingNetwork, backbone_name
from headform.nets.recognition.crops import ARCFACE
from headform.nets.recognition.iresnet_net import IResNet
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.shipped import load_face_encoder
from headform.train.export_weights import export_weights
from headform.train.frozen import frozen_names

FACTS = {"stage": "coefficients", "config": {"seed": 0}, "minutes": 0.1, "steps": 1}


@pytest.fixture(scope="module")
def open_encoder() -> FaceEncoder:
    """Of a random backbone that spreads its embeddings."""
    torch.manual_seed(0)
    return FaceEncoder(FaceEncoderConfig()).eval()


@pytest.fixture(scope="module")
def iresnet_encoder() -> FaceEncoder:
    torch.manual_seed(0)
    return FaceEncoder(FaceEncoderConfig(backbone="iresnet18", layout="flame"))


def crops(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 112, 112, generator=torch.Generator().manual_seed(7))


def test_the_mapping_network_of_the_paper() -> None:
    net = MappingNetwork(512, 486)
    assert sum(p.numel() for p in net.parameters()) == 571_086
    shapes = [tuple(layer.weight.shape) for layer in net.hidden]
    assert shapes == [(300, 512), (300, 300), (300, 300), (300, 300)]
    assert tuple(net.output.weight.shape) == (486, 300)
    # Kaiming's normal distribution for LeakyReLU(0.2): variance 2 / (1.04 fan_in)
    for layer in net.hidden:
        wanted = math.sqrt(2 / 1.04 / layer.in_features)
        assert float(layer.weight.detach().std()) == pytest.approx(wanted, rel=0.02)
        assert float(layer.weight.detach().abs().max()) > 3 * wanted, "not uniform"
    # torch's default is uniform within 1 / sqrt(fan_in); a quarter of it
    bound = 0.25 / math.sqrt(300)
    assert 0.95 * bound < float(net.output.weight.detach().abs().max()) <= bound


def test_the_mapping_network_by_hand() -> None:
    net = MappingNetwork(5, 4, hidden=3, hidden_layers=1).double()
    x = torch.randn(2, 5, dtype=torch.float64)
    y = x.numpy()
    for layer in net.hidden:
        y = y @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
        y = np.where(y > 0, y, 0.2 * y)
    y = y @ net.output.weight.detach().numpy().T + net.output.bias.detach().numpy()
    np.testing.assert_allclose(net(x).detach().numpy(), y, rtol=1e-12)


def test_the_papers_network_has_486_numbers(iresnet_encoder: FaceEncoder) -> None:
    assert iresnet_encoder.layout.size == 486
    assert sum(p.numel() for p in iresnet_encoder.mapping.parameters()) == 571_086
    assert iresnet_encoder.crop == ARCFACE
    assert iresnet_encoder.decode(torch.randn(2, 512)).shape == (2, 486)


@torch.no_grad()
def test_the_length_of_an_embedding_has_no_part_in_the_code(open_encoder: FaceEncoder) -> None:
    embeddings = torch.randn(3, 128)
    code = open_encoder.decode(embeddings)
    torch.testing.assert_close(open_encoder.decode(17.0 * embeddings), code)
    assert float((open_encoder.decode(embeddings + 1) - code).abs().max()) > 1e-3
    unit = embeddings / embeddings.norm(dim=1, keepdim=True)
    torch.testing.assert_close(code, open_encoder.mapping(unit))


@torch.no_grad()
def test_the_mean_code_is_added(head: LinearHead) -> None:
    mean = mean_code(decoder_of(head), torch.from_numpy(ARCFACE.points / 56 - 1).float())
    torch.manual_seed(1)
    with_mean = FaceEncoder(FaceEncoderConfig(), mean)
    torch.manual_seed(1)
    without = FaceEncoder(FaceEncoderConfig())
    embeddings = torch.randn(2, 128)
    torch.testing.assert_close(with_mean.decode(embeddings), without.decode(embeddings) + mean)
    with pytest.raises(ValueError, match="mean code"):
        FaceEncoder(FaceEncoderConfig(), mean[1:])


@torch.no_grad()
def test_training_begins_at_the_mean_head(head: LinearHead, open_encoder: FaceEncoder) -> None:
    code = open_encoder.decode(torch.randn(16, 128))[:, :100]
    assert float(code.std()) < 0.5, "far less than people differ"


@pytest.mark.parametrize(("trained", "learning"), [("last", {"stage4", "stage5", "head"}), ("none", set())])
def test_parts_of_mobilefacenet_that_learn(trained: str, learning: set[str]) -> None:
    net = FaceEncoder(FaceEncoderConfig(trained=trained)).train()
    net(crops(2)).square().sum().backward()
    moved = {n.split(".")[1] for n, p in net.backbone.named_parameters(prefix="backbone") if p.grad is not None}
    assert moved == learning
    frozen = frozen_names(net, net.frozen)
    assert {n.split(".")[1] for n in frozen} == {
        "stem",
        "stage1",
        "stage2",
        "stage3",
        "stage4",
        "stage5",
        "head",
    } - learning
    assert net.set_trainable("all").frozen == ()


def test_only_the_last_blocks_of_iresnet_change_in_a_step(iresnet_encoder: FaceEncoder) -> None:
    """Their batch norms too: below, running statistics are used and kept in training."""
    net = iresnet_encoder.train()
    before = {n: v.clone() for n, v in net.state_dict().items()}
    frozen = set(frozen_names(net, net.frozen))
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=1.0)
    net(crops(4), 2).square().sum().backward()
    optimizer.step()
    after = net.state_dict()
    changed = {n for n in before if not torch.equal(before[n], after[n])}
    assert {n.split(".")[1] for n in changed if n.startswith("backbone.")} == {"layer4", "bn2", "fc", "features"}
    assert not frozen & changed
    assert {n.split(".")[1] for n in frozen} == {"conv1", "bn1", "prelu", "layer1", "layer2", "layer3"}
    assert "backbone.features.weight" not in changed, "its scale is fixed at 1"
    assert {"backbone.layer4.1.bn1.running_mean", "backbone.features.bias", "mapping.output.weight"} <= changed
    net.load_state_dict(before)


@torch.no_grad()
def test_pooling_begins_as_a_plain_mean(open_encoder: FaceEncoder) -> None:
    embeddings = torch.randn(2, 3, 128) * torch.tensor([1.0, 5.0, 0.1])[:, None]
    unit = embeddings / embeddings.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(open_encoder.pool(embeddings), unit.mean(1))
    torch.testing.assert_close(open_encoder.pool(embeddings[:, :1]), unit[:, 0])


@pytest.fixture
def gated() -> FaceEncoder:
    """With a gate that has learned something."""
    net = FaceEncoder(FaceEncoderConfig(hidden=8))
    torch.nn.init.normal_(net.gate.weight)
    return net


@torch.no_grad()
def test_a_gate_weighs_photos_whatever_their_order(gated: FaceEncoder) -> None:
    embeddings = torch.randn(2, 4, 128)
    pooled = gated.pool(embeddings)
    torch.testing.assert_close(gated.pool(embeddings[:, [2, 0, 3, 1]]), pooled)
    unit = embeddings / embeddings.norm(dim=-1, keepdim=True)
    score = torch.exp(embeddings @ gated.gate.weight[0] + gated.gate.bias)
    torch.testing.assert_close(pooled, (score[..., None] * unit).sum(1) / score.sum(1)[:, None])
    assert float((pooled - unit.mean(1)).abs().max()) > 1e-2


@torch.no_grad()
def test_photos_that_do_not_exist_have_no_weight(gated: FaceEncoder) -> None:
    embeddings = torch.randn(2, 3, 128)
    present = torch.tensor([[True, False, True], [False, True, False]])
    pooled = gated.pool(embeddings, present)
    torch.testing.assert_close(pooled[:1], gated.pool(embeddings[:1, [0, 2]]))
    torch.testing.assert_close(pooled[1:], gated.pool(embeddings[1:, 1:2]))
    for given, mask in ((embeddings, torch.zeros(2, 3, dtype=torch.bool)), (embeddings[:, :0], None)):
        with pytest.raises(InputError) as caught:
            gated.pool(given, mask)
        assert caught.value.code == "photos_missing"


def test_codes_of_photos_then_of_persons(gated: FaceEncoder) -> None:
    x = crops(4)
    with torch.no_grad():
        together, alone = gated(x, 2), gated(x)
        embeddings = gated.embed(x)
        persons = gated.decode(torch.stack([gated.pool(embeddings[None, k : k + 2])[0] for k in (0, 2)]))
    assert together.shape == (6, 100 + 3 + 51 + 50 + 3 + 27)
    torch.testing.assert_close(together[:4], alone, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[4:], persons, atol=1e-5, rtol=1e-4)
    parts = gated.coefficients(x)
    assert (parts["identity"].shape, parts["camera"].shape) == ((4, 100), (4, 3))


def test_round_trip_through_a_file(tmp_path: Path, head: LinearHead) -> None:
    config = FaceEncoderConfig(hidden=12, hidden_layers=1, trained="all")
    net = FaceEncoder(config, mean_code(decoder_of(head), torch.from_numpy(ARCFACE.points / 56 - 1).float())).eval()
    torch.nn.init.normal_(net.gate.weight)
    path = tmp_path / "encoder.safetensors"
    export_weights(net, FACTS, path, command="test")
    again, card = load_face_encoder(path)
    assert (again.config, card["kind"]) == (config, "face encoder")
    for name, value in net.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    x = crops(1)
    with torch.no_grad():
        torch.testing.assert_close(again(x), net(x), atol=2e-2, rtol=1e-2)


def test_backbones_by_what_they_are() -> None:
    with torch.device("meta"):
        assert backbone_name(MobileFaceNet()) == "mobilefacenet"
        assert backbone_name(IResNet((3, 13, 30, 3))) == "iresnet100"
        assert backbone_name(IResNet((2, 2, 2, 2))) == "iresnet18"
        for other in (IResNet((1, 2, 2, 2)), torch.nn.Linear(2, 2)):
            with pytest.raises(UsageError) as caught:
                backbone_name(other)
            assert caught.value.code == "backbone_unsupported"


def test_sizes_are_checked() -> None:
    with pytest.raises(UsageError, match="open-encoder"):
        FaceEncoderConfig(layout="shape")
    with pytest.raises(ValueError, match="positive"):
        FaceEncoderConfig(hidden=0)
