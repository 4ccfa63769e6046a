"""Small convolution blocks shared by the image networks.

B batch, C channels, H W pixels.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


def conv_norm(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Build a convolution without bias, followed by batch normalization."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut (He et al. 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = conv_norm(inputs, outputs, stride=stride)
        self.second = conv_norm(outputs, outputs)
        plain = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if plain else conv_norm(inputs, outputs, kernel=1, stride=stride)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D h w"]:
        """Apply the block."""
        y = self.second(torch.relu(self.first(x)))
        return torch.relu(y + self.shortcut(x))


def stage(inputs: int, outputs: int, *, depth: int, stride: int) -> nn.Sequential:
    """Build `depth` residual blocks; the first has the stride."""
    blocks = [Residual(inputs, outputs, stride=stride)]
    blocks += [Residual(outputs, outputs) for _ in range(depth - 1)]
    return nn.Sequential(*blocks)


def standardize(images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
    """Subtract each picture's mean and divide by its standard deviation (plus 8 of 255 gray levels)."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return (images - mean) / (images.std((1, 2, 3), keepdim=True) + 8.0)
