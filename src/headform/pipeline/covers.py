"""Covers: what lies in front of a face and hides a part of it, such as masks, hands, sunglasses, blurred or blank regions.

H W of the photo, M side of the map. Pixels have their origin at the top-left corner.
"""

import typing
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.ndimage import grey_dilation
from torch import nn

from headform.images.sampling import bilinear_value
from headform.images.warp import apply, inverse, warp
from headform.kernels.jit import njit
from headform.nets.cover_net import INPUT_SIDE, MAP_SIDE, MARGIN, CoverNet
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_predictor import ParsedFace
from headform.pipeline.head_surface import OTHERS

BATCH = 64
"""Faces that go through the network at once."""
COVERED = 0.45
"""Probability from which a landmark counts as covered."""
INWARD = 0.06
"""Shift of a landmark toward the middle of the face, in units of the face's size, before the map is read: the jaw's points
lie at the face's border, beyond which the network was taught nothing."""
CLEAR = (0.2, 0.5)
"""Probabilities between which the trust that a pixel shows skin falls from 1 to 0."""
CERTAIN = 0.85
"""Probability from which a cover is believed though the parsed face shows skin and features there."""
OTHERWISE = 0.3
"""Probability, of the parsed face, that a cell is not the head's own surface, from which an uncertain cover is believed."""
LEAST_SHARE = 0.02
"""Share of the face's ellipse that a cover must hide to change light and texture: less is noise at beards and hair."""
_BEYOND = 0.5
"""Width of the surroundings of the crop, in units of its side, to which the values at its border are continued."""


@dataclass(frozen=True)
class CoverMap:
    """Covers in the crop of one face.

    Attributes:
        probability: probability of each cell that something covers the face there; rows from the crop's top.
        crop: similarity from photo pixels to cells of the map.
        frame: frame of the face in the photo.
    """

    probability: Float32[np.ndarray, "M M"]
    crop: Float[np.ndarray, "2 3"]
    frame: EyeFrame

    def covers(self, points: Float[np.ndarray, "N 2"]) -> Bool[np.ndarray, " N"]:
        """Tell which points of the face, in pixels of the photo, are covered."""
        away = points - self.frame.middle
        distance = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
        inner = self.frame.middle + away * np.maximum(1 - INWARD * self.frame.size / distance, 0.0)
        places = apply(self.crop, inner)
        return np.array([bilinear_value(self.probability, x, y) for x, y in places]) >= COVERED

    def clear(self, size: tuple[int, int]) -> Float32[np.ndarray, "H W"]:
        """Return the trust in [0, 1] that nothing covers the head, for each pixel of a photo of this width and height.

        Beyond the crop the values at its border continue, so that a wall across a cheek ends there no more than at the ear.
        Covers are widened by a cell, lest their rims show.
        """
        out = np.ones((size[1], size[0]), np.float32)
        if self.share < LEAST_SHARE:
            return out
        widened = grey_dilation(self.probability, (3, 3), mode="nearest")
        margin, side = _BEYOND * MAP_SIDE, float(MAP_SIDE)
        square = (
            np.array([[0, 0], [side, 0], [0, side], [side, side]])
            + np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]]) * margin
        )
        corners = apply(inverse(self.crop), square)
        first = np.clip(np.floor(corners.min(0)), 0, size).astype(int)
        last = np.clip(np.ceil(corners.max(0)), 0, size).astype(int)
        _clear_kernel(widened, self.crop, margin, *CLEAR, first, last, out)
        return out

    def confirmed(self, parsed: ParsedFace) -> "CoverMap":
        """Return the map with doubtful covers lowered where the parsed face shows the head's own surface.

        Beards, profiles, paintings and faces in hard light look covered to a network that knows covers alone.

        Args:
            parsed: The same face, parsed; beyond its crop every cover is believed.
        """
        others = parsed.probability[list(OTHERS)].sum(0)
        rows, columns = np.mgrid[:MAP_SIDE, :MAP_SIDE] + 0.5
        cells = apply(parsed.crop, apply(inverse(self.crop), np.stack([columns.ravel(), rows.ravel()], 1)))
        x, y = np.floor(cells).astype(int).T
        within = (x >= 0) & (y >= 0) & (x < others.shape[1]) & (y < others.shape[0])
        other = np.ones(MAP_SIDE * MAP_SIDE, np.float32)
        other[within] = others[y[within], x[within]]
        factor = np.minimum(grey_dilation(other.reshape(MAP_SIDE, MAP_SIDE), (3, 3)) / OTHERWISE, 1)
        lowered = np.where(self.probability >= CERTAIN, self.probability, self.probability * factor)
        return CoverMap(lowered.astype(np.float32), self.crop, self.frame)

    @property
    def share(self) -> float:
        """Share of the ellipse in the face's box that is covered; what lies outside the picture is not."""
        rows, columns = np.mgrid[:MAP_SIDE, :MAP_SIDE] + 0.5
        half = self.frame.extent / (2 * float(self.frame.extent.max()) * MARGIN)
        inside = ((columns / MAP_SIDE - 0.5) / half[0]) ** 2 + ((rows / MAP_SIDE - 0.5) / half[1]) ** 2 < 1
        return float((self.probability[inside] >= COVERED).mean())


