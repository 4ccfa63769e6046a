"""Embed faces with a recognition network, and measure how well the cosine separates people.

B faces, H W pixels of a photo, S side of a crop, D numbers of an embedding.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import nn

from headform.errors import WeightsError
from headform.nets.recognition.crops import CropSpec

_BATCH = 32


@runtime_checkable
class Embedder(Protocol):
    """A recognition network."""

    @property
    def name(self) -> str:
        """Label in tables."""

    @property
    def crop(self) -> CropSpec:
        """Crop and range of its input."""

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Return unit vectors of RGB crops."""


class TorchEmbedder:
    """A torch network with the crop it was published for."""

    def __init__(self, name: str, net: nn.Module, crop: CropSpec) -> None:
        self.name, self.crop, self._net = name, crop, net.eval()

    def embed(self, crops: UInt8[np.ndarray, "B S S 3"]) -> Float32[np.ndarray, "B D"]:
        """Return unit vectors of RGB crops.

        Raises:
            WeightsError: `weights_nan` when an embedding is NaN, infinite or zero.
        """
        with torch.inference_mode():
            x = self.crop.values(crops)
            found = torch.cat([self._net(part) for part in x.split(_BATCH)]).double().numpy()
        return unit_rows(found, self.name)


def unit_rows(values: Float[np.ndarray, "B D"], where: str) -> Float32[np.ndarray, "B D"]:
    """Divide rows by their lengths.

    Raises:
        WeightsError: `weights_nan` for rows that are not finite or zero.
    """
    length = np.linalg.norm(values.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(length).all() or (length == 0).any():
        what = "the network's embedding is not finite, or zero"
        raise WeightsError("weights_nan", what, where, "its weights may be damaged")
    return np.asarray(values / length, np.float32)


def embed_faces(
    embedder: Embedder,
    photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
    points5: Sequence[Float[np.ndarray, "5 2"]],
) -> Float32[np.ndarray, "B D"]:
    """Return the unit vectors of one face per photo.

    Args:
        embedder: The network.
        photos: B pictures, RGB.
        points5: Five points per photo, pixels.

    Raises:
        FaceError: `points_invalid`.
        WeightsError: `weights_nan`.
    """
    pairs = zip(photos, points5, strict=True)
    return embedder.embed(np.stack([embedder.crop.crop(photo, points) for photo, points in pairs]))


def roc_area(scores: Float[np.ndarray, " B"], same: np.ndarray) -> float:
    """Area under the ROC curve: probability that a matching pair scores above a non-matching one, ties counted half.

    Args:
        scores: Similarity of each of B pairs.
        same: (B,) booleans, True for pairs of one person.

    Raises:
        ValueError: all pairs are of one kind.
    """
    positive, negative = scores[same], np.sort(scores[~same])
    if not len(positive) or not len(negative):
        raise ValueError("scores must hold both matching and non-matching pairs")
    below = np.searchsorted(negative, positive, side="left")
    up_to = np.searchsorted(negative, positive, side="right")
    return float((below + up_to).mean() / (2 * len(negative)))


def best_accuracy(scores: Float[np.ndarray, " B"], same: np.ndarray) -> tuple[float, float]:
    """Return the best accuracy of one threshold, and that threshold (a score at or above it means the same person)."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    right = np.concatenate([[0], np.cumsum(np.where(same[order], 1, -1))]) + int((~same).sum())
    # a threshold lies between different scores only
    possible = np.concatenate([[True], sorted_scores[1:] < sorted_scores[:-1], [True]])
    best = int(np.argmax(np.where(possible, right, -1)))
    threshold = float(sorted_scores[best - 1]) if best else float(np.inf)
    return float(right[best]) / len(scores), threshold
