"""IResNet, the residual network of ArcFace, under the names that insightface's arcface_torch checkpoints use.

B faces of 112 x 112 pixels, embeddings of 512 dimensions; C channels, h w cells.

Duta, Liu, Zhu, Shao 2020, "Improved Residual Networks for Image and Video Recognition", as used by Deng, Guo, Xue,
Zafeiriou 2019, "ArcFace". Layers (also in MICA, whose encoder this is with 100 layers):

    conv1 3x3, bn1, prelu · layer1..4 of 64, 128, 256, 512 channels, each halving the picture: 112 → 56 → 28 → 14 → 7
    block: bn1, conv1 3x3, bn2, prelu, conv2 3x3 (with the stride), bn3; the input added (downsample: 1x1 conv, batch
           norm, where the shape changes); nothing after the sum
    bn2, flattened, fc 25088 → 512, features: batch norm whose scale is fixed at 1

Source: https://github.com/deepinsight/insightface; its weights are not shipped, and most are licensed for research alone.
Input: RGB, (x − 127.5) / 127.5, aligned as `crops.ARCFACE`. Output: embeddings, not normalized, compared by the cosine.
"""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import check_choice

LAYERS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}
"""Blocks per stage by the number in the name: iresnet18, 34, 50, 100."""
WIDTHS = (64, 128, 256, 512)
EMBEDDING = 512
SIDE = 112
TrainablePart = Literal["none", "last_stage", "all"]
_LAST_STAGE = ("layer4", "bn2", "fc", "features")


@dataclass(frozen=True)
class IResNetConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        layers: blocks per stage; `LAYERS` has the published ones.
    """

    layers: tuple[int, int, int, int]

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class Block(nn.Module):
    """Two convolutions with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            narrow = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(narrow, nn.BatchNorm2d(outputs))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the block."""
        past = x if self.downsample is None else self.downsample(x)
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(y)) + past


class IResNet(nn.Module):
    """The network; `set_trainable` freezes parts of it.

    A frozen part does not change at all: its batch norms keep and use their running statistics, in training mode too.
    """

    def __init__(self, layers: tuple[int, int, int, int] = LAYERS[100]) -> None:
        """Build the network with random weights.

        Args:
            layers: Blocks per stage; `LAYERS` has the published ones.
        """
        super().__init__()
        self.config = IResNetConfig(layers)
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.prelu = nn.PReLU(WIDTHS[0])
        self.layer1 = _stage(WIDTHS[0], WIDTHS[0], layers[0])
        self.layer2 = _stage(WIDTHS[0], WIDTHS[1], layers[1])
        self.layer3 = _stage(WIDTHS[1], WIDTHS[2], layers[2])
        self.layer4 = _stage(WIDTHS[2], WIDTHS[3], layers[3])
        self.bn2 = nn.BatchNorm2d(WIDTHS[3])
        self.fc = nn.Linear(WIDTHS[3] * (SIDE // 16) ** 2, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)
        nn.init.ones_(self.features.weight)
        self._part: TrainablePart = "none"
        self.set_trainable("all")

    def set_trainable(self, part: TrainablePart) -> "IResNet":
        """Choose which parameters are trained, and return the network.

        Args:
            part: ``all``; ``last_stage``, layer4 and what follows, as MICA trains it; ``none``. The scale of `features`
                is never trained.
        """
        check_choice(part, get_args(TrainablePart), "part")
        self._part = part
        for name, parameter in self.named_parameters():
            trained = part == "all" or (part == "last_stage" and name.split(".")[0] in _LAST_STAGE)
            parameter.requires_grad_(trained and name != "features.weight")
        return self.train(self.training)

    def train(self, mode: bool = True) -> "IResNet":
        """Set training mode for the trainable part; frozen parts stay in evaluation mode."""
        super().train(mode)
        for name, module in self.named_children():
            if self._part == "none" or (self._part == "last_stage" and name not in _LAST_STAGE):
                module.eval()
        return self

    def forward(self, x: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 512"]:
        """Return embeddings, not normalized."""
        if self._part == "last_stage":
            with torch.no_grad():
                y = self._stem(x)
        else:
            y = self._stem(x)
        y = self.bn2(self.layer4(y))
        return self.features(self.fc(y.flatten(1)))

    def _stem(self, x: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 256 14 14"]:
        y = self.prelu(self.bn1(self.conv1(x)))
        return self.layer3(self.layer2(self.layer1(y)))


def _stage(inputs: int, outputs: int, count: int) -> nn.Sequential:
    first = Block(inputs, outputs, 2)
    return nn.Sequential(first, *(Block(outputs, outputs, 1) for _ in range(count - 1)))
