"""Predictor of identity coefficients from a photo.

K identity modes. Pixel coordinates have their origin at the top-left corner.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.errors import InputError
from headform.geometry.landmarks68 import eyes_and_mouth
from headform.heads.linear import LinearHead
from headform.heads.mirror import mirror_identity_map
from headform.images.transfer import LUMA_REC601
from headform.images.warp import warp
from headform.nets.crop_geometry import tight_similarity
from headform.nets.identity_net import INPUT_SIDE, IdentityNet

_GRAY = np.array(LUMA_REC601, np.float32)
BATCH = 32
"""Faces that go through the network at once."""
_SHIFTS = ((0.0, 0.0), (2.0, 1.0), (-2.0, -1.0))  # pixels of the crop


class IdentityPredictor:
    """Average an `IdentityNet` over shifted and mirrored copies of a crop."""

    def __init__(self, net: IdentityNet, head: LinearHead) -> None:
        self._net = net
        self._mirror = mirror_identity_map(head).astype(np.float32)

    def predict(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        guides: Sequence[Float[np.ndarray, "68 2"]],
    ) -> list[Float[np.ndarray, " K"]]:
        """Predict coefficients in standard deviations of one face of each photo, on the device of the network.

        Args:
            photos: sRGB, of any sizes.
            guides: The 68 points of the face, pixels.
        """
        crops = [tight_similarity(eyes_and_mouth(points), float(INPUT_SIDE)) for points in guides]
        parts = range(0, len(crops), BATCH)
        return [c for k in parts for c in self._batch(photos[k : k + BATCH], crops[k : k + BATCH])]

    def predict_person(
        self,
        photos: Sequence[UInt8[np.ndarray, "_ _ 3"]],
        guides: Sequence[Float[np.ndarray, "68 2"]],
    ) -> Float[np.ndarray, " K"]:
        """Predict the coefficients of one person who is seen in several photos: the mean of those of each photo.

        Raises:
            InputError: ``photos_missing`` without a photo.
        """
        if not photos:
            raise InputError("photos_missing", "a person has no photo", "identity", "give at least one photo")
        return np.asarray(np.mean(self.predict(photos, guides), axis=0))

    @torch.inference_mode()
    def _batch(
        self, photos: Sequence[UInt8[np.ndarray, "_ _ 3"]], crops: Sequence[Float[np.ndarray, "2 3"]]
    ) -> list[Float[np.ndarray, " K"]]:
        shifted = [
            warp(rgb, np.column_stack([crop[:, :2], crop[:, 2] + shift]), INPUT_SIDE)
            for rgb, crop in zip(photos, crops, strict=True)
            for shift in _SHIFTS
        ]
        gray = np.stack(shifted).astype(np.float32) @ _GRAY
        both = np.concatenate([gray, gray[:, :, ::-1]])
        device = next(self._net.parameters()).device
        codes = self._net(torch.from_numpy(both)[:, None].to(device)).cpu().numpy()
        plain, mirrored = np.split(codes, 2)
        readings = (plain + mirrored @ self._mirror).reshape(len(crops), len(_SHIFTS), -1)
        return list(np.asarray(readings.mean(1) / 2, np.float64))
