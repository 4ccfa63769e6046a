"""LightCNN-29 version 2, under the names that its checkpoint (`LightCNN_29Layers_V2_checkpoint.pth.tar`) uses.

B gray faces of 128 x 128 pixels, embeddings of 256 dimensions; C channels, h w cells.

Wu, He, Sun, Tan 2018, "A Light CNN for Deep Face Representation with Noisy Labels". Its activation is the
max-feature-map: a convolution makes twice the channels, and of each pair the larger stays.

    conv1 5x5 → 48, pool · block1 (1 residual), group1 → 96, pool · block2 (2), group2 → 192, pool · block3 (3), group3 →
    128 · block4 (4), group4 → 128, pool · fc 8·8·128 → 256
    residual: conv1, conv2 3x3 with the input added; group: conv_a 1x1, conv 3x3; pool: maximum plus mean of 2x2

Source: https://github.com/AlfredXiangWu/LightCNN; its weights are not shipped, check their license before use. Input: one
gray channel, x / 255, aligned as `crops.LIGHT_CNN`. Output: embeddings, compared by the cosine. Checkpoints also hold the
classifier `fc2` (80013 people).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

RESIDUALS = (1, 2, 3, 4)
EMBEDDING = 256
SIDE = 128
CLASSIFIER = ("fc2.",)
"""Prefixes of tensor names in checkpoints that embeddings do not need."""


class MaxFeature(nn.Module):
    """A convolution to twice the channels, then the maximum of each pair."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, 2 * outputs, kernel, padding=kernel // 2)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h w"]:
        """Apply the layer."""
        first, second = self.filter(x).chunk(2, dim=1)
        return torch.maximum(first, second)


class Group(nn.Module):
    """A 1x1 and a 3x3 layer."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = MaxFeature(inputs, inputs, 1)
        self.conv = MaxFeature(inputs, outputs, 3)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h w"]:
        """Apply both layers."""
        return self.conv(self.conv_a(x))


class Residual(nn.Module):
    """Two 3x3 layers, the input added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = MaxFeature(width, width, 3)
        self.conv2 = MaxFeature(width, width, 3)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Apply the block."""
        return self.conv2(self.conv1(x)) + x


class LightCNN29v2(nn.Module):
    """The network up to the embedding; input gray, x / 255."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = MaxFeature(1, 48, 5)
        self.block1, self.group1 = _residuals(RESIDUALS[0], 48), Group(48, 96)
        self.block2, self.group2 = _residuals(RESIDUALS[1], 96), Group(96, 192)
        self.block3, self.group3 = _residuals(RESIDUALS[2], 192), Group(192, 128)
        self.block4, self.group4 = _residuals(RESIDUALS[3], 128), Group(128, 128)
        self.fc = nn.Linear((SIDE // 16) ** 2 * 128, EMBEDDING)

    def forward(self, x: Float[Tensor, "B 1 128 128"]) -> Float[Tensor, "B 256"]:
        """Return embeddings, not normalized."""
        y = _pool(self.conv1(x))
        y = _pool(self.group1(self.block1(y)))
        y = _pool(self.group2(self.block2(y)))
        y = self.group3(self.block3(y))
        y = _pool(self.group4(self.block4(y)))
        return self.fc(y.flatten(1))


def _residuals(count: int, width: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(count)))


def _pool(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h2 w2"]:
    return F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)
