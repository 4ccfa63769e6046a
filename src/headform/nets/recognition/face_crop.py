"""Crop faces for a recognition network with gradients: the torch twin of `CropSpec.crop`.

Letters: B batch, C channels, H W pixels, S side of a crop.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from headform.geometry.camera import ndc_from_pixels
from headform.geometry.similarity import fit_similarity
from headform.nets.recognition.crops import CropSpec

MOST_SAMPLES = 8
"""Samples along either axis of a crop's pixel, at most."""


def crop_faces(
    images: Float[Tensor, "B C H W"], points5: Float[Tensor, "B 5 2"], crop: CropSpec
) -> Float[Tensor, "B C S S"]:
    """Cut the faces out by the best similarity of their five points; differentiable in the pictures.

    Each crop pixel is the mean of bilinear samples spread over its footprint, as `images.warp` takes them, so that a large
    face is not aliased. Outside the picture its border is repeated.

    Args:
        images: (B, C, H, W) in any range.
        points5: (B, 5, 2) pixels, origin at the top-left corner, in the order of `CropSpec.points`; constant.
        crop: side and places of the points.

    Raises:
        ValueError: five points that place no crop.
    """
    height, width = images.shape[-2:]
    back = [
        np.linalg.inv(fit_similarity(points.detach().cpu().double().numpy(), crop.points).matrix())
        for points in points5
    ]
    step = max(float(np.sqrt(abs(np.linalg.det(m[:2, :2])))) for m in back)  # picture pixels per crop pixel
    samples = int(min(MOST_SAMPLES, max(1, np.ceil(0.6 * step))))  # each covers about two picture pixels
    side = crop.side * samples
    axis = (torch.arange(side, device=images.device, dtype=images.dtype) + 0.5) / samples
    row, column = torch.meshgrid(axis, axis, indexing="ij")
    at = torch.stack([column, row, torch.ones_like(row)], dim=-1)  # (side, side, 3)
    matrices = torch.from_numpy(np.stack(back)[:, :2]).to(images)  # (B, 2, 3)
    places = ndc_from_pixels(at @ matrices.mT[:, None], (width, height))
    found = grid_sample(images, places, mode="bilinear", padding_mode="border", align_corners=False)
    return found.unflatten(-1, (crop.side, samples)).unflatten(-3, (crop.side, samples)).mean((-1, -3))
