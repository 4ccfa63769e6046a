"""A picture at many sizes, and square patches out of it.

H W pixels, N patches, S side of a patch.
"""

import math

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from PIL import Image
from torch import Tensor


class Pyramid:
    """A picture and its halves, quarters, …, each averaged from the one before."""

    def __init__(self, rgb: UInt8[np.ndarray, "H W 3"]) -> None:
        self.levels = [Image.fromarray(rgb)]
        while min(self.levels[-1].size) >= 24:
            self.levels.append(self.levels[-1].reduce(2))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.levels[0].size

    def resized(self, scale: float) -> Float32[Tensor, "1 3 h w"]:
        """The whole picture at `scale` times its size, for the networks.

        One pixel of the result covers exactly 1 / scale of the picture; less than one such pixel is
        left out at the right and lower edge.
        """
        level = self._level(1 / scale)
        factor = 2**level * scale
        width, height = (max(1, math.floor(side * scale + 1e-6)) for side in self.size)
        image = self.levels[level]
        box = (0, 0, min(width / factor, image.width), min(height / factor, image.height))
        small = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
        return _values(np.asarray(small)[None])

    def patches(self, boxes: Float[np.ndarray, "N 4"], side: int) -> Float32[Tensor, "N 3 S S"]:
        """The squares `boxes` at `side` pixels each, bilinear; black beyond the picture."""
        out = np.empty((len(boxes), side, side, 3), np.uint8)
        for patch, (x0, y0, x1, y1) in zip(out, boxes.tolist(), strict=True):
            level = self._level((x1 - x0) / side)
            unit = 2.0**level * side
            across = ((x1 - x0) / unit, 0.0, x0 * side / unit)
            down = (0.0, (y1 - y0) / unit, y0 * side / unit)
            square = self.levels[level].transform(
                (side, side), Image.Transform.AFFINE, across + down, Image.Resampling.BILINEAR
            )
            patch[...] = np.asarray(square)
        return _values(out)

    def _level(self, reduction: float) -> int:
        """The level whose own reduction is nearest to `reduction`, in octaves."""
        return min(max(round(math.log2(max(reduction, 1.0))), 0), len(self.levels) - 1)


def _values(rgb: UInt8[np.ndarray, "N H W 3"]) -> Float32[Tensor, "N 3 H W"]:
    """(v - 127.5) / 128; channels are the second axis but lie last in memory (pooling: 10 x)."""
    return torch.from_numpy((rgb.astype(np.float32) - 127.5) / 128).permute(0, 3, 1, 2)
