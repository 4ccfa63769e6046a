"""Network of covers: the probability that something in front of the face hides it, for each cell of a crop.

B batch, S side of the crop, M = S / 2 side of the map. Trained by `python -m tools.cover` on portraits and synthetic faces
with drawn covers. Hair, beards, clear glasses and shadows are no covers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.nets._blocks import Residual, conv_norm

INPUT_SIDE = 64
"""Side of the crop, pixels."""
MARGIN = 1.5
"""Side of the crop over the longer side of the face's box (`nets.crop_geometry.EyeFrame.crop`)."""
MAP_SIDE = INPUT_SIDE // 2
"""Side of the map, cells."""


@dataclass(frozen=True)
class CoverNetConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        widths: channels at a half, a quarter, an eighth and a sixteenth of the crop's resolution.
    """

    widths: tuple[int, int, int, int] = (12, 24, 40, 56)


class CoverNet(nn.Module):
    """Small U-Net (Ronneberger et al. 2015) with residual blocks; most of its work is done on few cells."""

    def __init__(self, config: CoverNetConfig) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth, least = config.widths
        self.stem = conv_norm(_CHANNELS, half, stride=2)
        self.to_quarter = Residual(half, quarter, stride=2)
        self.to_eighth = Residual(quarter, eighth, stride=2)
        self.to_least = Residual(eighth, least, stride=2)
        self.up_eighth = conv_norm(least + eighth, eighth)
        self.up_quarter = conv_norm(eighth + quarter, quarter, kernel=1)
        self.up_half = conv_norm(quarter + half, half, kernel=1)
        self.head = nn.Conv2d(half, 1, 1)

    def forward(self, images: Float[Tensor, "B 3 S S"], inside: Float[Tensor, "B 1 S S"]) -> Float[Tensor, "B M M"]:
        """Predict the logit that each cell is covered.

        Args:
            images: sRGB values 0 to 255 of crops.
            inside: 1 where the crop lies in the photo, 0 beyond it.
        """
        half = torch.relu(self.stem(_with_places(images, inside)))
        quarter = self.to_quarter(half)
        eighth = self.to_eighth(quarter)
        x = self.to_least(eighth)
        for up, beside in ((self.up_eighth, eighth), (self.up_quarter, quarter), (self.up_half, half)):
            wide = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = torch.relu(up(torch.cat([wide, beside], 1)))
        return self.head(x)[:, 0].float()


_CHANNELS = 6
"""Three colors, inside or not, and the position along both axes."""
_LEAST_SPREAD = 8.0
"""Gray levels added to the standard deviation of a picture, so that noise of an even one is not amplified."""


def _with_places(images: Float[Tensor, "B 3 S S"], inside: Float[Tensor, "B 1 S S"]) -> Float[Tensor, "B 6 S S"]:
    """Standardize the colors over the pixels inside the photo, zero elsewhere; append the other channels."""
    count = (3 * inside.sum((1, 2, 3), keepdim=True)).clamp(min=1.0)
    mean = (images * inside).sum((1, 2, 3), keepdim=True) / count
    apart = (images - mean) * inside
    spread = (apart.square().sum((1, 2, 3), keepdim=True) / count).sqrt()
    axis = torch.linspace(-1, 1, images.shape[-1], device=images.device, dtype=images.dtype)
    across = axis.expand_as(inside)
    return torch.cat([apart / (spread + _LEAST_SPREAD), inside, across, across.transpose(2, 3)], 1)
