"""Convolution blocks of the student network, whose weights are shared by several views.

B batch, C D channels, H W pixels. A view is a kind of crop: the whole face, or an enlarged window on an eye or the mouth.
All views share the convolutions; each has a batch normalization of its own, since their statistics differ.
"""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from headform.errors import check_choice

BlockKind = Literal["plain", "inverted", "separable"]


class Unit(nn.Module):
    """Convolution without bias, batch normalization of the view, and ReLU unless `linear`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        views: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(outputs) for _ in range(views))
        self._linear = linear
        self._folded: nn.ModuleList | None = None

    def forward(self, x: Float[Tensor, "B C H W"], view: int) -> Float[Tensor, "B D h w"]:
        """Apply the unit with the normalization of one view."""
        y: Tensor = self.norms[view](self.conv(x)) if self._folded is None else self._folded[view](x)
        return y if self._linear else torch.relu_(y)

    def fold(self) -> None:
        """Merge each view's normalization into a copy of the convolution; for inference, which is then faster."""
        norms = [norm for norm in self.norms if isinstance(norm, nn.BatchNorm2d)]
        self._folded = nn.ModuleList(fuse_conv_bn_eval(self.conv.eval(), norm.eval()) for norm in norms)
        self._folded.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class Block(nn.Module):
    """Residual block around two to four units; a projection is the shortcut where size or channels change.

    Kinds: ``plain``, two 3 x 3 convolutions (He et al. 2016); ``inverted``, a depthwise convolution between an expansion and
    a linear projection (Sandler et al. 2018, MobileNetV2); ``separable``, twice a depthwise and a 1 x 1 convolution (Howard
    et al. 2017, MobileNets).
    """

    def __init__(self, kind: BlockKind, inputs: int, outputs: int, views: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        if kind == "plain":
            units = [
                Unit(inputs, outputs, views, stride=stride),
                Unit(outputs, outputs, views, linear=True),
            ]
        elif kind == "inverted":
            wide = inputs * expansion
            units = [
                Unit(inputs, wide, views, kernel=1),
                Unit(wide, wide, views, stride=stride, groups=wide),
                Unit(wide, outputs, views, kernel=1, linear=True),
            ]
        else:
            units = [
                Unit(inputs, inputs, views, stride=stride, groups=inputs, linear=True),
                Unit(inputs, outputs, views, kernel=1),
                Unit(outputs, outputs, views, groups=outputs, linear=True),
                Unit(outputs, outputs, views, kernel=1, linear=True),
            ]
        self.units = nn.ModuleList(units)
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else Unit(inputs, outputs, views, kernel=1, stride=stride, linear=True)
        self._linear = kind == "inverted"  # its narrow outputs lose too much in a ReLU

    def forward(self, x: Float[Tensor, "B C H W"], view: int) -> Float[Tensor, "B D h w"]:
        """Apply the block with the normalizations of one view."""
        y = x
        for unit in self.units:
            y = unit(y, view)
        y = y + (x if self.shortcut is None else self.shortcut(x, view))
        return y if self._linear else torch.relu(y)


class Stage(nn.Module):
    """Blocks of one resolution; the first has the stride."""

    def __init__(
        self, kind: BlockKind, inputs: int, outputs: int, views: int, *, depth: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        check_choice(kind, get_args(BlockKind), "block")
        blocks = [Block(kind, inputs, outputs, views, stride=stride, expansion=expansion)]
        blocks += [Block(kind, outputs, outputs, views, stride=1, expansion=expansion) for _ in range(depth - 1)]
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Float[Tensor, "B C H W"], view: int) -> Float[Tensor, "B D h w"]:
        """Apply all blocks with the normalizations of one view."""
        for block in self.blocks:
            x = block(x, view)
        return x


class Pyramid(nn.Module):
    """Features at a quarter of the picture's resolution, with what the coarser levels know (Lin et al. 2017, FPN)."""

    def __init__(self, inputs: tuple[int, int, int], outputs: int, views: int) -> None:
        super().__init__()
        self.sides = nn.ModuleList(Unit(c, outputs, views, kernel=1, linear=True) for c in inputs)
        self.middle = Unit(outputs, outputs, views)
        self.last = Unit(outputs, outputs, views)

    def forward(
        self,
        quarter: Float[Tensor, "B _ H W"],
        eighth: Float[Tensor, "B _ h w"],
        sixteenth: Float[Tensor, "B _ i j"],
        view: int,
    ) -> Float[Tensor, "B D H W"]:
        """Merge three levels of a view."""
        x = nn.functional.interpolate(self.sides[2](sixteenth, view), scale_factor=2.0)
        x = self.middle(x + self.sides[1](eighth, view), view)
        x = nn.functional.interpolate(x, scale_factor=2.0)
        return self.last(x + self.sides[0](quarter, view), view)  # type: ignore[no-any-return]
