"""Losses between a rendering and a photo.

Letters: B batch, C channels, H W pixels. Both pictures in one encoding, in [0, 1].
"""

from jaxtyping import Float
from torch import Tensor

from headform.losses._safe_sqrt import safe_sqrt

_TINY = 1e-12


def photometric_loss(
    rendered: Float[Tensor, "B C H W"], image: Float[Tensor, "B C H W"], mask: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """Mean over all pixels and channels of `mask |rendered - image|`, not divided by the area of the mask.

    Source: Feng et al. 2021 (DECA), equation 6, normalized as in its published code, where a small face weighs little.
    """
    return (mask * (rendered - image).abs()).mean()


def pixel_loss(
    rendered: Float[Tensor, "B C H W"], image: Float[Tensor, "B C H W"], mask: Float[Tensor, "B 1 H W"]
) -> Float[Tensor, ""]:
    """Mean over the masked pixels of the batch of the Euclidean distance of colors; 0 for an empty mask.

    Source: Lin et al. 2020, L_pix: `sum M ||x - x'||_2 / sum M`. Equal colors have gradient zero.

    Args:
        rendered: (B, C, H, W) rendering.
        image: (B, C, H, W) photo.
        mask: (B, 1, H, W) the product of the projected face and the skin in the photo.
    """
    distance = safe_sqrt((rendered - image).square().sum(1, keepdim=True))
    return (mask * distance).sum() / mask.sum().clamp(min=_TINY)
