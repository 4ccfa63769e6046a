"""3D-ID loss: the cosine between the features that a frozen mesh encoder sees in two meshes.

Letters: B batch, V vertices, D features.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from headform.losses.image_identity import cosine_loss


class MeshIdentityLoss(nn.Module):
    """3D-ID loss: cosine loss of a frozen mesh encoder's features (Xu et al. 2024, equations 5 and 6).

    Args:
        encoder: (B, V, 3) meshes in meters to (B, D) features, such as `MeshAutoencoder.encode_linear`. What it belongs to
            is frozen by the caller and is no part of this module.
        origin: (V, 3) mesh whose features are subtracted from all others, such as the mean head's; features of two heads
            have nearly the same direction, and the cosine a small gradient, where nothing is subtracted, as in the paper.
    """

    def __init__(
        self,
        encoder: Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B D"]],
        origin: Float[Tensor, "V 3"] | None = None,
    ) -> None:
        super().__init__()
        with torch.no_grad():
            center = None if origin is None else encoder(origin[None]).detach()
        self._frozen = (encoder, center)

    def _features(self, meshes: Float[Tensor, "B V 3"]) -> Float[Tensor, "B D"]:
        encoder, center = self._frozen
        found = encoder(meshes)
        return found if center is None else found - center

    def forward(self, predicted: Float[Tensor, "B V 3"], target: Float[Tensor, "B V 3"]) -> Float[Tensor, ""]:
        """Mean of one minus the cosine of both meshes' features; the target is a constant."""
        with torch.no_grad():
            wanted = self._features(target)
        return cosine_loss(self._features(predicted), wanted)
