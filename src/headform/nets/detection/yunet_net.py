"""The network of YuNet: candidates for faces at three strides.

Wu, Peng, Yu 2023, "YuNet: A Tiny Millisecond-level Face Detector"; sizes of the published `yunet_n`. H W sides of the
picture, multiples of 32; N cells of a map, row by row.

Source: https://github.com/ShiqiYu/libfacedetection.train, Apache-2.0 style. Input: a picture, BGR, sRGB values 0 to 255.
Output: raw maps, which `yunet.decode` turns into boxes and points in pixels of the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
_OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


@dataclass(frozen=True)
class YuNetConfig:
    """Sizes of the network; saved with its weights."""

    stem: int = 16
    width: int = 64


class _Unit(nn.Sequential):
    """A pointwise and a depthwise convolution, and a ReLU unless it is an output."""

    def __init__(self, inputs: int, outputs: int, *, activate: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, 1),
            nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs),
        ]
        super().__init__(*layers, *([nn.ReLU()] if activate else []))


class YuNet(nn.Module):
    """Raw detections at three strides."""

    def __init__(self, config: YuNetConfig) -> None:
        super().__init__()
        self.config = config
        c, w = config.stem, config.width
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, 2, 1), nn.ReLU(), _Unit(c, c))
        self.stages = nn.ModuleList(
            [nn.Sequential(_Unit(c, c), _Unit(c, w))] + [nn.Sequential(_Unit(w, w), _Unit(w, w)) for _ in range(4)]
        )
        self.lateral = nn.ModuleList([_Unit(w, w) for _ in STRIDES])
        self.shared = nn.ModuleList([_Unit(w, w) for _ in STRIDES])
        self.heads = nn.ModuleDict(
            {name: nn.ModuleList([_Unit(w, size, activate=False) for _ in STRIDES]) for name, size in _OUTPUTS.items()}
        )

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Mapping[str, Float[Tensor, "B N C"]]:
        """Return raw outputs by name and stride, such as ``bbox_8``; ``cls`` and ``obj`` are probabilities."""
        x = self.stem(images)
        maps = []
        for index, stage in enumerate(self.stages):
            # the second stage keeps the resolution of the first
            x = stage(x if index == 1 else functional.max_pool2d(x, 2))
            maps.append(x)
        maps = maps[2:]
        for level in (2, 1, 0):
            if level < 2:
                maps[level] = maps[level] + functional.interpolate(maps[level + 1], scale_factor=2)
            maps[level] = self.lateral[level](maps[level])
        out: dict[str, Tensor] = {}
        for level, stride in enumerate(STRIDES):
            y = self.shared[level](maps[level])
            for name, heads in self.heads.items():
                value = heads[level](y).flatten(2).transpose(1, 2)  # type: ignore[index]
                out[f"{name}_{stride}"] = value.sigmoid() if name in ("cls", "obj") else value
        return out
