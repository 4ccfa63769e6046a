"""MobileFaceNet, a small recognition network of inverted residuals; its weights ship.

B faces of 112 x 112 pixels, embeddings of 128 dimensions; C channels, h w cells.

Chen, Liu, Gao, Han 2018, "MobileFaceNets", with the batch norms merged into the convolutions. Layers:

    conv 3x3 to 64 (stride 2) · depthwise 3x3, conv 1x1 to 64 · inverted residuals (expansion, channels, blocks, stride):
    2, 64, 5, 2 · 4, 128, 1, 2 · 2, 128, 6, 1 · 4, 128, 1, 2 · 2, 128, 2, 1
    conv 1x1 to 512 · depthwise 7x7 to one cell · conv 1x1 to 128

Activations are min(max(x, 0), 6), after the depthwise and the pointwise convolution of the second line max(x, 0).

Source: `mobilefacenet` of https://github.com/foamliu/MobileFaceNet, MIT. Input: RGB, scaled with ImageNet's mean and
    deviation
(`crops.IMAGENET_112`). Output: embeddings, not normalized, compared by the cosine.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.nets.activated_convolution import convolve

SIDE = 112
STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, blocks and stride of the first block of each stage."""
PARTS = ("stem", *(f"stage{k}" for k in range(1, len(STAGES) + 1)), "head")
"""Children in the order in which a picture passes them."""
_ADDED_STD = 0.01
"""Deviation of random weights whose output is added to a block's input."""


@dataclass(frozen=True)
class MobileFaceNetConfig:
    """Sizes of the network; saved with its weights.

    Attributes:
        embedding: dimensions of the embedding.
        hidden: channels before the last average.
    """

    embedding: int = 128
    hidden: int = 512

    def as_dict(self) -> dict[str, object]:
        """Return plain values for a model card."""
        return asdict(self)


class InvertedResidual(nn.Module):
    """Pointwise expansion, depthwise 3x3, linear pointwise projection; the input added where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = nn.Conv2d(inputs, wide, 1)
        self.depthwise = nn.Conv2d(wide, wide, 3, stride, 1, groups=wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.added = stride == 1 and inputs == outputs

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the block."""
        y = convolve(self.depthwise, convolve(self.expand, x, "relu6"), "relu6")
        y = convolve(self.project, y, "none")
        return x + y if self.added else y


class _Stem(nn.Sequential):
    """Convolutions, each followed by its activation."""

    def forward(self, x: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B C h2 w2"]:
        layers = list(self)
        for conv, activation in zip(layers[::2], layers[1::2], strict=True):
            if not isinstance(conv, nn.Conv2d):
                raise TypeError(type(conv))
            x = convolve(conv, x, "relu6" if isinstance(activation, nn.ReLU6) else "relu")
        return x


class MobileFaceNet(nn.Module):
    """The network; see the module docstring."""

    def __init__(self, config: MobileFaceNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or MobileFaceNetConfig()
        self.stem = _Stem(
            nn.Conv2d(3, 64, 3, 2, 1), nn.ReLU6(), nn.Conv2d(64, 64, 3, 1, 1, groups=64), nn.ReLU(),
            nn.Conv2d(64, 64, 1), nn.ReLU(),
        )  # fmt: skip
        width = 64
        for number, (expansion, channels, blocks, stride) in enumerate(STAGES, 1):
            rows = [InvertedResidual(width, channels, stride, expansion)]
            rows += [InvertedResidual(channels, channels, 1, expansion) for _ in range(blocks - 1)]
            self.add_module(f"stage{number}", nn.Sequential(*rows))
            width = channels
        hidden = self.config.hidden
        self.head = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.ReLU6(), nn.Conv2d(hidden, hidden, SIDE // 16, groups=hidden),
            nn.Conv2d(hidden, self.config.embedding, 1), nn.Flatten(),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B D"]:
        """Return embeddings, not normalized."""
        return self.after("", x)

    def randomize(self) -> None:
        """Draw all weights anew, for training from nothing.

        The network has no normalization: weights keep the variance (He et al. 2015), and what is added to a block's input is
        small at first, so that sums stay below the bound of the activation.
        """
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="linear" if "project" in name else "relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for module in self.modules():
            if isinstance(module, InvertedResidual) and module.added:
                nn.init.normal_(module.project.weight, std=_ADDED_STD)

    def before(self, part: str, x: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B C h w"]:
        """Run the parts before one of `PARTS`: the activations that it receives."""
        for name in PARTS[: PARTS.index(part)]:
            x = self.get_submodule(name)(x)
        return x

    def after(self, part: str, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B D"]:
        """Run one of `PARTS` and those after it, on what `before` returned; an empty name stands for the first."""
        for name in PARTS[PARTS.index(part) if part else 0 :]:
            x = self.get_submodule(name)(x)
        return x


def first_own_part(net: nn.Module, other: nn.Module) -> str:
    """Return the first of `PARTS` whose weights differ between two networks: before it they compute the same.

    Returns:
        The part, the last one where all weights are equal; empty where the first differs, or one is no `MobileFaceNet`.
    """
    if not isinstance(net, MobileFaceNet) or not isinstance(other, MobileFaceNet):
        return ""
    for name in PARTS[:-1]:
        own, others = net.get_submodule(name).state_dict(), other.get_submodule(name).state_dict()
        if not all(torch.equal(own[key].cpu(), others[key].cpu()) for key in own):
            return "" if name == PARTS[0] else name
    return PARTS[-1]
