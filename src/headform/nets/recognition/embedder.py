"""Who is in the picture: faces cut out by five points, shown to a recognition network, compared by the cosine.

B faces, H W pixels of a photo, S side of a crop, D numbers of an embedding. Pixel coordinates have their origin at the
top-left corner of the picture, the crop's as well.

What stands here is the same for all networks; `embedder_files` reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from headform.errors import FaceError, WeightsError
from headform.geometry.similarity import fit_similarity
from headform.images.warp import warp

# Eyes, nose, corners of the mouth as insightface's published alignment has them. Its numbers count from the middle of
# the first pixel.
_ARCFACE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
)
_BATCH = 32


@dataclass(frozen=True)
class CropSpec:
    """What a network wants to see.

    Attributes:
        side: Of the square crop, pixels.
        points: (5, 2) where the eyes, the nose tip and the corners of the mouth lie in it, the one that is left in the
            picture first.
        channels: Order of the colors; ``gray`` is one channel, 0.299 R + 0.587 G + 0.114 B.
        offset: Subtracted from the values 0 to 255, one for all or one per channel in the order of `channels`.
        divisor: What the difference is then divided by.
    """

    side: int
    points: Float[np.ndarray, "5 2"]
    channels: Literal["rgb", "bgr", "gray"] = "rgb"
    offset: tuple[float, ...] = (127.5,)
    divisor: tuple[float, ...] = (127.5,)

    def crop(self, rgb: UInt8[np.ndarray, "H W 3"], points5: Float[np.ndarray, "5 2"]) -> UInt8[np.ndarray, "S S 3"]:
        """Cut a face out of a photo by the best similarity of the five points, without aliasing.

        Args:
            rgb: The photo.
            points5: (5, 2) pixels, in the order of `points`.

        Raises:
            FaceError: `points_invalid` when they are not finite or all in one place.
        """
        try:
            fitted = fit_similarity(points5, self.points)
        except ValueError as error:
            what = f"the five points of the face place no crop: {error}"
            raise FaceError("points_invalid", what) from error
        return warp(rgb, np.asarray(fitted.matrix()[:2]), self.side)

    def values(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[Tensor, "B C S S"]:
        """Encode crops as the network's input; crops are RGB."""
        return self.encode(torch.from_numpy(np.ascontiguousarray(crops)).permute(0, 3, 1, 2).float())

    def encode(self, crops: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B C S S"]:
        """Encode RGB crops with values from 0 to 255 as the network's input; differentiable."""
        if self.channels == "gray":
            crops = (crops * crops.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
        elif self.channels == "bgr":
            crops = crops.flip(1)
        offset, divisor = crops.new_tensor(self.offset), crops.new_tensor(self.divisor)
        return (crops - offset[:, None, None]) / divisor[:, None, None]


def arcface_points(side: int = 112) -> Float[np.ndarray, "5 2"]:
    """The five points of insightface's crop of 112 pixels, in a crop of another size."""
    return (_ARCFACE_112 + 0.5) * (side / 112)


def eye_mouth_points(side: int, eyes: float, mouth: float) -> Float[np.ndarray, "5 2"]:
    """The same face, placed so that the middle of the eyes and that of the mouth lie at given heights, in the middle.

    Args:
        side: Of the crop.
        eyes: Height of the middle of the eyes, pixels from above.
        mouth: Height of the middle of the mouth.
    """
    base = _ARCFACE_112
    # the middles of two eyes and two corners: two points fix a similarity
    found = np.stack([base[:2].mean(0), base[3:].mean(0)])
    wanted = np.array([[side / 2, eyes], [side / 2, mouth]])
    return fit_similarity(found, wanted).apply(base)


ARCFACE = CropSpec(112, arcface_points())
"""RGB, (x − 127.5) / 127.5: ArcFace of insightface, evoLVe, and most 112-pixel ONNX files."""


@runtime_checkable
class Embedder(Protocol):
    """A recognition network."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def crop(self) -> CropSpec:
        """What it wants to see."""

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Unit vectors of RGB crops."""


class TorchEmbedder:
    """One of our networks (`nets.iresnet` and others) with the crop it was published for."""

    def __init__(self, name: str, net: nn.Module, crop: CropSpec) -> None:
        self.name, self.crop, self._net = name, crop, net.eval()

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Unit vectors of RGB crops.

        Raises:
            WeightsError: `weights_nan` when the network answers NaN, infinity or zero.
        """
        with torch.inference_mode():
            x = self.crop.values(crops)
            found = torch.cat([self._net(part) for part in x.split(_BATCH)]).double().numpy()
        return unit_rows(found, self.name)


def unit_rows(values: Float[np.ndarray, "B D"], where: str) -> Float32[np.ndarray, "B D"]:
    """Rows divided by their lengths.

    Raises:
        WeightsError: `weights_nan` for rows that are not finite or zero.
    """
    length = np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(length).all() or (length == 0).any():
        what = "the network's answer is not finite, or zero"
        raise WeightsError("weights_nan", what, where, "its weights may be damaged")
    return np.asarray(values / length, np.float32)


def embed_faces(
    embedder: Embedder,
    photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    points5: Sequence[Float[np.ndarray, "5 2"]],
) -> Float32[np.ndarray, "B D"]:
    """Unit vectors of one face per photo.

    Args:
        embedder: The network.
        photos: B pictures, RGB.
        points5: Their five points.

    Raises:
        FaceError: `points_invalid`.
        WeightsError: `weights_nan`.
    """
    pairs = zip(photos, points5, strict=True)
    return embedder.embed(np.stack([embedder.crop.crop(photo, points) for photo, points in pairs]))


def roc_area(scores: Float[np.ndarray, " B"], same: np.ndarray) -> float:
    """Area under the receiver's curve: the chance that a pair of one person scores above one of two, ties counted half.

    Args:
        scores: Of B pairs.
        same: (B,) booleans.

    Raises:
        ValueError: All pairs are of one kind.
    """
    positive, negative = scores[same], np.sort(scores[~same])
    if not len(positive) or not len(negative):
        raise ValueError("both kinds of pairs are needed")
    below = np.searchsorted(negative, positive, side="left")
    up_to = np.searchsorted(negative, positive, side="right")
    return float((below + up_to).mean() / (2 * len(negative)))


def best_accuracy(scores: Float[np.ndarray, " B"], same: np.ndarray) -> tuple[float, float]:
    """The largest share of pairs that one threshold tells right, and that threshold (a score at or above it means same)."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    right = np.concatenate([[0], np.cumsum(np.where(same[order], 1, -1))]) + int((~same).sum())
    # a threshold lies between different scores only
    possible = np.concatenate([[True], sorted_scores[1:] < sorted_scores[:-1], [True]])
    best = int(np.argmax(np.where(possible, right, -1)))
    threshold = float(sorted_scores[best - 1]) if best else float(np.inf)
    return float(right[best]) / len(scores), threshold
