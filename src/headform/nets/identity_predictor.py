"""Predictor of identity coefficients from a photo.

K identity modes. Pixel coordinates have their origin at the top-left corner.
"""

import numpy as np
import torch
from jaxtyping import Float, UInt8

from headform.heads.linear import LinearHead
from headform.heads.mirror import mirror_identity_map
from headform.images.transfer import LUMA_REC601
from headform.images.warp import warp
from headform.nets.identity_net import INPUT_SIDE, IdentityNet

_GRAY = np.array(LUMA_REC601, np.float32)
_SHIFTS = ((0.0, 0.0), (2.0, 1.0), (-2.0, -1.0))  # pixels of the crop


class IdentityPredictor:
    """Average an `IdentityNet` over shifted and mirrored copies of a crop."""

    def __init__(self, net: IdentityNet, head: LinearHead) -> None:
        self._net = net
        self._mirror = mirror_identity_map(head).astype(np.float32)

    @torch.inference_mode()
    def predict(self, rgb: UInt8[np.ndarray, "H W 3"], crop: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, " K"]:
        """Predict coefficients in standard deviations; `crop` maps photo pixels to the 128-pixel tight crop."""
        shifted = [np.column_stack([crop[:, :2], crop[:, 2] + shift]) for shift in _SHIFTS]
        gray = np.stack([warp(rgb, matrix, INPUT_SIDE) for matrix in shifted]).astype(np.float32) @ _GRAY
        both = np.concatenate([gray, gray[:, :, ::-1]])
        codes = self._net(torch.from_numpy(both)[:, None]).numpy()
        plain, mirrored = np.split(codes, 2)
        return np.asarray((plain + mirrored @ self._mirror).mean(0) / 2, np.float64)
