"""Refined texture of a head in a photo, from coarse texture, colors of the photo at the vertices, and the face's embedding.

V vertices, H W pixels of the photo.
"""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from headform.errors import UsageError, WeightsError
from headform.heads.linear import LinearHead
from headform.mesh.mesh_hierarchy import topology_hash
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.recognition.crops import IMAGENET_112
from headform.nets.shipped import load_mobilefacenet, load_texture
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

    @classmethod
    def load(cls, path: Path | None, head: LinearHead, device: torch.device | str = "cpu") -> "TexturePredictor | None":
        """Load networks that take the embedding of the recognition network that ships.

        Args:
            path: Weights file of `headform train texture`; the shipped one if None.
            head: Head whose texture is to be refined.
            device: Device of the networks.

        Returns:
            The predictor; None where the networks that ship are of another mesh than the head.

        Raises:
            WeightsError: those of `load_texture`; `model_mismatch`: a named file is of another mesh.
            UsageError: `embedder_kind`.
        """
        net = load_texture(path)[0].to(device)
        if path is None and net.hierarchy.topology != _topology(head):
            return None
        found = cls(net, FaceEmbedder("recognizer", load_mobilefacenet()[0].to(device), IMAGENET_112))
        found.check_mesh(head, "" if path is None else str(path))
        return found

    def check_mesh(self, head: LinearHead, where: str = "") -> None:
        """Check that the networks are of the head's mesh.

        Raises:
            WeightsError: `model_mismatch`, naming both numbers of vertices.
        """
        if self._net.hierarchy.topology != _topology(head):
            own, count = self.vertices, len(head.mean)
            what = f"the texture networks are of a mesh of {own} vertices, the head {head.name} has {count}"
            what += ", joined by other triangles" if own == count else ""
            hint = "give networks that `headform train texture` taught on this head"
            raise WeightsError("model_mismatch", what, where, hint)

    @property
    def vertices(self) -> int:
        """Number V of vertices of the head."""
        return self._net.levels.counts[0]

    @property
    def embedder(self) -> FaceEmbedder:
        """Embedder of faces."""
        return self._embedder

    @torch.inference_mode()
    def decode(
        self,
        rgb: UInt8[np.ndarray, "H W 3"],
        points5: Float[np.ndarray, "5 2"],
        begun: tuple[str, Float[Tensor, "C h w"]] | None = None,
    ) -> Float[Tensor, "1 V 3"]:
        """Embed the face of a photo and decode its embedding: what the networks know without head, light and colors.

        Args:
            rgb: Photo, sRGB.
            points5: Eyes, nose tip and corners of the mouth, pixels.
            begun: Part of the embedder's network, and what it receives of the crop of these points, where that is known; see
                `FaceEncoderPredictor.predict_and_share`.

        Raises:
            FaceError: `points_invalid`.
        """
        if begun is None:
            embedding = self._embedder(rgb[None], np.asarray(points5, np.float64)[None])
        else:
            embedding = self._embedder.resume(begun[0], begun[1][None])
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
            decoded: Answer of `decode` to the photo.
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


def _topology(head: LinearHead) -> str:
    return topology_hash(head.faces.cpu().numpy(), len(head.mean))
