"""The residual network of dlib's face recognition, with the weights as face-api distributes them for TensorFlow.js.

B faces of 150 x 150 pixels, embeddings of 128 dimensions; C channels, h w cells.

    conv 7x7, stride 2 → max 3x3, stride 2 → 150 → 72 → 35
    3 residual blocks of 32 channels (35) · 1 + 3 of 64 (17) · 1 + 2 of 128 (8) · 1 + 2 of 256 (4) · 1 of 256 (2)
    mean over the cells · linear 256 → 128 without a bias

Each convolution is followed by a factor and an offset of each channel. A block is conv, ReLU, conv; the first of a width has
stride 2 without padding and adds the mean of 2x2 cells, with channels of zeros where the width grows; where the convolution
gives a cell less than the mean, the missing ones are zeros.

Source: `dnn_face_recognition_ex.cpp` and the model of http://dlib.net, whose author gives it to the public domain; layout of
face-api (MIT). Input: RGB minus dlib's means, over 256 (`crops.DLIB`). Output: embeddings that dlib compares by their
distance (one person below 0.6); here they are compared by the cosine, as all others.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, pad, relu

from headform.errors import WeightsError
from headform.io.tfjs_file import read_tfjs

SIDE = 150
EMBEDDING = 128
MANIFEST = "face_recognition_model-weights_manifest.json"
"""Name of face-api's manifest."""
STAGES = ((32, 3), (64, 3), (128, 2), (256, 2))
"""Channels, and blocks that keep the size, of each stage; all but the first begin with a block of stride 2."""
_NAMES = {"conv/filters": "conv.weight", "conv/bias": "conv.bias", "scale/weights": "scale", "scale/biases": "offset"}


class ScaledConv(nn.Module):
    """Convolution, then a factor and an offset of each channel."""

    def __init__(self, inputs: int, outputs: int, side: int = 3, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, stride, side // 2 if stride == 1 else 0)
        self.scale = nn.Parameter(torch.ones(outputs))
        self.offset = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the layer."""
        return self.conv(x) * self.scale[:, None, None] + self.offset[:, None, None]


class ResidualBlock(nn.Module):
    """Two convolutions with the input, or its mean over 2x2 cells, added."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ScaledConv(inputs, outputs, stride=stride)
        self.conv2 = ScaledConv(outputs, outputs)
        self._stride = stride

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the block."""
        y = self.conv2(relu(self.conv1(x)))
        past = x if self._stride == 1 else avg_pool2d(x, 2)
        past = pad(past, (0, 0, 0, 0, 0, y.shape[1] - past.shape[1]))
        y = pad(y, (0, past.shape[3] - y.shape[3], 0, past.shape[2] - y.shape[2]))
        return relu(y + past)


class DlibResNet(nn.Module):
    """The network; children have face-api's names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv32_down = ScaledConv(3, 32, 7, stride=2)
        blocks: dict[str, ResidualBlock] = {}
        width = STAGES[0][0]
        for channels, count in STAGES:
            if channels != width:
                blocks[f"conv{channels}_down"] = ResidualBlock(width, channels, 2)
            blocks |= {f"conv{channels}_{k}": ResidualBlock(channels, channels, 1) for k in range(1, count + 1)}
            width = channels
        blocks["conv256_down_out"] = ResidualBlock(width, width, 2)
        for name, block in blocks.items():
            self.add_module(name, block)
        self._blocks = tuple(blocks)
        self.fc = nn.Linear(width, EMBEDDING, bias=False)

    def forward(self, x: Float[Tensor, "B 3 150 150"]) -> Float[Tensor, "B 128"]:
        """Return embeddings, not normalized."""
        y = max_pool2d(relu(self.conv32_down(x)), 3, 2)
        for name in self._blocks:
            y = self.get_submodule(name)(y)
        return self.fc(y.mean((2, 3)))


def is_manifest(path: Path) -> bool:
    """Return True for face-api's manifest, or a folder that holds it."""
    return path.name == MANIFEST or (path / MANIFEST).is_file()


def read_dlib_weights(path: Path) -> Mapping[str, Tensor]:
    """Read face-api's files under the names of `DlibResNet`.

    Args:
        path: The manifest, or its folder.

    Raises:
        WeightsError: codes of `read_tfjs`; `weights_mismatch` for weights of another network.
    """
    found: dict[str, Tensor] = {}
    for name, array in read_tfjs(path / MANIFEST if path.is_dir() else path).items():
        if name == "fc":
            found["fc.weight"] = torch.from_numpy(np.ascontiguousarray(array.T))
            continue
        layer, _, last = name.rpartition("/")
        layer, _, kind = layer.rpartition("/")
        if f"{kind}/{last}" not in _NAMES:
            what = f"{name[:80]!r} is no tensor of dlib's recognition network"
            raise WeightsError("weights_mismatch", what, repr(str(path)), f"give face-api's {MANIFEST}")
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)  # height, width, inputs, outputs
        found[f"{layer.replace('/', '.')}.{_NAMES[f'{kind}/{last}']}"] = torch.from_numpy(np.ascontiguousarray(array))
    return found
