"""MobileFaceNet against its publisher's ONNX file, run by onnx's own reference evaluator; its parts."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cosine_similarity

from headform.nets.activated_convolution import fused_in_single_precision
from headform.nets.recognition.mobilefacenet_net import PARTS, InvertedResidual, MobileFaceNet
from headform.nets.recognition.registry import load_recognition
from headform.nets.shipped import SHIPPED, load_mobilefacenet
from tests.nets.test_shipped import ASSETS


@pytest.fixture(scope="module")
def shipped() -> MobileFaceNet:
    return load_mobilefacenet()[0]


def crops(count: int) -> torch.Tensor:
    """Smooth pictures in the range of encoded crops."""
    coarse = torch.randn(count, 3, 7, 7, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, (112, 112), mode="bicubic")


def test_it_is_the_published_network(data_root: Path, shipped: MobileFaceNet) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    from tools.convert_networks import mobilefacenet

    path = data_root / "nets" / "critics" / "mobilefacenet.onnx"
    evaluator = ReferenceEvaluator(onnx.load(path))
    x = crops(2)
    wanted = np.concatenate([evaluator.run(None, {"input": each[None].numpy()})[0] for each in x])
    with torch.no_grad():
        exact, half = mobilefacenet(path).eval()(x), shipped(x)
    assert float(np.abs(wanted).max()) > 0.5
    np.testing.assert_allclose(exact.numpy(), wanted, atol=1e-4)
    assert float(cosine_similarity(half, torch.from_numpy(wanted)).min()) > 0.9999
    assert abs(float(cosine_similarity(half[:1], half[1:]))) < 0.99, "two pictures are told apart"


@pytest.mark.parametrize("part", PARTS)
def test_before_and_after_a_part_compose(shipped: MobileFaceNet, part: str) -> None:
    x = crops(1)
    with torch.no_grad():
        whole = shipped(x)
        first = shipped.before(part, x)
        assert torch.equal(shipped.after(part, first), whole)
    assert whole.shape == (1, 128)
    if part == "stem":
        assert first is x


def test_each_block_is_an_inverted_residual() -> None:
    """By hand, with one number per convolution."""
    block = InvertedResidual(1, 1, 1, 2)
    with torch.no_grad():
        for layer, weight, bias in (
            (block.expand, [2.0, -3.0], [0.5, 1.0]),
            (block.depthwise, None, [0.0, 0.0]),
            (block.project, [1.0, 10.0], [0.25]),
        ):
            layer.bias.copy_(torch.tensor(bias))
            if weight is not None:
                layer.weight.copy_(torch.tensor(weight).view_as(layer.weight))
        block.depthwise.weight.zero_()
        block.depthwise.weight[:, 0, 1, 1] = torch.tensor([1.0, -1.0])
        x = torch.tensor([-1.0, 0.5, 4.0]).view(1, 1, 1, 3)
        found = block(x).flatten().tolist()
    # expansion: 2 x + 0.5 and 1 - 3 x, cut to [0, 6]; depthwise: the first as it is, of the second nothing is left
    assert found == pytest.approx([-1 + 0 + 0.25, 0.5 + 1.5 + 0.25, 4 + 6 + 0.25])
    strided = InvertedResidual(1, 1, 2, 1)
    assert strided(x).shape == (1, 1, 1, 2), "where the picture shrinks nothing is added"


def test_it_is_a_recognition_network_by_its_names() -> None:
    file = SHIPPED[MobileFaceNet].file
    kind, net = load_recognition(Path(str(ASSETS / file)))[:2]
    assert isinstance(net, MobileFaceNet), kind


@pytest.mark.parametrize("half", [False, True])
def test_without_gradients_activations_are_fused_to_the_same_bits(shipped: MobileFaceNet, half: bool) -> None:
    """Plain layers, which gradients take, against those that oneDNN runs in one pass."""
    x = crops(2).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        plain = shipped(x)
        assert plain.requires_grad
        with torch.no_grad():
            found = shipped(x)
    assert torch.equal(found, plain.detach())


def test_in_single_precision_they_are_fused_where_asked_for_within_rounding(shipped: MobileFaceNet) -> None:
    x = crops(2).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        plain = shipped(x)
        with fused_in_single_precision():
            fused = shipped(x)
        assert torch.equal(shipped(x), plain)
    torch.testing.assert_close(fused, plain, rtol=0, atol=1e-5)
