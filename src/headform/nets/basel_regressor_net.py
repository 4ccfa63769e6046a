"""Regressor of Basel coefficients (Deng et al. 2019), under the names of its public PyTorch checkpoint.

B crops of 224 x 224 pixels, codes of 257 numbers (`heads.coefficients.BASEL_FRONT`); C channels, h w cells.

Deng, Yang, Xu, Chen, Jia, Tong 2019, "Accurate 3D Face Reconstruction with Weakly-Supervised Learning". A ResNet-50 (He et
al. 2016, with the stride in the 3 x 3 convolution), its mean over the picture, and seven linear heads:

    backbone: conv1 7x7 → 64 with stride 2, bn1, maximum of 3x3 with stride 2 · layer1 to 4 of 3, 4, 6, 3 bottlenecks
    final_layers: identity 80, expression 64, texture 80, angles 3, light 27, translation x and y 2, translation z 1

Input: RGB in [0, 1], aligned as `basel_alignment`. The checkpoint (``epoch_20.pth``) holds the network as ``net_recon``. Its
weights are not shipped; they were trained with the Basel Face Model, which is for research without commerce.
"""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import WeightsError
from headform.heads.coefficients import BASEL_FRONT
from headform.io.torch_file import state_dict_of
from headform.nets.recognition.registry import fill

SIDE = 224
FEATURES = 2048
"""Numbers of the mean over the picture, pool5, of which Lin et al. (2020) make their embedding."""
BLOCKS = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Width and bottlenecks of each stage."""
HEADS = (80, 64, 80, 3, 27, 2, 1)
"""Outputs of the heads, in the order of the code."""
_EXPANSION = 4
_SIGNATURE = "final_layers.6.weight"
_CLASSIFIER = "backbone.fc."


class Bottleneck(nn.Module):
    """Convolutions of 1, 3 and 1 pixels, the input added."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = _EXPANSION * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the block."""
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        return (self.bn3(self.conv3(y)) + self.downsample(x)).relu()


class ResNet50(nn.Module):
    """The network up to the mean over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.pool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for number, (width, count) in enumerate(BLOCKS, 1):
            blocks = []
            for k in range(count):
                blocks.append(Bottleneck(inputs, width, 2 if number > 1 and k == 0 else 1))
                inputs = _EXPANSION * width
            self.add_module(f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B C 1 1"]:
        """Return the mean of the last stage."""
        y = self.pool(self.bn1(self.conv1(x)).relu())
        for number in range(1, len(BLOCKS) + 1):
            y = self.get_submodule(f"layer{number}")(y)
        return y.mean((2, 3), keepdim=True)


class BaselRegressor(nn.Module):
    """The whole network; see the module docstring."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50()
        layers = [nn.Conv2d(FEATURES, count, 1) for count in HEADS]
        for layer in layers:
            nn.init.zeros_(layer.weight)  # training begins at the mean head
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        self.final_layers = nn.ModuleList(layers)

    def features(self, crops: Float[Tensor, "B 3 224 224"]) -> Float[Tensor, "B C"]:
        """Return pool5, 2048 numbers."""
        return self.backbone(crops).flatten(1)

    def forward(self, crops: Float[Tensor, "B 3 224 224"]) -> Float[Tensor, "B 257"]:
        """Return codes of `BASEL_FRONT` for RGB crops in [0, 1]."""
        pooled = self.backbone(crops)
        return torch.cat([layer(pooled) for layer in self.final_layers], 1).flatten(1)


def load_basel_regressor(path: Path | str) -> BaselRegressor:
    """Load the public checkpoint, or its network alone (also as .safetensors), in evaluation mode.

    Raises:
        WeightsError: those of `io.torch_file.state_dict_of`; ``weights_kind`` for another network; those of `fill`.
    """
    where = repr(str(path))
    state = state_dict_of(path)
    if _SIGNATURE not in state:
        some = ", ".join(list(state)[:4]) or "nothing"
        what = f"no regressor of {BASEL_FRONT.size} Basel coefficients: there is no {_SIGNATURE}, but {some}"
        raise WeightsError("weights_kind", what, where, "give the file as its publisher made it (epoch_20.pth)")
    with torch.device("meta"):
        net = BaselRegressor()
    fill(net, {name: tensor for name, tensor in state.items() if not name.startswith(_CLASSIFIER)}, where)
    return net.eval()
