"""PFLD, a network of the 68 iBUG points from one crop.

Guo et al. 2019, "PFLD: A Practical Facial Landmark Detector"; sizes of the published FaceONNX weights. B batch.

Source: `landmarks_68_pfld` of https://github.com/FaceONNX/FaceONNX, MIT. Input: a 112-pixel level crop
(`nets.crop_geometry`), RGB, sRGB values 0 to 1. Output: points in pixels of the crop.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

INPUT_SIDE = 112


@dataclass(frozen=True)
class PfldConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        width: number of channels of the first half.
        repeats: number of residual bottlenecks at a quarter and at an eighth of the crop's resolution.
    """

    width: int = 64
    repeats: tuple[int, int] = (4, 5)


class _Bottleneck(nn.Module):
    """Widen, filter each channel, narrow; added to its input where `residual`."""

    def __init__(self, inputs: int, outputs: int, middle: int, stride: int = 1, *, residual: bool = False) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, middle, 1),
            nn.ReLU(),
            nn.Conv2d(middle, middle, 3, stride, 1, groups=middle),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 1),
        )
        self._residual = residual

    def forward(self, x: Float[Tensor, "B c h w"]) -> Float[Tensor, "B d i j"]:
        y: Tensor = self.body(x)
        return x + y if self._residual else y


class PfldNet(nn.Module):
    """The 68 points of level crops."""

    def __init__(self, config: PfldConfig) -> None:
        super().__init__()
        self.config = config
        w, (first, second) = config.width, config.repeats
        self.stem = nn.Sequential(
            nn.Conv2d(3, w, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(w, w, 3, 1, 1, groups=w),
            nn.Conv2d(w, w, 1, bias=False),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential(
            _Bottleneck(w, w, w, 2),
            *[_Bottleneck(w, w, w, residual=True) for _ in range(first)],
            _Bottleneck(w, 2 * w, w, 2),
            _Bottleneck(2 * w, 2 * w, 4 * w),
            *[_Bottleneck(2 * w, 2 * w, 4 * w, residual=True) for _ in range(second)],
            _Bottleneck(2 * w, w // 4, 2 * w),
        )
        self.coarse = nn.Sequential(nn.Conv2d(w // 4, w // 2, 3, 2, 1), nn.ReLU())
        self.whole = nn.Sequential(nn.Conv2d(w // 2, 2 * w, 7), nn.ReLU())
        self.point_head = nn.Linear(w // 4 + w // 2 + 2 * w, 136)

    def forward(self, images: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 68 2"]:
        """Predict points in pixels of the crop, origin at its top-left corner."""
        fine = self.blocks(self.stem(images))
        coarse = self.coarse(fine)
        seen = [fine.mean((2, 3)), coarse.mean((2, 3)), self.whole(coarse).flatten(1)]
        return self.point_head(torch.cat(seen, 1)).float().unflatten(1, (-1, 2)) * INPUT_SIDE
