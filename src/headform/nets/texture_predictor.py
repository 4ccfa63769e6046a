"""Refined texture of a head in a photo, from coarse texture, colors of the photo at the vertices, and the face's embedding.

V vertices, H W pixels of the photo.
"""

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from headform.errors import UsageError
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.texture_net import TextureNet, linear_from_signal, refiner_signal


class TexturePredictor:
    """Predictor with networks of one head.

    Args:
        net: Texture networks.
        embedder: Embedder of the kind that they were trained with.

    Raises:
        UsageError: `embedder_kind`.
    """

    def __init__(self, net: TextureNet, embedder: FaceEmbedder) -> None:
        wanted = net.config.embedding, net.config.embedding_size
        if wanted != (embedder.kind, embedder.size):
            what = f"the texture networks take the embedding {wanted}, not {(embedder.kind, embedder.size)}"
            raise UsageError("embedder_kind", what, "", "give the recognition network that they were trained with")
        self._net, self._embedder = net.eval(), embedder

    @property
    def vertices(self) -> int:
        """Number V of vertices of the head."""
        return self._net.levels.counts[0]

    @torch.inference_mode()
    def decode(self, rgb: UInt8[np.ndarray, "H W 3"], points5: Float[np.ndarray, "5 2"]) -> Float[Tensor, "1 V 3"]:
        """Embed the face of a photo and decode its embedding: what the networks know without head, light and colors.

        Args:
            rgb: Photo, sRGB.
            points5: Eyes, nose tip and corners of the mouth, pixels.

        Raises:
            FaceError: `points_invalid`.
        """
        embedding = self._embedder(rgb[None], np.asarray(points5, np.float64)[None])
        return self._net.decoder(embedding, self._net.levels)  # type: ignore[no-any-return]

    @torch.inference_mode()
    def refine(
        self,
        decoded: Float[Tensor, "1 _ 3"],
        coarse: Float[np.ndarray, "V 3"],
        projected: Float[np.ndarray, "V 3"],
        seen: Float[np.ndarray, " V"],
        shading: Float[np.ndarray, "V 3"],
    ) -> Float32[np.ndarray, "V 3"]:
        """Refine a texture.

        Args:
            decoded: What `decode` answered to the photo.
            coarse: Coarse texture, linear RGB.
            projected: Photo at the vertices, linear RGB, such as `fit.VertexColors.color`; 0 where hidden.
            seen: Visibility of each vertex in the photo, 0 to 1, such as `fit.VertexColors.weight`.
            shading: Light at the vertices, linear RGB.

        Returns:
            The refined texture, linear RGB in [0, 1].

        Raises:
            InputError: `mesh_topology` for another head.
        """
        device = self._net.combiner.weight.device

        def one(values: Float[np.ndarray, "V *C"]) -> Float[Tensor, "1 V *C"]:
            return torch.from_numpy(np.asarray(values, np.float32))[None].to(device)

        signal = refiner_signal(self._net.config, one(coarse), one(projected), one(seen), one(shading))
        return linear_from_signal(self._net.refine(decoded, signal))[0].cpu().numpy()
