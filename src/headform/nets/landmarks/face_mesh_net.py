"""MediaPipe's face mesh network: 478 surface points of a face, irises among them, from one crop.

Kartynnik, Ablavatski, Grishchenko, Grundmann 2019, "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs"; sizes of the published `face_landmarks_detector`. B batch.

Source: https://github.com/google-ai-edge/mediapipe, Apache-2.0. Input: a 256-pixel level crop (`nets.crop_geometry`), RGB,
sRGB values 0 to 1. Output: points in pixels of the crop.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

INPUT_SIDE = 256
POINTS = 478


@dataclass(frozen=True)
class FaceMeshConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        channels: channels at the seven resolutions, 128 x 128 down to 2 x 2.
        middle: channels inside the bottlenecks of each resolution.
        blocks: number of bottlenecks of each resolution.
        points: number of points of the mesh.
    """

    channels: tuple[int, ...] = (16, 32, 64, 128, 128, 128, 128)
    middle: tuple[int, ...] = (8, 16, 32, 64, 64, 64, 64)
    blocks: int = 4
    points: int = POINTS


class _Bottleneck(nn.Module):
    """Narrow, filter each channel, widen, add; `halve` also halves the resolution."""

    def __init__(self, inputs: int, outputs: int, middle: int, *, halve: bool) -> None:
        super().__init__()
        side = 2 if halve else 1
        self.narrow = nn.Conv2d(inputs, middle, side, stride=side)
        self.slope_in = nn.PReLU(middle)
        self.filter = nn.Conv2d(middle, middle, 3, padding=1, groups=middle)
        self.widen = nn.Conv2d(middle, outputs, 1)
        self.slope_out = nn.PReLU(outputs)
        self._halve, self._more = halve, outputs - inputs

    def forward(self, x: Float[Tensor, "B c h w"]) -> Float[Tensor, "B d i j"]:
        y = self.widen(self.filter(self.slope_in(self.narrow(x))))
        if self._halve:
            x = functional.max_pool2d(x, 2)
        if self._more:
            x = functional.pad(x, (0, 0, 0, 0, 0, self._more))
        return self.slope_out(x + y)


class FaceMeshNet(nn.Module):
    """MediaPipe's points of level crops."""

    def __init__(self, config: FaceMeshConfig) -> None:
        super().__init__()
        self.config = config
        c, m = config.channels, config.middle
        self.stem = nn.Conv2d(3, c[0], 3, stride=2)
        self.stem_slope = nn.PReLU(c[0])
        blocks = [_Bottleneck(c[0], c[0], m[0], halve=False) for _ in range(config.blocks)]
        for k in range(1, len(c)):
            blocks.append(_Bottleneck(c[k - 1], c[k], m[k], halve=True))
            blocks += [_Bottleneck(c[k], c[k], m[k], halve=False) for _ in range(config.blocks)]
        self.blocks = nn.Sequential(*blocks)
        self.point_head = nn.Conv2d(c[-1], config.points * 3, 2)
        self.face_head = nn.Conv2d(c[-1], 1, 2)

    def forward(self, images: Float[Tensor, "B 3 256 256"]) -> tuple[Float[Tensor, "B 478 3"], Float[Tensor, " B"]]:
        """Predict points and the logit that the crop shows a face.

        Points are x, y and depth in pixels of the crop, origin at its top-left corner; smaller depth is nearer.
        """
        x = functional.pad(images, (0, 1, 0, 1))  # as TensorFlow pads an even side
        x = self.blocks(self.stem_slope(self.stem(x)))
        points = self.point_head(x).flatten(1).float().unflatten(1, (-1, 3))
        return points, torch.flatten(self.face_head(x).float())
