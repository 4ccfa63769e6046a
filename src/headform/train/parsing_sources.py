"""Sources of the parsing stage: pictures of faces with classes, with some classes, or with none.

B batch, S side of the crop, M = S / 2 side of the map, H W of a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from headform.data.open_portraits import Portrait
from headform.geometry.face_classes import UNKNOWN
from headform.images.warp import warp
from headform.nets.crop_geometry import EyeFrame
from headform.nets.parsing_crop import inside_photo, labels_of_cells
from headform.nets.parsing_net import CLOSE_MARGIN, INPUT_SIDE, MAP_SIDE, WIDE_MARGIN
from headform.train.parsing_augment import ParsingAugmentation, random_crop, vary_picture
from headform.train.pool import RenderPool


@dataclass(frozen=True)
class LabeledPicture:
    """Picture of a face, its 68 points (pixels) and the class of each pixel, None where there are no classes."""

    image: UInt8[np.ndarray, "H W 3"]
    points: Float[np.ndarray, "68 2"]
    classes: UInt8[np.ndarray, "H W"] | None


@runtime_checkable
class PictureSource(Protocol):
    """Source that pictures are drawn from."""

    def draw(self, rng: np.random.Generator, count: int) -> Sequence[LabeledPicture]:
        """Draw pictures at random."""


class PortraitSource:
    """Portraits in memory.

    Args:
        portraits: At least one.
    """

    def __init__(self, portraits: Sequence[Portrait]) -> None:
        self._pictures = [LabeledPicture(p.image, p.points, p.classes) for p in portraits]

    def draw(self, rng: np.random.Generator, count: int) -> Sequence[LabeledPicture]:
        """Draw portraits at random."""
        return [self._pictures[k] for k in rng.integers(0, len(self._pictures), count)]


class SyntheticSource:
    """Synthetic faces in a ring buffer that stores classes."""

    def __init__(self, pool: RenderPool) -> None:
        self._pool = pool

    def draw(self, rng: np.random.Generator, count: int) -> Sequence[LabeledPicture]:
        """Draw faces at random."""
        return labeled_pictures(self._pool.draw(rng, count))


def labeled_pictures(rows: dict[str, np.ndarray]) -> list[LabeledPicture]:
    """Convert rows of the ring buffer."""
    columns = zip(rows["images"], rows["points"], rows["classes"], strict=True)
    return [LabeledPicture(image, points[:68], classes) for image, points, classes in columns]


@dataclass(frozen=True)
class ParsingBatch:
    """Inputs of the network, and classes of the cells.

    Attributes:
        images: sRGB values 0 to 255, varied.
        inside: 1 where the crop lies in the photo.
        labels: Class numbers, `UNKNOWN` where nothing is known.
        plain: The same crops as they are in the photos.
    """

    images: Float[Tensor, "B 3 S S"]
    inside: Float[Tensor, "B 1 S S"]
    labels: Int[Tensor, "B M M"]
    plain: Float[Tensor, "B 3 S S"]


def random_batch(
    rng: np.random.Generator, pictures: Sequence[LabeledPicture], ranges: ParsingAugmentation
) -> ParsingBatch:
    """Draw a crop of each picture, and vary it."""
    crops = [random_crop(rng, p.image, p.points, p.classes, ranges) for p in pictures]
    varied = np.stack([vary_picture(rng, c.image, ranges) for c in crops])
    nothing = np.full((MAP_SIDE, MAP_SIDE), UNKNOWN, np.uint8)
    return ParsingBatch(
        images=_channels(varied),
        inside=torch.from_numpy(np.stack([c.inside for c in crops]))[:, None].float(),
        labels=torch.from_numpy(np.stack([nothing if c.labels is None else c.labels for c in crops])).long(),
        plain=_channels(np.stack([c.image for c in crops]).astype(np.float32)),
    )


def centered_batch(pictures: Sequence[LabeledPicture]) -> ParsingBatch:
    """Cut the wide and the close crop of each picture, unvaried, for validation."""
    images, inside, labels = [], [], []
    for margin in (WIDE_MARGIN, CLOSE_MARGIN):
        for picture in pictures:
            crop = EyeFrame.of(picture.points.astype(np.float64)).crop(INPUT_SIDE, margin)
            height, width = picture.image.shape[:2]
            images.append(warp(picture.image, crop, INPUT_SIDE))
            inside.append(inside_photo(crop, (width, height)))
            classes = picture.classes
            labels.append(
                labels_of_cells(np.full((height, width), UNKNOWN, np.uint8) if classes is None else classes, crop)
            )
    plain = _channels(np.stack(images).astype(np.float32))
    there = torch.from_numpy(np.stack(inside))[:, None].float()
    return ParsingBatch(plain, there, torch.from_numpy(np.stack(labels)).long(), plain)


def _channels(pixels: Float[np.ndarray, "B S S 3"]) -> Float[Tensor, "B 3 S S"]:
    return torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(0, 3, 1, 2)
