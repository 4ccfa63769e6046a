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
    """

    def __init__(self, encoder: Callable[[Float[Tensor, "B V 3"]], Float[Tensor, "B D"]]) -> None:
        super().__init__()
        self._frozen = (encoder,)

    def forward(self, predicted: Float[Tensor, "B V 3"], target: Float[Tensor, "B V 3"]) -> Float[Tensor, ""]:
        """Mean of one minus the cosine of both meshes' features; the target is a constant."""
        with torch.no_grad():
            wanted = self._frozen[0](target)
        return cosine_loss(self._frozen[0](predicted), wanted)
