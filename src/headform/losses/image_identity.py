"""Identity loss: the cosine between what a frozen recognition network sees in two pictures.

Letters: B batch, C channels, H W pixels, D numbers of an embedding.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from headform.nets.recognition.crops import CropSpec
from headform.nets.recognition.face_crop import crop_faces

EPSILON = 1e-8
"""Shortest embedding that is divided by."""


def cosine_loss(first: Float[Tensor, "B D"], second: Float[Tensor, "B D"]) -> Float[Tensor, ""]:
    """Mean over the batch of `1 - <f, g> / (||f|| ||g||)` (Lin et al. 2020, L_id; Xu et al. 2024, equation 6)."""
    return (1 - cosine_similarity(first, second, dim=1, eps=EPSILON)).mean()


class IdentityLoss(nn.Module):
    """Cosine loss of a frozen recognition network behind a differentiable crop.

    Gradients pass through the crop and the network into the rendering; the photo's embedding is a constant. The network
    never learns and stays in evaluation mode; it is not part of the module's parameters, state or checkpoint.

    Args:
        network: (B, C, S, S) crops, encoded as `crop` says, to (B, D).
        crop: side, place of the five points, and encoding of its input.
    """

    def __init__(self, network: nn.Module, crop: CropSpec) -> None:
        super().__init__()
        network.eval().requires_grad_(False)
        # behind a tuple torch does not find it: nothing that is frozen is saved or averaged
        self._frozen: tuple[Callable[[Tensor], Tensor], ...] = (network,)
        self.crop = crop

    def embed(self, images: Float[Tensor, "B 3 H W"], points5: Float[Tensor, "B 5 2"]) -> Float[Tensor, "B D"]:
        """Embed the faces of pictures; differentiable in the pictures.

        Args:
            images: (B, 3, H, W) sRGB in [0, 1].
            points5: (B, 5, 2) eyes, nose tip and corners of the mouth, pixels.
        """
        return self._frozen[0](self.crop.encode(255 * crop_faces(images, points5, self.crop)))

    def forward(
        self,
        rendered: Float[Tensor, "B 3 H W"],
        image: Float[Tensor, "B 3 H W"],
        points5: Float[Tensor, "B 5 2"],
    ) -> Float[Tensor, ""]:
        """Mean of one minus the cosine; both pictures are cropped at the same five points."""
        with torch.no_grad():
            wanted = self.embed(image, points5)
        return cosine_loss(self.embed(rendered, points5), wanted)
