"""Enlarged windows on eyes and mouth, cut out of a batch of crops inside the network.

B batch, S side of the crops, W side of the windows, P points. Crop coordinates run from -1 (left or top edge) to 1. The
window on the left eye is mirrored, so that both eyes look like a right eye.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from headform.geometry.landmarks68 import LEFT_BROW, LEFT_EYE, MIRROR68, MOUTH, RIGHT_BROW, RIGHT_EYE

EYE_POINTS = (*range(RIGHT_BROW.start, RIGHT_BROW.stop), *range(RIGHT_EYE.start, RIGHT_EYE.stop))
"""Points that the window on the right eye places."""
LEFT_EYE_POINTS = tuple(int(MIRROR68[k]) for k in EYE_POINTS)
"""Their mirror images, in the same order."""
MOUTH_POINTS = tuple(range(MOUTH.start, MOUTH.stop))
WINDOWS = 3
"""Right eye, left eye, mouth."""
_FARTHEST = 0.8
"""Farthest center of a window from the middle of the crop: before the network has learned, its points lie anywhere."""


def window_centers(points68: Float[Tensor, "B 68 2"]) -> Float[Tensor, "3 B 2"]:
    """Return the centers of the windows: each eye with its brow, and the mouth, in crop coordinates."""
    right = torch.cat([points68[:, RIGHT_BROW].mean(1, keepdim=True), points68[:, RIGHT_EYE].mean(1, keepdim=True)], 1)
    left = torch.cat([points68[:, LEFT_BROW].mean(1, keepdim=True), points68[:, LEFT_EYE].mean(1, keepdim=True)], 1)
    weight = points68.new_tensor([0.35, 0.65])[:, None]  # nearer the lids, which are small, than the brow
    centers = torch.stack([(right * weight).sum(1), (left * weight).sum(1), points68[:, MOUTH].mean(1)])
    return centers.clamp(-_FARTHEST, _FARTHEST)


def cut_windows(
    images: Float[Tensor, "B C S S"], centers: Float[Tensor, "B 2"], share: float, side: int, *, mirrored: bool = False
) -> Float[Tensor, "B C W W"]:
    """Resample a window of each crop bilinearly; the border is repeated outside.

    Args:
        images: crops.
        centers: centers of the windows, crop coordinates.
        share: side of a window over that of the crop; 1 with a center of 0 and W = S gives the crop itself.
        side: side W of the result, pixels.
        mirrored: mirror the windows.
    """
    linear = torch.diag(images.new_tensor([-share if mirrored else share, share]))
    theta = torch.cat([linear.expand(len(images), 2, 2), centers[..., None].to(images.dtype)], 2)
    grid = functional.affine_grid(theta, [len(images), images.shape[1], side, side], align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def into_crop(
    points: Float[Tensor, "B P 2"], centers: Float[Tensor, "B 2"], share: float, *, mirrored: bool = False
) -> Float[Tensor, "B P 2"]:
    """Move points from the coordinates of windows to those of the crops."""
    local = points * points.new_tensor([-1.0, 1.0]) if mirrored else points
    return local * share + centers[:, None]
