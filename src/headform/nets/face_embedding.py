"""Embeddings of faces from which the texture decoder draws, of one recognition network or of two networks side by side.

B photos, H W pixels, E numbers.

| kind | numbers | of |
|---|---|---|
| ``recognizer`` | those of the network, 128 of the one that ships | its embedding, of length sqrt(E) |
| ``facenet`` | 1,792 | FaceNet before its last linear layer, as in Lin et al. (2020) |
| ``pool5+facenet`` | 3,840 | the coefficient regressor's last pooling before those, as in their published code |
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import normalize

from headform.errors import UsageError
from headform.nets.activated_convolution import fused_in_single_precision
from headform.nets.recognition.crops import FACENET, CropSpec
from headform.nets.recognition.inception_resnet_v1_net import InceptionResnetV1
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet
from headform.nets.texture_net import EMBEDDING_SIZES, Embedding

Pooled = Callable[[UInt8[np.ndarray, "B H W 3"], Float[np.ndarray, "B 5 2"]], Float[Tensor, "B 2048"]]
"""Function from photos and five points to the coefficient regressor's last pooling (pool5)."""


class FaceNetFeatures(nn.Module):
    """FaceNet up to the 1,792 numbers before its last linear layer."""

    def __init__(self, net: InceptionResnetV1) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B 1792"]:
        """Compute the features of encoded crops."""
        return self.net.features(crops)


class FaceEmbedder:
    """Frozen networks that embed the faces of photos.

    Args:
        kind: See the module docstring.
        net: Recognition network; FaceNet (`InceptionResnetV1`) unless the kind is ``recognizer``.
        crop: Its crop.
        pooled: The regressor's part of ``pool5+facenet``.

    Attributes:
        network: Network of the identity loss: the recognizer, or FaceNet's features.
        crop: Its crop.
        size: Numbers E of an embedding.

    Raises:
        UsageError: `network_missing`, `embedder_kind`.
    """

    def __init__(self, kind: Embedding, net: nn.Module, crop: CropSpec, pooled: Pooled | None = None) -> None:
        self.kind = kind
        if kind != "recognizer":
            if not isinstance(net, InceptionResnetV1):
                what = f"the embedding {kind} needs FaceNet, the network given is {type(net).__name__}"
                raise UsageError("embedder_kind", what, "", "give facenet-pytorch's file, or use the preset open")
            net, crop = FaceNetFeatures(net), FACENET
        if kind == "pool5+facenet" and pooled is None:
            what = "the embedding pool5+facenet needs the coefficient regressor"
            raise UsageError("network_missing", what, "", "give its checkpoint with --regressor")
        self.network = net.eval().requires_grad_(False)
        self.crop, self._pooled = crop, pooled
        self.size = EMBEDDING_SIZES[kind]
        if kind == "recognizer":
            with torch.inference_mode():
                still = np.zeros((1, crop.side, crop.side, 3), np.uint8)
                self.size = self.network(crop.values(still).to(next(net.parameters()).device)).shape[1]

    @torch.inference_mode()
    def __call__(
        self, images: UInt8[np.ndarray, "B H W 3"], points5: Float[np.ndarray, "B 5 2"]
    ) -> Float[Tensor, "B E"]:
        """Embed the faces of photos, given their five points in pixels.

        Raises:
            FaceError: `points_invalid`.
        """
        crops = np.stack([self.crop.crop(image, five) for image, five in zip(images, points5, strict=True)])
        device = next(self.network.parameters()).device
        found = self.network(self.crop.values(crops).to(device)).float().cpu()
        if self.kind == "recognizer":
            return _scaled(found)
        if self._pooled is None:
            return found
        return torch.cat([self._pooled(images, points5).float().cpu(), found], dim=1)

    @torch.inference_mode()
    def resume(self, part: str, activations: Float[Tensor, "B C h w"]) -> Float[Tensor, "B E"]:
        """Embed faces as the call does, from what the recognizer's `MobileFaceNet.before` made of their crops.

        Args:
            part: Part that comes next.
            activations: Input of that part.

        Raises:
            UsageError: `embedder_kind` for another network.
        """
        if self.kind != "recognizer" or not isinstance(self.network, MobileFaceNet):
            what = f"the embedding {self.kind} of {type(self.network).__name__} has no part {part!r}"
            raise UsageError("embedder_kind", what, "", "embed the photo")
        device = next(self.network.parameters()).device
        with fused_in_single_precision():
            return _scaled(self.network.after(part, activations.to(device)).float().cpu())


def _scaled(embedding: Float[Tensor, "B E"]) -> Float[Tensor, "B E"]:
    """Give embeddings the length sqrt(E)."""
    return normalize(embedding, dim=1) * embedding.shape[1] ** 0.5
