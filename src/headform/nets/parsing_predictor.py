"""Parser of faces: the class of each pixel around a face, in the frame of the photo.

C classes (`headform.geometry.face_classes`), N cells to a side, H W of the photo. Pixels have their origin at the top-left
corner.

A face is read twice by one network: in a wide crop with hair and shoulders, and in a close one, with cells half as large.
Both are joined in one map over the wide crop; near its border the close crop gives way.
"""

import typing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8

from headform.geometry.face_classes import UNKNOWN
from headform.images.sampling import bilinear_value32
from headform.images.warp import apply, inverse, warp
from headform.kernels.jit import njit
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_crop import inside_photo
from headform.nets.parsing_net import CLOSE_MARGIN, INPUT_SIDE, MAP_SIDE, WIDE_MARGIN, ParsingNet

BATCH = 32
"""Crops that go through the network at once."""
JOINED_SIDE = 192
"""Side of the joined map, cells: about those of the close crop."""
FADE = 12.0
"""Width of the border of the close crop over which it gives way to the wide one, cells."""


@dataclass(frozen=True)
class ParsedFace:
    """Classes around one face.

    Attributes:
        probability: Probability of each class, rows from the top of the wide crop.
        crop: Similarity from photo pixels to cells.
    """

    probability: Float32[np.ndarray, "C N N"]
    crop: Float[np.ndarray, "2 3"]

    def labels(self, size: tuple[int, int]) -> UInt8[np.ndarray, "H W"]:
        """Return the most probable class of each pixel of a photo of this width and height; `UNKNOWN` beyond the crop."""
        out = np.full((size[1], size[0]), UNKNOWN, np.uint8)
        first, last = self._reach(size)
        _label(self.probability, np.ascontiguousarray(self.crop), first, last, out)
        return out

    def within(self, corner: Int[np.ndarray, "2"]) -> "ParsedFace":
        """Return the same face in the part of the photo whose top-left corner this is, x and y in pixels."""
        linear = self.crop[:, :2]
        return ParsedFace(self.probability, np.column_stack([linear, linear @ corner + self.crop[:, 2]]))

    def share(self, classes: Sequence[int], size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
        """Return the probability that a pixel of the photo shows one of some classes; 0 beyond the crop."""
        return self.in_photo(self.probability[list(classes)].sum(0), size)

    def in_photo(self, values: Float32[np.ndarray, "N N"], size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
        """Spread values of the cells over a photo of this width and height; 0 beyond the crop."""
        out = np.zeros((size[1], size[0]), np.float32)
        first, last = self._reach(size)
        _spread(np.ascontiguousarray(values), np.ascontiguousarray(self.crop), first, last, out)
        return out

    def _reach(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last pixel (x, y) that the crop can reach."""
        side = float(self.probability.shape[1])
        corners = apply(inverse(self.crop), np.array([[0.0, 0], [side, 0], [0, side], [side, side]]))
        limits = np.clip(np.stack([np.floor(corners.min(0)), np.ceil(corners.max(0))]), 0, size).astype(int)
        return limits[0], limits[1]


class ParsingPredictor:
    """Run a `ParsingNet` on faces.

    Args:
        net: The network.
        mirror: Average each crop with its mirror image, at twice the time.
    """

    def __init__(self, net: ParsingNet, *, mirror: bool = True) -> None:
        self._net, self._mirror = net, mirror

    def parse(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], points: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[ParsedFace]:
        """Parse one face of each photo, on the device of the network.

        Args:
            photos: sRGB, of any sizes.
            points: The 68 points of each face, pixels.
        """
        frames = [EyeFrame.of(each) for each in points]
        wide = [frame.crop(INPUT_SIDE, WIDE_MARGIN) for frame in frames]
        close = [frame.crop(INPUT_SIDE, CLOSE_MARGIN) for frame in frames]
        maps = self.maps([*photos, *photos], [*wide, *close])
        count = len(wide)
        return [_joined(maps[k], wide[k], maps[count + k], close[k]) for k in range(count)]

    @torch.inference_mode()
    def maps(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], crops: Sequence[Float[np.ndarray, "2 3"]]
    ) -> Float32[np.ndarray, "B C M M"]:
        """Compute the probabilities of the classes in crops of 192 pixels."""
        found = [np.zeros((0, self._net.config.classes, MAP_SIDE, MAP_SIDE), np.float32)]
        device = next(self._net.parameters()).device
        for k in range(0, len(crops), BATCH):
            pairs = list(zip(photos[k : k + BATCH], crops[k : k + BATCH], strict=True))
            pictures = np.stack([warp(rgb, crop, INPUT_SIDE) for rgb, crop in pairs])
            within = np.stack([inside_photo(crop, (rgb.shape[1], rgb.shape[0])) for rgb, crop in pairs])
            images = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().to(device)
            inside = torch.from_numpy(within)[:, None].float().to(device)
            logits = self._net(images, inside)
            if self._mirror:
                logits = (logits + self._net(images.flip(-1), inside.flip(-1)).flip(-1)) / 2
            found.append(logits.softmax(1).cpu().numpy())
        return np.concatenate(found)


def _joined(
    wide: Float32[np.ndarray, "C M M"],
    wide_crop: Float[np.ndarray, "2 3"],
    close: Float32[np.ndarray, "C M M"],
    close_crop: Float[np.ndarray, "2 3"],
) -> ParsedFace:
    """Join both maps over the wide crop."""
    out = np.empty((len(wide), JOINED_SIDE, JOINED_SIDE), np.float32)
    step = INPUT_SIDE / JOINED_SIDE
    back = inverse(wide_crop)  # pixels of the wide crop to the photo, then to the close crop
    linear = close_crop[:, :2] @ back[:, :2]
    shift = close_crop[:, :2] @ back[:, 2] + close_crop[:, 2]
    to_close = np.column_stack([linear * step, shift]) * (MAP_SIDE / INPUT_SIDE)
    _join(wide, close, MAP_SIDE / JOINED_SIDE, np.ascontiguousarray(to_close), out)
    return ParsedFace(out, wide_crop / step)


@njit(cache=True, nogil=True)
@typing.no_type_check
def _join(wide, close, step, to_close, out):
    """Write to out (C, N, N) the wide map (C, M, M), and where it reaches the close map at to_close (2, 3)."""
    side = close.shape[1]
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            u = to_close[0, 0] * (x + 0.5) + to_close[0, 1] * (y + 0.5) + to_close[0, 2]
            v = to_close[1, 0] * (x + 0.5) + to_close[1, 1] * (y + 0.5) + to_close[1, 2]
            inner = min(min(u, v), min(side - u, side - v)) / FADE
            share = np.float32(min(max(inner, 0.0), 1.0))
            for k in range(out.shape[0]):
                value = np.float32(0.0)
                if share < 1.0:
                    value = (1 - share) * bilinear_value32(wide[k], (x + 0.5) * step, (y + 0.5) * step)
                if share > 0.0:
                    value += share * bilinear_value32(close[k], u, v)
                out[k, y, x] = value


@njit(cache=True, nogil=True)
@typing.no_type_check
def _label(probability, crop, first, last, out):
    side = probability.shape[1]
    for y in range(first[1], last[1]):
        for x in range(first[0], last[0]):
            u = crop[0, 0] * (x + 0.5) + crop[0, 1] * (y + 0.5) + crop[0, 2]
            v = crop[1, 0] * (x + 0.5) + crop[1, 1] * (y + 0.5) + crop[1, 2]
            if min(u, v) >= 0.0 and max(u, v) <= side:
                best = np.float32(-1.0)
                for k in range(probability.shape[0]):
                    value = bilinear_value32(probability[k], u, v)
                    if value > best:
                        best = value
                        out[y, x] = k


@njit(cache=True, nogil=True)
@typing.no_type_check
def _spread(values, crop, first, last, out):
    side = values.shape[0]
    for y in range(first[1], last[1]):
        for x in range(first[0], last[0]):
            u = crop[0, 0] * (x + 0.5) + crop[0, 1] * (y + 0.5) + crop[0, 2]
            v = crop[1, 0] * (x + 0.5) + crop[1, 1] * (y + 0.5) + crop[1, 2]
            if min(u, v) >= 0.0 and max(u, v) <= side:
                out[y, x] = bilinear_value32(values, u, v)
