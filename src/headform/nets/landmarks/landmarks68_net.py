"""face-api's network of the 68 iBUG points, in the annotators' convention.

Four densely added blocks of depthwise-separable convolutions, padded as TensorFlow pads. B batch.

Source: `face_landmark_68_model` of https://github.com/vladmandic/face-api, MIT. Input: a 112-pixel level crop
(`nets.crop_geometry`), RGB, sRGB values 0 to 255. Output: points in pixels of the crop.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

INPUT_SIDE = 112
MEAN_RGB = (122.782, 117.001, 104.298)


@dataclass(frozen=True)
class Landmarks68Config:
    """Sizes of the network; saved with its weights."""

    channels: tuple[int, ...] = (32, 64, 128, 256)


class _Separable(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Float[Tensor, "B c h w"]) -> Float[Tensor, "B d i j"]:
        return self.pointwise(self.depthwise(_pad(x, self.depthwise.stride[0])))


class _Block(nn.Module):
    """Four convolutions, each on the sum of all before it; the first halves the resolution."""

    def __init__(self, inputs: int, outputs: int, *, first: bool) -> None:
        super().__init__()
        self.first: nn.Module = nn.Conv2d(inputs, outputs, 3, 2) if first else _Separable(inputs, outputs, 2)
        self.rest = nn.ModuleList([_Separable(outputs, outputs, 1) for _ in range(3)])

    def forward(self, x: Float[Tensor, "B c h w"]) -> Float[Tensor, "B d i j"]:
        padded = _pad(x, 2) if isinstance(self.first, nn.Conv2d) else x
        total = torch.relu(self.first(padded))
        for layer in self.rest:
            total = total + layer(torch.relu(total))
        return torch.relu(total)


class Landmarks68Net(nn.Module):
    """The 68 points of level crops."""

    def __init__(self, config: Landmarks68Config) -> None:
        super().__init__()
        self.config = config
        c = (3, *config.channels)
        self.blocks = nn.Sequential(*[_Block(c[k], c[k + 1], first=k == 0) for k in range(len(config.channels))])
        self.point_head = nn.Linear(c[-1], 136)
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(MEAN_RGB).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 68 2"]:
        """Predict points in pixels of the crop, origin at its top-left corner."""
        x = self.blocks((images - self.mean) / 255)
        x = functional.avg_pool2d(x, 7, 2).flatten(1)
        return self.point_head(x).float().unflatten(1, (-1, 2)) * INPUT_SIDE


def _pad(x: Float[Tensor, "B c h w"], stride: int) -> Float[Tensor, "B c i j"]:
    """Pad for a 3 x 3 filter as TensorFlow's "same" does: the odd pixel goes right and below."""
    side = x.shape[-1]
    total = max((-(-side // stride) - 1) * stride + 3 - side, 0)
    before = total // 2
    return functional.pad(x, (before, total - before, before, total - before))
