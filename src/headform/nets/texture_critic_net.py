"""Critic of rendered faces for the texture networks' adversarial loss (Lin et al. 2020).

B pictures, S side in pixels.

    conv 1x1 to 16; 5 x [max-pool 2x2, conv 3x3] to 32, 64, 128, 256, 512, each with batch norm (momentum 0.1) and leaky ReLU
    (0.2); one convolution over all that is left, to the score

It has 1,599,489 parameters at 224 pixels, 1,597,473 without batch norm. The published critic has batch norm, though a
gradient penalty then is none of single pictures (Gulrajani et al. 2017, section 4); the default here has none.

Source: trained here with the texture networks (`headform train texture`); it does not ship. Input: sRGB from -1 to 1.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor, nn

from headform.errors import check_choice

CriticNorm = Literal["none", "batch"]
_HALVINGS = 5
_SLOPE = 0.2


@dataclass(frozen=True)
class TextureCriticConfig:
    """Sizes of the critic.

    Attributes:
        side: side S of its pictures, pixels; a multiple of 32.
        norm: normalization after each convolution but the last.
        channels: channels of the convolutions.
    """

    side: int = 224
    norm: CriticNorm = "none"
    channels: tuple[int, ...] = (16, 32, 64, 128, 256, 512)

    def __post_init__(self) -> None:
        check_choice(self.norm, get_args(CriticNorm), "norm")
        if self.side < 1 or self.side % 2**_HALVINGS:
            raise ValueError(f"the side is a multiple of {2**_HALVINGS}: {self}")
        if len(self.channels) != _HALVINGS + 1 or min(self.channels) < 1:
            raise ValueError(f"there are {_HALVINGS + 1} convolutions: {self}")

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class TextureCritic(nn.Module):
    """Critic; see the module docstring."""

    def __init__(self, config: TextureCriticConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        for step, (a, b) in enumerate(pairwise((3, *config.channels))):
            if step:
                layers.append(nn.MaxPool2d(2))
            kernel = 3 if step else 1
            layers.append(nn.Conv2d(a, b, kernel, padding=kernel // 2))
            if config.norm == "batch":
                layers.append(nn.BatchNorm2d(b))
            layers.append(nn.LeakyReLU(_SLOPE))
        self.features = nn.Sequential(*layers)
        self.score = nn.Conv2d(config.channels[-1], 1, config.side // 2**_HALVINGS)

    def forward(self, images: Float[Tensor, "B 3 S S"]) -> Float[Tensor, " B"]:
        """Score pictures; higher is more like a photo."""
        return self.score(self.features(images)).flatten()
