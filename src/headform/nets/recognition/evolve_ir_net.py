"""IR and IR-SE 50, 101 and 152 of face.evoLVe, under the names that its checkpoints (`backbone_ir50_*.pth`) use.

B faces of 112 x 112 pixels, embeddings of 512 dimensions; C channels, h w cells.

A variant of ArcFace's network, `iresnet_net`: one batch norm less per block, and a shortcut that skips pixels
where only the size changes.

    input_layer: conv 3x3, batch norm, PReLU
    body: blocks of 64, 128, 256, 512 channels (3, 4, 14, 3 in IR-50), the first of each with stride 2
    block: res_layer batch norm, conv 3x3, PReLU, conv 3x3 (with the stride), batch norm, in IR-SE a squeeze;
           shortcut_layer 1x1 conv and batch norm where the number of channels changes, else every second pixel
    squeeze (Hu, Shen, Sun 2018): mean over the picture, fc1 to a sixteenth of the channels, ReLU, fc2, sigmoid: a factor of
             each channel
    output_layer: batch norm, dropout, flattened, linear 25088 → 512, batch norm

Source: https://github.com/ZhaoJ9014/face.evoLVe (MIT); its weights are not shipped. Input: RGB, (x − 127.5) / 127.5, aligned
as `crops.ARCFACE` (the 96 x 112 template with 8 pixels on either side). Output: embeddings, not normalized, compared by the
cosine. The original project adds the embedding of the mirrored face; here it is one pass.
"""

from collections import OrderedDict
from collections.abc import Collection

from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (64, 128, 256, 512)
"""Channels of each stage."""
BLOCKS = {50: (3, 4, 14, 3), 101: (3, 13, 30, 3), 152: (3, 8, 36, 3)}
"""Blocks of each stage by the number in the name."""
EMBEDDING = 512
SIDE = 112
_SQUEEZED = 16
"""Channels of a block per channel of its squeeze."""
_SQUEEZE = ".res_layer.5.fc1.weight"


class Squeeze(nn.Module):
    """A factor of each channel, from the means of all."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // _SQUEEZED, 1, bias=False)
        self.fc2 = nn.Conv2d(channels // _SQUEEZED, channels, 1, bias=False)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Apply the factors."""
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Bottleneck(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, squeeze: bool = False) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if inputs != outputs:
            narrow = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut_layer = nn.Sequential(narrow, nn.BatchNorm2d(outputs))
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            *([Squeeze(outputs)] if squeeze else []),
        )

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C2 h2 w2"]:
        """Apply the block."""
        return self.res_layer(x) + self.shortcut_layer(x)


class EvolveIR(nn.Module):
    """The network up to the embedding.

    Args:
        depth: Number in the name, a key of `BLOCKS`.
        squeeze: True for IR-SE.
    """

    def __init__(self, depth: int = 50, squeeze: bool = False) -> None:
        super().__init__()
        first = WIDTHS[0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, first, 3, padding=1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        blocks: list[nn.Module] = []
        inputs = first
        for outputs, count in zip(WIDTHS, BLOCKS[depth], strict=True):
            for number in range(count):
                blocks.append(Bottleneck(inputs, outputs, 1 if number else 2, squeeze))
                inputs = outputs
        self.body = nn.Sequential(*blocks)
        # numbers as published; 1 is the dropout and 2 the flattening, which have no weights
        self.output_layer = nn.Sequential(
            OrderedDict(
                {
                    "0": nn.BatchNorm2d(inputs),
                    "1": nn.Dropout(),
                    "2": nn.Flatten(),
                    "3": nn.Linear(inputs * (SIDE // 16) ** 2, EMBEDDING),
                    "4": nn.BatchNorm1d(EMBEDDING),
                }
            )
        )

    @classmethod
    def of(cls, names: Collection[str]) -> "EvolveIR":
        """Build the published network whose number of blocks is nearest to that in a checkpoint's tensor names."""
        count = sum(name.startswith("body.") and name.endswith(".res_layer.2.weight") for name in names)
        depth = min(BLOCKS, key=lambda depth: abs(sum(BLOCKS[depth]) - count))
        return cls(depth, any(name.endswith(_SQUEEZE) for name in names))

    def forward(self, x: Float[Tensor, "B 3 112 112"]) -> Float[Tensor, "B 512"]:
        """Return embeddings, not normalized."""
        return self.output_layer(self.body(self.input_layer(x)))
