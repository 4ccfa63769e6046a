"""Predictor of identity coefficients from photos with a face encoder: one photo, or several of one person.

K identity modes. Pixel coordinates have their origin at the top-left corner.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from headform.errors import InputError, UsageError
from headform.geometry.landmarks68 import five_points
from headform.heads.head_size import HeadSize
from headform.heads.linear import LinearHead
from headform.heads.mirror import mirror_identity_map
from headform.nets.activated_convolution import fused_in_single_precision
from headform.nets.face_embedding import FaceEmbedder
from headform.nets.face_encoder import FaceEncoder
from headform.nets.recognition.mobilefacenet_net import MobileFaceNet, first_own_part

BATCH = 32
"""Crops that go through the network at once."""
SHAPE_TRUST, SIZE_TRUST = 0.7, 0.5
"""Shares that are kept of a predicted head's difference from the mean head, and then of that of its size (its logarithm). On
synthetic faces of the encoder's own model all of it should be kept, on rendered people of the Surrey model, with whom it was
not taught, most of it; photos are farther from what it learned than these (docs/training.md)."""
_SHIFTS = ((0.0, 0.0), (1.5, 1.0), (-1.5, -1.0))  # pixels of the crop
_Picture = UInt8[np.ndarray, "_ _ 3"]
_Guide = Float[np.ndarray, "68 2"]


class FaceEncoderPredictor:
    """Average a `FaceEncoder` over shifted and mirrored copies of a crop.

    Args:
        net: Encoder of the head's coefficients.
        head: Head model with a mirror map.

    Raises:
        UsageError: ``head_unsupported`` when the encoder's codes are another head's.
    """

    def __init__(self, net: FaceEncoder, head: LinearHead) -> None:
        name, length = net.layout.parts[0]
        if length != len(head.identity):
            what = f"the encoder predicts {length} identity coefficients, the head has {len(head.identity)}"
            raise UsageError("head_unsupported", what, head.name, "use an encoder that was trained on this head")
        self._net, self._part = net, net.layout.slices[name]
        self._size = HeadSize(head)
        self._mirror = torch.from_numpy(mirror_identity_map(head).astype(np.float32))

    def predict(self, photos: Sequence[_Picture], guides: Sequence[_Guide]) -> list[Float[np.ndarray, " K"]]:
        """Predict coefficients of one face of each photo, standard deviations, on the device of the network.

        Args:
            photos: sRGB, of any sizes.
            guides: The 68 points of the face, pixels.
        """
        if not len(photos):
            return []
        return list(self._decoded(self._embeddings(photos, guides)))

    def first_own_part(self, embedder: FaceEmbedder) -> str:
        """Return the part of the encoder's backbone before which it computes what an embedder does; empty for none.

        See `first_own_part` of `nets.recognition.mobilefacenet_net`; both must see the same crop.
        """
        alike = embedder.kind == "recognizer" and embedder.crop is self._net.crop
        return first_own_part(self._net.backbone, embedder.network) if alike else ""

    def predict_and_share(
        self, photos: Sequence[_Picture], guides: Sequence[_Guide], part: str
    ) -> tuple[list[Float[np.ndarray, " K"]], Float[Tensor, "F _ h w"]]:
        """Predict as `predict`, and return what other networks that begin with the same parts need not compute again.

        Args:
            photos: sRGB, of any sizes; one or more.
            guides: The 68 points of the face, pixels.
            part: Part of the encoder's `MobileFaceNet`, such as `first_own_part`.

        Returns:
            The coefficients; and what that part receives of the crop of each face by its five points, not shifted.
        """
        received: list[Tensor] = []
        codes = list(self._decoded(self._embeddings(photos, guides, part, received)))
        return codes, torch.cat(received)[:: 2 * len(_SHIFTS)]

    def predict_person(self, photos: Sequence[_Picture], guides: Sequence[_Guide]) -> Float[np.ndarray, " K"]:
        """Predict the coefficients of one person who is seen in several photos: embeddings pooled by the encoder's gate.

        Args:
            photos: sRGB, one or more.
            guides: The 68 points of the person's face in each.

        Raises:
            InputError: ``photos_missing`` without a photo.
        """
        if not photos:
            raise InputError("photos_missing", "a person has no photo", "identity", "give at least one photo")
        found = self._embeddings(photos, guides)  # (F, C, D)
        pooled = torch.stack([self._pooled(found[:, copy]) for copy in range(found.shape[1])], dim=1)
        return self._decoded(pooled)[0]

    @torch.inference_mode()
    def _pooled(self, embeddings: Float[Tensor, "F D"]) -> Float[Tensor, "1 D"]:
        device = next(self._net.parameters()).device
        return self._net.pool(embeddings.to(device)[None]).cpu()

    @torch.inference_mode()
    def _decoded(self, embeddings: Float[Tensor, "F C D"]) -> Float64[np.ndarray, "F K"]:
        """Decode the copies of each face, turn the mirrored half back, average, and draw to the mean head."""
        device = next(self._net.parameters()).device
        codes = self._net.decode(embeddings.flatten(0, 1).to(device)).cpu()[:, self._part]
        plain, mirrored = codes.unflatten(0, embeddings.shape[:2]).chunk(2, dim=1)
        found = SHAPE_TRUST * ((plain + mirrored @ self._mirror) / 2).mean(1).double().numpy()
        return self._size.rescaled(found, (SIZE_TRUST - 1) * self._size.log_ratio(found))

    @torch.inference_mode()
    def _embeddings(
        self,
        photos: Sequence[_Picture],
        guides: Sequence[_Guide],
        part: str = "",
        received: list[Float[Tensor, "_ _ h w"]] | None = None,
    ) -> Float[Tensor, "F C D"]:
        """Embed the copies of each face: the one that is not shifted, shifted ones, the same mirrored.

        What a part of the backbone receives is appended to `received`, if any is named.
        """
        crop, device = self._net.crop, next(self._net.parameters()).device
        cut = []
        for rgb, points in zip(photos, guides, strict=True):
            five = five_points(points)
            size = np.linalg.norm(five[0] - five[1]) / np.linalg.norm(crop.points[0] - crop.points[1])
            shifted = [crop.crop(rgb, five + np.array(shift) * size) for shift in _SHIFTS]
            cut += [*shifted, *(np.ascontiguousarray(each[:, ::-1]) for each in shifted)]
        if not cut:
            raise InputError("photos_missing", "there is no photo", "identity", "give at least one photo of the person")
        found = []
        with fused_in_single_precision():
            for k in range(0, len(cut), BATCH):
                values = crop.values(np.stack(cut[k : k + BATCH])).to(device)
                if received is None or not isinstance(self._net.backbone, MobileFaceNet):
                    embedding = self._net.embed(values)
                else:
                    received.append(self._net.backbone.before(part, values))
                    embedding = self._net.backbone.after(part, received[-1])
                found.append(embedding.float().cpu())
        return torch.cat(found).unflatten(0, (len(photos), 2 * len(_SHIFTS)))