class CoverFinder:
    """Search for covers in photos of faces."""

    def __init__(self, net: CoverNet) -> None:
        self._net = net

    def find(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], points: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[CoverMap]:
        """Find the covers of one face of each photo, on the device of the network.

        Args:
            photos: sRGB, of any sizes.
            points: the 68 points of each face, pixels.
        """
        parts = range(0, len(points), BATCH)
        return [m for k in parts for m in self._batch(photos[k : k + BATCH], points[k : k + BATCH])]

    @torch.inference_mode()
    def _batch(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], points: Sequence[Float[np.ndarray, "68 2"]]
    ) -> list[CoverMap]:
        frames = [EyeFrame.of(each) for each in points]
        crops = [frame.crop(INPUT_SIDE, MARGIN) for frame in frames]
        pictures = np.stack([warp(rgb, crop, INPUT_SIDE) for rgb, crop in zip(photos, crops, strict=True)])
        within = np.stack([_inside(crop, rgb.shape) for rgb, crop in zip(photos, crops, strict=True)])
        device = next(self._net.parameters()).device
        plain = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().to(device)
        inside = torch.from_numpy(within)[:, None].float().to(device)
        own, mirrored = (
            torch.sigmoid(self._net(a.contiguous(memory_format=torch.channels_last), b))
            for a, b in ((plain, inside), (plain.flip(-1), inside.flip(-1)))
        )
        known = nn.functional.avg_pool2d(inside, INPUT_SIDE // MAP_SIDE)[:, 0]
        maps = ((own + mirrored.flip(-1)) / 2 * known).cpu().numpy()
        cells = MAP_SIDE / INPUT_SIDE
        return [CoverMap(m, c * cells, f) for m, c, f in zip(maps, crops, frames, strict=True)]


def _inside(crop: Float[np.ndarray, "2 3"], shape: tuple[int, ...]) -> Bool[np.ndarray, "S S"]:
    """Mask the pixels of a crop that lie in a photo."""
    rows, columns = np.mgrid[:INPUT_SIDE, :INPUT_SIDE] + 0.5
    places = apply(inverse(crop), np.column_stack([columns.ravel(), rows.ravel()]))
    return np.asarray(((places >= 0) & (places <= [shape[1], shape[0]])).all(1).reshape(INPUT_SIDE, INPUT_SIDE))


@njit(cache=True, nogil=True)
@typing.no_type_check
def _clear_kernel(probability, crop, margin, low, high, first, last, out):
    """Write 1 below the probability `low`, 0 above `high`, smoothly, from first to last (x, y) of out (H, W)."""
    side = probability.shape[0]
    for y in range(first[1], last[1]):
        for x in range(first[0], last[0]):
            u = crop[0, 0] * (x + 0.5) + crop[0, 1] * (y + 0.5) + crop[0, 2]
            v = crop[1, 0] * (x + 0.5) + crop[1, 1] * (y + 0.5) + crop[1, 2]
            if min(min(u, v), min(side - u, side - v)) > -margin:
                t = (bilinear_value(probability, u, v) - low) / (high - low)
                t = min(max(t, 0.0), 1.0)
                out[y, x] = 1.0 - t * t * (3.0 - 2.0 * t)
