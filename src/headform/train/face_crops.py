"""Augmented crops of photos for networks that read a face by five points.

B photos, C channels, T side of the crop.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from headform.data.sample import Sample
from headform.errors import InputError
from headform.geometry.landmarks68 import five_points
from headform.nets.recognition.crops import CropSpec
from headform.train.augment import paste_patches, vary_color


@dataclass(frozen=True)
class FaceCrops:
    """Crops for a network, with jitter of the points, random colors and patches.

    Attributes:
        crop: Input of the network.
        jitter: Standard deviation of the five points, pixels of the crop.
        patch_rate: Share of crops that are partly covered.
    """

    crop: CropSpec
    jitter: float
    patch_rate: float

    def noise(self, points5: Float[np.ndarray, "B 5 2"], rng: np.random.Generator) -> Float[np.ndarray, "B 5 2"]:
        """Draw displacements of the five points, pixels of the photo."""
        scale = _eye_distance(points5) / _eye_distance(self.crop.points)
        return np.asarray(rng.normal(0, self.jitter, points5.shape) * scale[:, None, None])

    def encode(self, crops: UInt8[np.ndarray, "B T T 3"], rng: np.random.Generator | None) -> Float[Tensor, "B C T T"]:
        """Convert crops to the network's input; colors and patches are varied with a generator."""
        if rng is None:
            return self.crop.values(crops)
        varied = vary_color(rng, crops)
        paste_patches(rng, varied, self.patch_rate)
        return self.crop.encode(torch.from_numpy(varied).permute(0, 3, 1, 2))


def points5_of(row: Sample) -> Float[np.ndarray, "5 2"]:
    """Return the five points of a sample, pixels.

    Raises:
        InputError: `sample_unusable`, naming the sample, where eyes, nose or mouth are unknown.
    """
    points = five_points(row.points68)
    if not np.isfinite(points).all():
        what = "eyes, nose or mouth are unknown: the encoder's crop cannot be cut"
        raise InputError("sample_unusable", what, f"sample {row.name}", "leave out samples without these points")
    return points


def mirrored_points(points: Float[np.ndarray, "B N 2"], width: int) -> Float[np.ndarray, "B N 2"]:
    """Mirror points, whose order is already the mirror image's."""
    return np.stack([width - points[..., 0], points[..., 1]], axis=-1)


def mirrored_points5(points: Float[np.ndarray, "B 5 2"], width: int) -> Float[np.ndarray, "B 5 2"]:
    """Mirror five points: the eyes and the corners of the mouth change places."""
    return mirrored_points(points[:, [1, 0, 2, 4, 3]], width)


def _eye_distance(points: Float[np.ndarray, "*B 5 2"]) -> Float[np.ndarray, "*B"]:
    return np.asarray(np.linalg.norm(points[..., 0, :] - points[..., 1, :], axis=-1))
