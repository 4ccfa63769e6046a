"""Network that parses faces: the class of each cell of a crop.

B batch, S side of the crop, M = S / 2 side of the map, C classes (`headform.geometry.face_classes`).

A small U-Net (Ronneberger et al. 2015) of residual blocks. On one core of a CPU dense 3 x 3 convolutions on few channels are
as fast as depthwise ones of half their work, and twice as fast to train (docs/training.md). The same network reads the wide
crop, in which hair and shoulders lie, and the close one, in which brows and lips are several cells high.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.geometry.face_classes import FACE_CLASSES
from headform.nets._blocks import Residual, conv_norm, stage

INPUT_SIDE = 192
"""Side of the crop, pixels."""
MAP_SIDE = INPUT_SIDE // 2
"""Side of the map, cells."""
WIDE_MARGIN = 2.8
"""Side of the wide crop over the longer side of the face's box (`nets.crop_geometry.EyeFrame.crop`)."""
CLOSE_MARGIN = 1.4
"""The same for the close crop."""
_LEAST_SPREAD = 8.0
"""Gray levels added to the standard deviation of a picture, so that noise of an even one is not amplified."""
_STEP = 3
"""Every third pixel of every third row tells mean and deviation."""
_CHANNELS = 4
"""Three colors, and inside the photo or not."""


@dataclass(frozen=True)
class ParsingNetConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        widths: Channels at a half, a quarter, an eighth and a sixteenth of the crop's resolution; multiples of 16, since the
            backward pass of torch 2's convolutions writes beyond its memory with 8 channels on processors with AVX-512.
        depths: Residual blocks at a quarter, an eighth and a sixteenth on the way down.
        classes: Number of classes.
    """

    widths: tuple[int, int, int, int] = (16, 32, 64, 96)
    depths: tuple[int, int, int] = (1, 2, 3)
    classes: int = len(FACE_CLASSES)

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class ParsingNet(nn.Module):
    """Logits of the classes at half the crop's resolution."""

    def __init__(self, config: ParsingNetConfig) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth, least = config.widths
        self.stem = nn.Sequential(conv_norm(_CHANNELS, half, kernel=5, stride=2), nn.ReLU())
        self.to_quarter = stage(half, quarter, depth=config.depths[0], stride=2)
        self.to_eighth = stage(quarter, eighth, depth=config.depths[1], stride=2)
        self.to_least = stage(eighth, least, depth=config.depths[2], stride=2)
        self.up_eighth = nn.Sequential(conv_norm(least + eighth, eighth, kernel=1), nn.ReLU(), Residual(eighth, eighth))
        self.up_quarter = nn.Sequential(
            conv_norm(eighth + quarter, quarter, kernel=1), nn.ReLU(), Residual(quarter, quarter)
        )
        self.up_half = nn.Sequential(
            conv_norm(quarter + half, half, kernel=1), nn.ReLU(), conv_norm(half, half), nn.ReLU()
        )
        self.head = nn.Conv2d(half, config.classes, 1)

    def forward(self, images: Float[Tensor, "B 3 S S"], inside: Float[Tensor, "B 1 S S"]) -> Float[Tensor, "B C M M"]:
        """Predict the logits of each cell.

        Args:
            images: sRGB values 0 to 255 of crops; S is a multiple of 16.
            inside: 1 where the crop lies in the photo, 0 beyond it.
        """
        half = self.stem(_standardized(images, inside))
        quarter = self.to_quarter(half)
        eighth = self.to_eighth(quarter)
        x = self.to_least(eighth)
        for up, beside in ((self.up_eighth, eighth), (self.up_quarter, quarter), (self.up_half, half)):
            wide = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = up(torch.cat([wide, beside], 1))
        return self.head(x).float()


def _standardized(images: Float[Tensor, "B 3 S S"], inside: Float[Tensor, "B 1 S S"]) -> Float[Tensor, "B 4 S S"]:
    """Standardize the colors over the pixels inside the photo, zero elsewhere; append the mask."""
    few, there = images[..., ::_STEP, ::_STEP], inside[..., ::_STEP, ::_STEP]
    count = (3 * there.sum((1, 2, 3), keepdim=True)).clamp(min=1.0)
    mean = (few * there).sum((1, 2, 3), keepdim=True) / count
    spread = (((few - mean) * there).square().sum((1, 2, 3), keepdim=True) / count).sqrt()
    scaled = (images - mean) * (inside / (spread + _LEAST_SPREAD))
    return torch.cat([scaled, inside], 1).contiguous(memory_format=torch.channels_last)
