"""LightCNN-9, 29 and 29 version 2, under the names that their checkpoints (`LightCNN_29Layers_V2_checkpoint.pth.tar`) use.

B gray faces of 128 x 128 pixels, embeddings of 256 dimensions; C channels, h w cells.

Wu, He, Sun, Tan 2018, "A Light CNN for Deep Face Representation with Noisy Labels". Its activation is the
max-feature-map: a convolution makes twice the channels, and of each pair the larger stays.

    29: conv1 5x5 → 48, pool · block1 (1 residual), group1 → 96, pool · block2 (2), group2 → 192, pool · block3 (3), group3
        → 128 · block4 (4), group4 → 128, pool · fc 8·8·128 → 256
    9:  features: the same without residuals, numbered with the pools · fc1
    residual: conv1, conv2 3x3 with the input added; group: conv_a 1x1, conv 3x3
    pool: maximum of 2x2, in version 2 plus their mean; fc: a max-feature-map, in version 2 a linear layer

Source: https://github.com/AlfredXiangWu/LightCNN; its weights are not shipped, check their license before use. Input: one
gray channel, x / 255, aligned as `crops.LIGHT_CNN`. Output: embeddings, compared by the cosine. Checkpoints also hold the
classifier `fc2` (79077 or 80013 people).
"""

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

RESIDUALS = (1, 2, 3, 4)
EMBEDDING = 256
SIDE = 128
_CELLS = (SIDE // 16) ** 2 * 128
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


class MaxFeatureLinear(nn.Module):
    """A linear layer to twice the numbers, then the maximum of each pair."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.filter = nn.Linear(inputs, 2 * outputs)

    def forward(self, x: Float[Tensor, "B C"]) -> Float[Tensor, "B C2"]:
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


class LightCNN9(nn.Module):
    """Nine layers, up to the embedding; input gray, x / 255."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            MaxFeature(1, 48, 5), nn.MaxPool2d(2), Group(48, 96), nn.MaxPool2d(2), Group(96, 192), nn.MaxPool2d(2),
            Group(192, 128), Group(128, 128), nn.MaxPool2d(2),
        )  # fmt: skip
        self.fc1 = MaxFeatureLinear(_CELLS, EMBEDDING)

    def forward(self, x: Float[Tensor, "B 1 128 128"]) -> Float[Tensor, "B 256"]:
        """Return embeddings, not normalized."""
        return self.fc1(self.features(x).flatten(1))


class LightCNN29v2(nn.Module):
    """Version 2 of the 29 layers, up to the embedding; input gray, x / 255."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = MaxFeature(1, 48, 5)
        self.block1, self.group1 = _residuals(RESIDUALS[0], 48), Group(48, 96)
        self.block2, self.group2 = _residuals(RESIDUALS[1], 96), Group(96, 192)
        self.block3, self.group3 = _residuals(RESIDUALS[2], 192), Group(192, 128)
        self.block4, self.group4 = _residuals(RESIDUALS[3], 128), Group(128, 128)
        self.fc: nn.Module = nn.Linear(_CELLS, EMBEDDING)

    def forward(self, x: Float[Tensor, "B 1 128 128"]) -> Float[Tensor, "B 256"]:
        """Return embeddings, not normalized."""
        y = self.pool(self.conv1(x))
        y = self.pool(self.group1(self.block1(y)))
        y = self.pool(self.group2(self.block2(y)))
        y = self.group3(self.block3(y))
        y = self.pool(self.group4(self.block4(y)))
        return self.fc(y.flatten(1))

    def pool(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h2 w2"]:
        """Halve the picture."""
        return F.max_pool2d(x, 2) + F.avg_pool2d(x, 2)


class LightCNN29(LightCNN29v2):
    """The 29 layers, up to the embedding; input gray, x / 255."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = MaxFeatureLinear(_CELLS, EMBEDDING)

    def pool(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h2 w2"]:
        """Halve the picture."""
        return F.max_pool2d(x, 2)


def light_cnn_of(names: Collection[str]) -> nn.Module:
    """Build the network that a checkpoint's tensor names are of."""
    if any(name.startswith("features.") for name in names):
        return LightCNN9()
    return LightCNN29() if "fc.filter.weight" in names else LightCNN29v2()


def _residuals(count: int, width: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(count)))
