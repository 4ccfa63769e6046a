"""The three networks of the cascade, in evaluation only.

N patches or pictures, C channels, H W pixels, h w cells of the proposal network.
All take RGB values of 0..255 mapped to (v - 127.5) / 128. Boxes are regressed as offsets of x0, y0,
x1, y1 in units of the patch's side, points as x then y of each in the same unit.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch.nn import functional

from headform.errors import WeightsError
from headform.weights.model_file import check_state

STRIDE, CELL = 2, 12
"""The proposal network looks at squares of `CELL` pixels every `STRIDE` pixels."""

REFINE_SIDE, OUTPUT_SIDE = 24, 48
"""Sides of the patches of R-Net and O-Net in pixels."""


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel), nn.PReLU(outputs))


def _pool(x: Float[Tensor, "N C H W"], side: int) -> Float[Tensor, "N C h w"]:
    """Maximum over squares at stride 2; squares that reach over the right and lower edge count."""
    return functional.max_pool2d(x, side, 2, ceil_mode=True)


def _columns_first(x: Float[Tensor, "N C H W"]) -> Float[Tensor, "N D"]:
    """The order in which the published dense layers see a map: x slowest, then y, then channel."""
    return x.permute(0, 3, 2, 1).flatten(1)


class ProposalNet(nn.Module):
    """P-Net: for each cell of a picture of any size, is it a face and where exactly."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _conv(3, 10, 3), _conv(10, 16, 3), _conv(16, 32, 3)
        self.box, self.score = nn.Conv2d(32, 4, 1), nn.Conv2d(32, 2, 1)

    def forward(
        self, x: Float[Tensor, "N 3 H W"]
    ) -> tuple[Float[Tensor, "N h w"], Float[Tensor, "N 4 h w"]]:
        """Face probability and box offsets of every cell."""
        x = self.conv3(self.conv2(_pool(self.conv1(x), 2)))
        return torch.softmax(self.score(x), 1)[:, 1], self.box(x)


class RefineNet(nn.Module):
    """R-Net: the same for single patches of 24 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _conv(3, 28, 3), _conv(28, 48, 3), _conv(48, 64, 2)
        self.dense = nn.Sequential(nn.Linear(576, 128), nn.PReLU(128))
        self.box, self.score = nn.Linear(128, 4), nn.Linear(128, 2)

    def forward(
        self, x: Float[Tensor, "N 3 24 24"]
    ) -> tuple[Float[Tensor, " N"], Float[Tensor, "N 4"]]:
        """Face probability and box offsets of every patch."""
        x = self.conv3(_pool(self.conv2(_pool(self.conv1(x), 3)), 3))
        y = self.dense(_columns_first(x))
        return torch.softmax(self.score(y), 1)[:, 1], self.box(y)


class OutputNet(nn.Module):
    """O-Net: patches of 48 pixels, and the five points."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(3, 32, 3), _conv(32, 64, 3)
        self.conv3, self.conv4 = _conv(64, 64, 3), _conv(64, 128, 2)
        self.dense = nn.Sequential(nn.Linear(1152, 256), nn.PReLU(256))
        self.box, self.points, self.score = nn.Linear(256, 4), nn.Linear(256, 10), nn.Linear(256, 2)

    def forward(
        self, x: Float[Tensor, "N 3 48 48"]
    ) -> tuple[Float[Tensor, " N"], Float[Tensor, "N 4"], Float[Tensor, "N 5 2"]]:
        """Face probability, box offsets and five points of every patch."""
        x = self.conv2(_pool(self.conv1(x), 3))
        x = self.conv4(_pool(self.conv3(_pool(x, 3)), 2))
        y = self.dense(_columns_first(x))
        points = self.points(y).unflatten(1, (2, 5)).transpose(1, 2)
        return torch.softmax(self.score(y), 1)[:, 1], self.box(y), points


def fill(net: nn.Module, arrays: Sequence[Float32[np.ndarray, "..."]], where: str) -> None:
    """Put published arrays into a network and set it to evaluation.

    Args:
        net: One of the three above.
        arrays: In the order of its layers: kernels (height, width, in, out), matrices (in, out),
            biases, and slopes of any shape with one number per channel.
        where: Their name, for the message.

    Raises:
        WeightsError: `weights_mismatch` when number or shapes do not fit.
    """
    names = list(net.state_dict())
    if len(arrays) != len(names):
        what = f"{len(arrays)} arrays, expected {len(names)}"
        raise WeightsError("weights_mismatch", what, where)
    state = {name: _torch_order(array) for name, array in zip(names, arrays, strict=True)}
    check_state(net, state, where)
    net.load_state_dict(state)
    net.eval().requires_grad_(False)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _torch_order(array: Float32[np.ndarray, "..."]) -> Float32[Tensor, "..."]:
    """(height, width, in, out) → (out, in, height, width); (in, out) → (out, in); slopes flat."""
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif array.ndim == 3:
        array = array.reshape(-1)
    elif array.ndim == 2:
        array = array.T
    return torch.from_numpy(np.ascontiguousarray(array))
