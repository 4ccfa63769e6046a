"""dlib's recognition network against plain arithmetic, and its weights as face-api distributes them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from headform.errors import WeightsError
from headform.nets.recognition.dlib_resnet_net import MANIFEST, DlibResNet, ResidualBlock, ScaledConv
from headform.nets.recognition.embedder_files import load_embedder
from headform.nets.recognition.registry import load_recognition


def convolve(x: np.ndarray, filters: np.ndarray, bias: np.ndarray, stride: int, pad: int) -> np.ndarray:
    """Convolution (h, w, in) with (k, k, in, out), one cell at a time."""
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    k = len(filters)
    size = (len(x) - k) // stride + 1
    out = np.zeros((size, size, filters.shape[3]))
    for v in range(size):
        for u in range(size):
            window = x[v * stride : v * stride + k, u * stride : u * stride + k]
            out[v, u] = np.tensordot(window, filters, 3) + bias
    return out


def layer(x: np.ndarray, conv: ScaledConv, stride: int, pad: int) -> np.ndarray:
    filters = conv.conv.weight.detach().numpy().transpose(2, 3, 1, 0)
    found = convolve(x, filters, conv.conv.bias.detach().numpy(), stride, pad)
    return found * conv.scale.detach().numpy() + conv.offset.detach().numpy()


def randomized(block: ResidualBlock) -> ResidualBlock:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return block.double()


@pytest.mark.parametrize("side", [5, 8, 9])
def test_a_block_that_halves_the_size(side: int) -> None:
    """At 8 the convolution has 3 cells a side and the mean 4: the missing ones are zeros."""
    block = randomized(ResidualBlock(2, 3, 2))
    x = np.random.default_rng(0).normal(size=(side, side, 2))
    y = layer(np.maximum(layer(x, block.conv1, 2, 0), 0), block.conv2, 1, 1)
    half = side // 2
    want = np.zeros((half, half, 3))
    want[: len(y), : len(y)] = y
    even = x[: 2 * half, : 2 * half]
    want[..., :2] += even.reshape(half, 2, half, 2, 2).mean((1, 3))
    found = block(torch.from_numpy(x).permute(2, 0, 1)[None])[0].detach().permute(1, 2, 0)
    np.testing.assert_allclose(found, np.maximum(want, 0), atol=1e-10)


def test_a_block_that_keeps_the_size() -> None:
    block = randomized(ResidualBlock(2, 2, 1))
    x = np.random.default_rng(0).normal(size=(4, 4, 2))
    want = np.maximum(x + layer(np.maximum(layer(x, block.conv1, 1, 1), 0), block.conv2, 1, 1), 0)
    found = block(torch.from_numpy(x).permute(2, 0, 1)[None])[0].detach().permute(1, 2, 0)
    np.testing.assert_allclose(found, want, atol=1e-10)


def test_sizes_of_the_network() -> None:
    with torch.device("meta"):
        net = DlibResNet()
        assert net(torch.zeros(2, 3, 150, 150)).shape == (2, 128)
    assert sum("conv1.conv.weight" in name for name in net.state_dict()) == 14, "28 of dlib's 29 convolutions in pairs"


def test_the_published_weights(data_root: Path) -> None:
    folder = data_root / "nets" / "faceapi"
    kind, net = load_recognition(folder)
    assert kind == "dlib"
    entries = {e["name"]: e for e in json.loads((folder / MANIFEST).read_text())[0]["weights"]}
    first = entries["conv32_down/conv/filters"]["quantization"]
    data = np.fromfile(folder / "face_recognition_model.bin", np.uint8)
    filters = (data[: 7 * 7 * 3 * 32].astype(float) * first["scale"] + first["min"]).reshape(7, 7, 3, 32)
    conv = net.conv32_down.conv
    np.testing.assert_allclose(conv.weight.detach().permute(2, 3, 1, 0), filters, atol=1e-6)
    end = 256 * 128
    quantized = entries["fc"]["quantization"]
    last = (data[-end:].astype(float) * quantized["scale"] + quantized["min"]).reshape(256, 128)
    np.testing.assert_allclose(net.fc.weight.detach().T, last, atol=1e-6)
    x = np.random.default_rng(0).normal(size=(13, 13, 3)) / 3
    want = layer(x, net.conv32_down, 2, 0)
    found = net.conv32_down(torch.from_numpy(x).float().permute(2, 0, 1)[None])[0].detach().permute(1, 2, 0)
    np.testing.assert_allclose(found, want, atol=1e-3)
    embedder = load_embedder(f"dlib:{folder / MANIFEST}")
    assert embedder.embed(np.full((1, 150, 150, 3), 120, np.uint8)).shape == (1, 128)


def test_weights_of_another_network(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(bytes(4))
    entry = {"name": "dense0/conv0/depthwise_filter", "shape": [1], "dtype": "float32"}
    (tmp_path / MANIFEST).write_text(json.dumps([{"paths": ["x.bin"], "weights": [entry]}]))
    with pytest.raises(WeightsError) as caught:
        load_recognition(tmp_path, "dlib")
    assert caught.value.code == "weights_mismatch"
