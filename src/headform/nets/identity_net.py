"""The identity network: identity coefficients of a head from a gray, aligned crop.

B batch, K identity modes.

In the crop the eyes and the mouth lie at fixed places, and the loss is the distance between shapes alone, so that no
capacity is spent on where things are.

Source: trained on synthetic faces (`headform train identity`), MIT. Input: a 128-pixel tight crop (`nets.crop_geometry`),
gray (luma of sRGB values), 0 to 255. Output: identity coefficients of the open head, in standard deviations.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.nets._blocks import conv_norm, stage, standardize

INPUT_SIDE = 128


@dataclass(frozen=True)
class IdentityNetConfig:
    """Sizes of the network; saved with its weights."""

    modes: int = 100
    channels: tuple[int, int, int, int] = (40, 72, 128, 192)
    hidden: int = 512

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class IdentityNet(nn.Module):
    """Identity coefficients of tight crops."""

    def __init__(self, config: IdentityNetConfig) -> None:
        super().__init__()
        self.config = config
        c = config.channels
        self.stem = nn.Sequential(nn.PixelUnshuffle(4), conv_norm(16, c[0]), nn.ReLU())
        self.body = nn.Sequential(
            stage(c[0], c[1], depth=2, stride=2),  # 16 x 16
            stage(c[1], c[2], depth=2, stride=2),  # 8 x 8
            stage(c[2], c[3], depth=1, stride=2),  # 4 x 4
        )
        self.hidden = nn.Linear(c[3] * 16, config.hidden)
        self.modes = nn.Linear(config.hidden, config.modes)
        with torch.no_grad():  # start near the mean head
            self.modes.weight.mul_(0.1)
            self.modes.bias.zero_()

    def forward(self, images: Float[Tensor, "B 1 128 128"]) -> Float[Tensor, "B K"]:
        """Predict identity coefficients of each crop."""
        x = self.body(self.stem(standardize(images)))
        return self.modes(torch.relu(self.hidden(x.flatten(1)))).float()
