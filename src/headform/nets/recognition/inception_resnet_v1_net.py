"""Inception-ResNet v1 (FaceNet), under the names that facenet-pytorch's checkpoints (`20180402-114759-vggface2.pt`) use.

B faces of 160 x 160 pixels, embeddings of 512 dimensions (1792 before the last layer); C channels, h w cells.

Szegedy, Ioffe, Vanhoucke, Alemi 2017, "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
as David Sandberg's facenet has it, of which those checkpoints are conversions. Every convolution but the ones that close a
block is without bias and followed by batch norm (eps 0.001) and ReLU.

    conv2d_1a 3x3/2 32 · 2a 3x3 32 · 2b 3x3 64 (padded) · pool 3x3/2 · 3b 1x1 80 · 4a 3x3 192 · 4b 3x3/2 256
    repeat_1: 5 blocks at 17x17 cells (scale 0.17) · mixed_6a → 896 · repeat_2: 10 blocks at 8x8 (0.1) · mixed_7a → 1792
    repeat_3: 5 blocks at 3x3 (0.2) · block8: one more, of scale 1 and without ReLU · mean over cells · last_linear → 512
    · last_bn

A block is x + scale · (1x1 convolution of its branches side by side), then ReLU.

Source: https://github.com/timesler/facenet-pytorch (MIT); its weights are not shipped. Input: RGB, (x − 127.5) / 128, framed
as `crops.FACENET`. Output: embeddings, compared by the cosine. Checkpoints also hold the classifier `logits`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

EMBEDDING = 512
FEATURES = 1792
SIDE = 160
CLASSIFIER = ("logits.",)
"""Prefixes of tensor names in checkpoints that embeddings do not need."""

Kernel = int | tuple[int, int]


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: Kernel, *, stride: int = 1, padded: bool = False) -> None:
        super().__init__()
        high, wide = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (high // 2, wide // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(inputs, outputs, (high, wide), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the layer."""
        return F.relu(self.bn(self.conv(x)))


def _chain(width: int, *steps: tuple[int, Kernel]) -> nn.Sequential:
    """Build units of stride 1 that keep the size."""
    units: list[nn.Module] = []
    for outputs, kernel in steps:
        units.append(Unit(width, outputs, kernel, padded=True))
        width = outputs
    return nn.Sequential(*units)


class Residual(nn.Module):
    """Branches side by side, a 1x1 convolution, the input added; the first branch is one unit."""

    def __init__(self, width: int, first: int, *others: nn.Sequential, scale: float, rectified: bool = True) -> None:
        super().__init__()
        self.branch0 = Unit(width, first, 1)
        self.others = [f"branch{number}" for number in range(1, len(others) + 1)]
        for name, branch in zip(self.others, others, strict=True):
            self.add_module(name, branch)
        joined = first * (len(others) + 1)
        self.conv2d = nn.Conv2d(joined, width, 1)
        self.scale, self.rectified = scale, rectified

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Apply the block."""
        branches = [self.branch0(x), *(self.get_submodule(name)(x) for name in self.others)]
        y = x + self.scale * self.conv2d(torch.cat(branches, 1))
        return F.relu(y) if self.rectified else y


class Reduction(nn.Module):
    """Branches that halve the size, side by side, and the maximum of 3x3 cells as the last."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.names = [f"branch{number}" for number in range(len(branches))]
        for name, branch in zip(self.names, branches, strict=True):
            self.add_module(name, branch)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply all branches."""
        found = [self.get_submodule(name)(x) for name in self.names]
        return torch.cat([*found, F.max_pool2d(x, 3, 2)], 1)


def _block17() -> Residual:
    first, second = _chain(256, (32, 1), (32, 3)), _chain(256, (32, 1), (32, 3), (32, 3))
    return Residual(256, 32, first, second, scale=0.17)


def _block8() -> Residual:
    return Residual(896, 128, _chain(896, (128, 1), (128, (1, 7)), (128, (7, 1))), scale=0.1)


def _block3(scale: float, rectified: bool) -> Residual:
    branch = _chain(1792, (192, 1), (192, (1, 3)), (192, (3, 1)))
    return Residual(1792, 192, branch, scale=scale, rectified=rectified)


class InceptionResnetV1(nn.Module):
    """The network up to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = Unit(3, 32, 3, stride=2)
        self.conv2d_2a = Unit(32, 32, 3)
        self.conv2d_2b = Unit(32, 64, 3, padded=True)
        self.conv2d_3b = Unit(64, 80, 1)
        self.conv2d_4a = Unit(80, 192, 3)
        self.conv2d_4b = Unit(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(_block17() for _ in range(5)))
        self.mixed_6a = Reduction(
            Unit(256, 384, 3, stride=2),
            nn.Sequential(*_chain(256, (192, 1), (192, 3)), Unit(192, 256, 3, stride=2)),
        )
        self.repeat_2 = nn.Sequential(*(_block8() for _ in range(10)))
        self.mixed_7a = Reduction(
            nn.Sequential(*_chain(896, (256, 1)), Unit(256, 384, 3, stride=2)),
            nn.Sequential(*_chain(896, (256, 1)), Unit(256, 256, 3, stride=2)),
            nn.Sequential(*_chain(896, (256, 1), (256, 3)), Unit(256, 256, 3, stride=2)),
        )
        self.repeat_3 = nn.Sequential(*(_block3(0.2, True) for _ in range(5)))
        self.block8 = _block3(1.0, False)
        self.last_linear = nn.Linear(FEATURES, EMBEDDING, bias=False)
        self.last_bn = nn.BatchNorm1d(EMBEDDING, eps=0.001)

    def features(self, x: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B 1792"]:
        """Return the input of the last pooling, which some losses compare instead of the embedding."""
        y = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        y = self.conv2d_4a(self.conv2d_3b(F.max_pool2d(y, 3, 2)))
        y = self.repeat_1(self.conv2d_4b(y))
        y = self.repeat_2(self.mixed_6a(y))
        y = self.repeat_3(self.mixed_7a(y))
        return self.block8(y).mean((2, 3))

    def forward(self, x: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B 512"]:
        """Return embeddings, not normalized."""
        return self.last_bn(self.last_linear(self.features(x)))
